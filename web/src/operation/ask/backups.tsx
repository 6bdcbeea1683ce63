import { useState } from 'preact/hooks';
import { objectText } from '../../api/backupcommand';
import type { BackupPolicy, KindList } from '../../api/backupkinds';
import { policiesPath, watchedBackups } from '../../api/backups';
import type { Request } from '../../api/operations';
import type { SnapshotObject } from '../../api/v1alpha1';
import { t } from '../../lang';
import { useReading } from '../../live/reading';
import { Field, TypeName } from '../../parts/dialog';
import { Check, PlanDialog } from './plandialog';

interface Props {
  cluster: string;
  onClose: () => void;
}

export type AskedOfBackups =
  | { type: 'Backup'; policy?: string | undefined; components?: readonly string[] }
  | { type: 'Prove'; backup: string }
  | { type: 'CheckBackups'; policy: string }
  | { type: 'Prune'; policy: string; backups?: readonly string[] }
  | { type: 'RestoreObjects'; backup: string; objects: readonly SnapshotObject[] }
  | { type: 'RestoreCluster'; backup: string; proven: boolean };

/** Requests about backups: each makes a plan. */
export function AskBackups({ what, ...props }: Props & { what: AskedOfBackups }) {
  switch (what.type) {
    case 'Backup':
      return <AskBackup {...props} {...what} />;
    case 'Prove':
      return <AskProve {...props} backup={what.backup} />;
    case 'CheckBackups':
      return <AskCheck {...props} policy={what.policy} />;
    case 'Prune':
      return <AskPrune {...props} {...what} />;
    case 'RestoreObjects':
      return <AskRestoreObjects {...props} {...what} />;
    case 'RestoreCluster':
      return <AskRestoreCluster {...props} {...what} />;
  }
}

/** A set now. Its policy can be chosen where it was not said. */
function AskBackup({ cluster, policy: said, components: given, onClose }: Props & { policy?: string | undefined; components?: readonly string[] }) {
  const { data } = useReading<KindList<BackupPolicy>>(policiesPath(cluster), watchedBackups(cluster));
  const [chosen, setChosen] = useState(said);
  const [without, setWithout] = useState<readonly string[]>([]);
  const [pinned, setPinned] = useState(false);
  const policies = data?.items ?? [];
  const policy = chosen ?? policies[0]?.metadata.name ?? '';
  const components = policies.find((p) => p.metadata.name === policy)?.spec.components?.map((c) => c.name) ?? given ?? [];
  const wanted = components.filter((c) => !without.includes(c));
  const request = (): Request => ({
    type: 'Backup',
    backup: { policy, ...(wanted.length < components.length && { components: wanted }), ...(pinned && { pinned }) },
  });
  const why = policy === '' ? t('backups.noPolicy') : components.length > 0 && wanted.length === 0 ? t('askBackup.nothing') : undefined;
  return (
    <PlanDialog cluster={cluster} title={t('ask.Backup', { policy: policy || '…' })} targets={policy ? [policy] : []} text={t('ask.Backup.text')} request={request} why={why} onClose={onClose}>
      {policies.length > 1 && (
        <Field label={t('backups.policy')}>
          {(id) => (
            <select
              id={id}
              value={policy}
              onChange={(e) => {
                setChosen(e.currentTarget.value);
                setWithout([]);
              }}
            >
              {policies.map((p) => (
                <option key={p.metadata.name} value={p.metadata.name}>
                  {p.metadata.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Check label={t('askBackup.pin')} hint={t('askBackup.pin.hint')} value={pinned} onChange={setPinned} />
      {components.length > 1 && (
        <details class="more">
          <summary>{t('ask.options')}</summary>
          <p class="hint">{t('askBackup.components')}</p>
          {components.map((c) => (
            <Check key={c} label={c} value={!without.includes(c)} onChange={(on) => setWithout(on ? without.filter((w) => w !== c) : [...without, c])} />
          ))}
        </details>
      )}
    </PlanDialog>
  );
}

function AskProve({ cluster, backup, onClose }: Props & { backup: string }) {
  return <PlanDialog cluster={cluster} title={t('ask.Prove')} targets={[backup]} text={t('ask.Prove.text')} request={() => ({ type: 'Prove', prove: { backup } })} onClose={onClose} />;
}

function AskCheck({ cluster, policy, onClose }: Props & { policy: string }) {
  const [readData, setReadData] = useState(false);
  return (
    <PlanDialog
      cluster={cluster}
      title={t('ask.CheckBackups', { policy })}
      targets={[policy]}
      text={t('ask.CheckBackups.text')}
      request={() => ({ type: 'CheckBackups', checkBackups: { policy, ...(readData && { readData }) } })}
      onClose={onClose}
    >
      <Check label={t('askCheck.readData')} hint={t('askCheck.readData.hint')} value={readData} onChange={setReadData} />
    </PlanDialog>
  );
}

/** What the retention does not keep is deleted, or the sets that are named. */
function AskPrune({ cluster, policy, backups, onClose }: Props & { policy: string; backups?: readonly string[] }) {
  return (
    <PlanDialog
      cluster={cluster}
      title={backups ? t('ask.Prune.sets', { n: backups.length }) : t('ask.Prune', { policy })}
      targets={backups ?? [policy]}
      text={t(backups ? 'ask.Prune.setsText' : 'ask.Prune.text')}
      request={() => ({ type: 'Prune', prune: { policy, ...(backups && { backups: [...backups] }) } })}
      onClose={onClose}
    />
  );
}

const namespaceRule = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/;

/** Objects are written back as they were. */
function AskRestoreObjects({ cluster, backup, objects, onClose }: Props & { backup: string; objects: readonly SnapshotObject[] }) {
  const [dependents, setDependents] = useState(true);
  const [recreate, setRecreate] = useState(false);
  const [toNamespace, setToNamespace] = useState('');
  const namespaced = objects.some((o) => o.namespace);
  const request = (): Request => ({
    type: 'RestoreObjects',
    restoreObjects: {
      backup,
      objects: objects.map(({ group, resource, namespace, name }) => ({ ...(group && { group }), resource, ...(namespace && { namespace }), name })),
      ...(dependents && { dependents }),
      ...(recreate && { recreate }),
      ...(toNamespace && { toNamespace }),
    },
  });
  return (
    <PlanDialog
      cluster={cluster}
      title={t('ask.RestoreObjects', { n: objects.length })}
      targets={objects.map(objectText)}
      text={t('ask.RestoreObjects.text', { set: backup })}
      request={request}
      why={namespaceRule.test(toNamespace) ? undefined : t('askRestore.namespaceBad')}
      onClose={onClose}
    >
      <div>
        <Check label={t('askRestore.dependents')} hint={t('askRestore.dependents.hint')} value={dependents} onChange={setDependents} />
        <Check label={t('askRestore.recreate')} hint={t('askRestore.recreate.hint')} value={recreate} onChange={setRecreate} />
      </div>
      {namespaced && (
        <Field label={t('askRestore.toNamespace')} hint={t('askRestore.toNamespace.hint')}>
          {(id, hint) => <input id={id} class="name" spellcheck={false} autocapitalize="off" autocomplete="off" aria-describedby={hint} value={toNamespace} onInput={(e) => setToNamespace(e.currentTarget.value.trim())} />}
        </Field>
      )}
    </PlanDialog>
  );
}

const restoreModes = ['AllMembers', 'Everything'] as const;

/** The whole cluster goes back: its name is typed before even the plan is made. */
function AskRestoreCluster({ cluster, backup, proven, onClose }: Props & { backup: string; proven: boolean }) {
  const [mode, setMode] = useState<(typeof restoreModes)[number]>('AllMembers');
  const [unproven, setUnproven] = useState(false);
  const [withoutPresent, setWithoutPresent] = useState(false);
  const [typed, setTyped] = useState('');
  const request = (): Request => ({
    type: 'RestoreCluster',
    restoreCluster: { mode, backup, ...(unproven && { unproven }), ...(withoutPresent && { withoutPresent }) },
  });
  const why = typed.trim() === cluster ? undefined : t('approve.typeFirst', { name: cluster });
  return (
    <PlanDialog cluster={cluster} title={t('ask.RestoreCluster', { cluster })} targets={[backup]} text={t('ask.RestoreCluster.text')} request={request} why={why} onClose={onClose}>
      <p class="notice warn">{t('askCluster.lost')}</p>
      <Field label={t('askCluster.mode')} hint={t(`restoreMode.${mode}.hint`)}>
        {(id, hint) => (
          <select id={id} aria-describedby={hint} value={mode} onChange={(e) => setMode(e.currentTarget.value as typeof mode)}>
            {restoreModes.map((m) => (
              <option key={m} value={m}>
                {t(`restoreMode.${m}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <div>
        {!proven && <Check label={t('askCluster.unproven')} hint={t('askCluster.unproven.hint')} value={unproven} onChange={setUnproven} />}
        <Check label={t('askCluster.withoutPresent')} hint={t('askCluster.withoutPresent.hint')} value={withoutPresent} onChange={setWithoutPresent} />
      </div>
      <TypeName name={cluster} value={typed} onInput={setTyped} label={t('askCluster.typeName')} />
    </PlanDialog>
  );
}
