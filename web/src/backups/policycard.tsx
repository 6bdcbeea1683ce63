import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import type { BackupPolicy } from '../api/backupkinds';
import { readSets, rescan } from '../api/backups';
import { count } from '../format';
import { said, t, text } from '../lang';
import { askFor } from '../operation/ask';
import { Action } from '../parts/button';
import { Copyable } from '../parts/dialog';
import { Fact, Facts, Panel } from '../parts/facts';
import { Mark, Tag } from '../parts/mark';
import { Ago } from '../parts/time';
import { to } from '../route';
import { PolicyDialog } from './policydialog';
import { isBrowsable, newestFirst, placeOf } from './state';
import { cronText, Due, scheduleText } from './words';

interface Props {
  cluster: string;
  policy: BackupPolicy;
  /** The first policy of a page has the page's primary button. */
  primary: boolean;
  changed: () => void;
}

/** A policy: where to, when, how long kept, how it stands, and what can be done with it. */
export function PolicyCard({ cluster, policy, primary, changed }: Props) {
  const access = useAccess(cluster);
  const [changing, setChanging] = useState(false);
  const [found, setFound] = useState<number>();
  const { name } = policy.metadata;
  const { spec, status } = policy;
  const mayPlan = missing(access, 'create', 'operations', cluster);
  const ready = status?.conditions?.find((c) => c.type === 'RepositoryReady');
  const broken = ready?.status === 'False';
  const why = mayPlan ?? (broken ? t('policy.brokenWhy') : undefined);
  return (
    <Panel class="policy">
      <div class="policy-head">
        <h2 class="name">{name}</h2>
        {ready && <Mark tone={broken ? 'crit' : 'ok'}>{t(broken ? 'policy.broken' : 'policy.ready')}</Mark>}
        {spec.suspended && <Tag tone="warn">{t('policy.suspended')}</Tag>}
        {spec.repository.appendOnly && <Tag>{t('policy.appendOnly')}</Tag>}
        <div class="row-actions">
          <Action kind={primary ? 'primary' : 'plain'} why={why} onClick={() => askFor({ cluster, type: 'Backup', policy: name, components: (spec.components ?? []).map((c) => c.name) })}>
            {t('backups.now')}
          </Action>
          <ProveNewest cluster={cluster} policy={name} why={why} />
          <Action why={why} onClick={() => askFor({ cluster, type: 'CheckBackups', policy: name })}>
            {t('backups.check')}
          </Action>
          <Action why={why ?? (spec.repository.appendOnly ? t('policy.appendOnlyWhy') : undefined)} onClick={() => askFor({ cluster, type: 'Prune', policy: name })}>
            {t('backups.prune')}
          </Action>
          <Action why={missing(access, 'create', 'backuppolicies', cluster)} onClick={() => setChanging(true)}>
            {t('policy.change')}
          </Action>
        </div>
      </div>
      {broken && (
        <p class="notice crit">
          {said('backup', ready?.reason, { error: ready?.message ?? '', place: placeOf(spec.repository) }, ready?.message)}
        </p>
      )}
      <Facts>
        <Fact label={t('backups.next')}>{status?.nextBackup && !spec.suspended ? <Due at={status.nextBackup} /> : '–'}</Fact>
        <Fact label={t('backups.last')}>
          {status?.lastBackup ? (
            <a href={to.backup(cluster, status.lastBackup.name)}>
              <Ago at={status.lastBackup.at} />
            </a>
          ) : (
            '–'
          )}
        </Fact>
        <Fact label={t('backups.lastProven')}>
          {status?.lastProven ? (
            <a href={to.backup(cluster, status.lastProven.name)}>
              <Ago at={status.lastProven.at} />
            </a>
          ) : (
            t('proven.never')
          )}
        </Fact>
        <Fact label={t('backups.sets')}>{count(status?.sets ?? 0)}</Fact>
      </Facts>
      <dl class="policy-facts">
        <div>
          <dt>{t('backups.repository')}</dt>
          <dd class="name">{placeOf(spec.repository)}</dd>
        </div>
        {(spec.copies ?? []).map((c, i) => (
          <div key={i}>
            <dt>{t('backups.copy')}</dt>
            <dd class="name">{placeOf(c)}</dd>
          </div>
        ))}
        <div>
          <dt>{t('policy.schedule')}</dt>
          <dd>{spec.schedule ? scheduleText(spec.schedule) : t('policy.noSchedule')}</dd>
        </div>
        <div>
          <dt>{t('policy.retention')}</dt>
          <dd>{retentionText(policy)}</dd>
        </div>
        <div>
          <dt>{t('policy.proof')}</dt>
          <dd>{proofText(policy)}</dd>
        </div>
      </dl>
      <div class="policy-foot">
        <span class="hint">{t('policy.keysHint')}</span>
        <Copyable value={`kanrin backup policy keys ${name} --cluster ${cluster}`} />
        <Action
          small
          why={missing(access, 'update', 'backuppolicies', cluster)}
          onClick={async () => {
            setFound((await rescan(cluster, name)).found);
            changed();
          }}
        >
          {t('policy.rescan')}
        </Action>
        {found !== undefined && <span role="status">{t('policy.found', { n: found })}</span>}
      </div>
      {changing && (
        <PolicyDialog
          cluster={cluster}
          policy={policy}
          taken={[]}
          onClose={() => {
            setChanging(false);
            changed();
          }}
        />
      )}
    </Panel>
  );
}

/** Which set is the newest is asked for when the button is pressed. */
function ProveNewest({ cluster, policy, why }: { cluster: string; policy: string; why: string | undefined }) {
  const [nothing, setNothing] = useState(false);
  return (
    <Action
      why={why ?? (nothing ? t('backups.nothingToProve') : undefined)}
      onClick={async () => {
        const newest = (await readSets(cluster)).sort(newestFirst).find((s) => s.spec.policy === policy && isBrowsable(s));
        setNothing(!newest);
        if (newest) askFor({ cluster, type: 'Prove', backup: newest.metadata.name });
      }}
    >
      {t('backups.proveNewest')}
    </Action>
  );
}

function retentionText({ spec }: BackupPolicy): string {
  const rules = Object.entries(spec.retention ?? {}).filter(([, n]) => n > 0);
  return rules.length === 0 ? t('policy.keepAll') : rules.map(([rule, n]) => text(`retention.${rule}.n`, { n }) ?? `${rule} ${n}`).join(' · ');
}

function proofText({ spec }: BackupPolicy): string {
  const when = [spec.proof?.everyBackup && t('policy.proofEvery'), spec.proof?.cron && cronText(spec.proof.cron)].filter(Boolean);
  return when.length === 0 ? t('policy.proofNever') : when.join(' · ');
}
