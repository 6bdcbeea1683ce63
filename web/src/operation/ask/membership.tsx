import { useState } from 'preact/hooks';
import { type Request, taintText } from '../../api/operations';
import { type HostRole, hostRoles, type Taint } from '../../api/v1alpha1';
import { t } from '../../lang';
import { Field, TypeName } from '../../parts/dialog';
import { Check, PlanDialog, wordsOf } from './plandialog';

interface Props {
  cluster: string;
  onClose: () => void;
}

const label = /^([a-zA-Z0-9./_-]+)=([a-zA-Z0-9._-]*)$/;
const taint = /^([a-zA-Z0-9./_-]+)(?:=([a-zA-Z0-9._-]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/;
const bundleName = /^([a-zA-Z0-9][a-zA-Z0-9_.-]*)?$/;

/** A host becomes a node. */
export function AskAddNode({ cluster, host, roles, group: own, onClose }: Props & { host: string; roles?: readonly HostRole[] | undefined; group?: string | undefined }) {
  const [role, setRole] = useState<HostRole>(roles?.[0] ?? 'worker');
  const [group, setGroup] = useState(own ?? '');
  const [labels, setLabels] = useState('');
  const [taints, setTaints] = useState('');
  const [bundle, setBundle] = useState('');

  const badLabel = wordsOf(labels).find((w) => !label.test(w));
  const badTaint = wordsOf(taints).find((w) => !taint.test(w));
  const why = badLabel
    ? t('addNode.labelBad', { what: badLabel })
    : badTaint
      ? t('addNode.taintBad', { what: badTaint })
      : /^([a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)?$/.test(group)
        ? bundleName.test(bundle)
          ? undefined
          : t('addNode.bundleBad')
        : t('addNode.groupBad');
  const request = (): Request => {
    const pairs = wordsOf(labels).flatMap((w) => {
      const m = label.exec(w);
      return m ? [[m[1] ?? '', m[2] ?? ''] as const] : [];
    });
    const list = wordsOf(taints).flatMap((w): Taint[] => {
      const m = taint.exec(w);
      return m ? [{ key: m[1] ?? '', ...(m[2] && { value: m[2] }), effect: m[3] as Taint['effect'] }] : [];
    });
    return {
      type: 'AddNode',
      addNode: {
        host,
        role,
        ...(group && { group }),
        ...(pairs.length > 0 && { labels: Object.fromEntries(pairs) }),
        ...(list.length > 0 && { taints: list }),
        ...(bundle && { bundle }),
      },
    };
  };
  return (
    <PlanDialog cluster={cluster} title={t('ask.AddNode', { host })} targets={[host]} text={t('ask.AddNode.text')} request={request} why={why} onClose={onClose}>
      <div class="fields">
        <Field label={t('nodes.role')} hint={t(`addNode.${role}.hint`)}>
          {(id, hint) => (
            <select id={id} aria-describedby={hint} value={role} onChange={(e) => setRole(e.currentTarget.value as HostRole)}>
              {hostRoles.map((r) => (
                <option key={r} value={r}>
                  {r}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t('hosts.group')} hint={t('addNode.group.hint')}>
          {(id, hint) => <input id={id} spellcheck={false} autocomplete="off" aria-describedby={hint} value={group} onInput={(e) => setGroup(e.currentTarget.value.trim())} />}
        </Field>
      </div>
      <details class="more">
        <summary>{t('ask.options')}</summary>
        <div class="stack">
          <Field label={t('addNode.labels')} hint={t('addNode.labels.hint')}>
            {(id, hint) => <textarea id={id} class="name" rows={2} spellcheck={false} aria-describedby={hint} placeholder="rack=r12" value={labels} onInput={(e) => setLabels(e.currentTarget.value)} />}
          </Field>
          <Field label={t('node.taints')} hint={t('addNode.taints.hint')}>
            {(id, hint) => (
              <textarea id={id} class="name" rows={2} spellcheck={false} aria-describedby={hint} placeholder={taintText({ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' })} value={taints} onInput={(e) => setTaints(e.currentTarget.value)} />
            )}
          </Field>
          <Field label={t('addNode.bundle')} hint={t('addNode.bundle.hint')}>
            {(id, hint) => <input id={id} class="name" spellcheck={false} autocomplete="off" aria-describedby={hint} value={bundle} onInput={(e) => setBundle(e.currentTarget.value.trim())} />}
          </Field>
        </div>
      </details>
    </PlanDialog>
  );
}

/** A node leaves the cluster: its machine back to bare, or, when the machine is dead, without it. */
export function AskRemoveNode({ cluster, node, onClose }: Props & { node: string }) {
  const [dead, setDead] = useState(false);
  const [keepHost, setKeepHost] = useState(false);
  const [accepted, setAccepted] = useState('');
  const typed = accepted.trim();
  const why = dead && typed !== '' && typed !== node ? t('removeNode.typedOther', { name: node }) : undefined;
  const request = (): Request => ({
    type: 'RemoveNode',
    removeNode: { node, ...(dead && { dead }), ...(dead && typed === node && { acceptSplitBrain: node }), ...(keepHost && { keepHost }) },
  });
  return (
    <PlanDialog cluster={cluster} title={t('ask.RemoveNode', { node })} targets={[node]} text={t(dead ? 'ask.RemoveNode.dead' : 'ask.RemoveNode.text')} request={request} why={why} onClose={onClose}>
      <div>
        <Check label={t('removeNode.dead')} hint={t('removeNode.dead.hint')} value={dead} onChange={setDead} />
        <Check label={t('removeNode.keepHost')} hint={t('removeNode.keepHost.hint')} value={keepHost} onChange={setKeepHost} />
      </div>
      {dead && (
        <div class="notice warn proof">
          <p>{t('removeNode.proof')}</p>
          <ul>
            <li>{t('removeNode.proof.power')}</li>
            <li>{t('removeNode.proof.silence')}</li>
          </ul>
          <p>{t('removeNode.proof.accept')}</p>
          <TypeName name={node} value={accepted} onInput={setAccepted} label={t('removeNode.accept')} />
        </div>
      )}
    </PlanDialog>
  );
}

/** One failing worker is brought back, by the mildest thing that helps. */
export function AskRecover({ cluster, node, onClose }: Props & { node: string }) {
  const [reboot, setReboot] = useState(true);
  const request = (): Request => ({ type: 'Recover', recover: { node, ...(reboot && { reboot }) } });
  return (
    <PlanDialog cluster={cluster} title={t('ask.Recover', { node })} targets={[node]} text={t('ask.Recover.text')} request={request} onClose={onClose}>
      <Check label={t('recovery.reboot')} hint={t('recovery.reboot.hint')} value={reboot} onChange={setReboot} />
    </PlanDialog>
  );
}
