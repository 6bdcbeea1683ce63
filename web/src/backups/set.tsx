import { missing, useAccess } from '../api/access';
import type { Backup, ComponentStatus } from '../api/backupkinds';
import { pin, setPath, watchedBackups } from '../api/backups';
import { absolute, count, memory, seconds } from '../format';
import { said, t, text } from '../lang';
import type { Column } from '../list/columns';
import { List } from '../list/list';
import { useReading } from '../live/reading';
import { askFor } from '../operation/ask';
import { Action } from '../parts/button';
import { Copyable } from '../parts/dialog';
import { Details, Fact, Facts, Panel, Section } from '../parts/facts';
import { Icon } from '../parts/icon';
import { Mark, Tag } from '../parts/mark';
import { PageHead } from '../parts/page';
import { Failure, Loading } from '../parts/states';
import { Ago, Elapsed } from '../parts/time';
import { to } from '../route';
import { ProofSection } from './proof';
import { isBrowsable, isSealed, phaseOfSet, timeOf } from './state';
import { keepText, SetMark } from './words';

/** One set: what it holds, what it lacks, and what its proof found. */
export function SetPage({ cluster, name }: { cluster: string; name: string }) {
  const { data, error, reload } = useReading<Backup>(setPath(cluster, name), watchedBackups(cluster));
  return (
    <>
      <PageHead
        title={t('set.title', { name })}
        crumbs={
          <>
            <a class="name" href={to.cluster(cluster)}>
              {cluster}
            </a>{' '}
            / <a href={to.backups(cluster)}>{t('nav.backups')}</a>
          </>
        }
        beside={
          data && (
            <>
              <SetMark set={data} />
              {data.spec.pinned && (
                <Tag>
                  <Icon name="pin" size={12} /> {t('set.pinned')}
                </Tag>
              )}
            </>
          )
        }
        sub={data && <Byline set={data} />}
        actions={data && <SetActions cluster={cluster} set={data} changed={reload} />}
      />
      {error && <Failure error={error} retry={reload} what={name} />}
      {!data && !error && <Loading what={name} rows={8} />}
      {data && <SetBody cluster={cluster} set={data} />}
    </>
  );
}

function Byline({ set }: { set: Backup }) {
  const at = timeOf(set);
  return (
    <p>
      {at && (
        <>
          {absolute(new Date(at))} · <Ago at={at} /> ·{' '}
        </>
      )}
      {text(`set.reason.${set.spec.reason ?? 'Manual'}`)} · {t('backups.policy')} <span class="name">{set.spec.policy}</span>
    </p>
  );
}

function SetActions({ cluster, set, changed }: { cluster: string; set: Backup; changed: () => void }) {
  const access = useAccess(cluster);
  const { name } = set.metadata;
  const phase = phaseOfSet(set);
  const mayPlan = missing(access, 'create', 'operations', cluster);
  const usable = isBrowsable(set) ? undefined : t('set.notSealed');
  return (
    <>
      <Action kind={phase === 'Captured' ? 'primary' : 'plain'} why={mayPlan ?? usable} onClick={() => askFor({ cluster, type: 'Prove', backup: name })}>
        {t('set.prove')}
      </Action>
      {isBrowsable(set) ? (
        <a class="btn" href={to.history(cluster, `?set=${encodeURIComponent(name)}`)}>
          <Icon name="history" /> {t('set.browse')}
        </a>
      ) : (
        <Action why={usable} onClick={() => undefined}>
          {t('set.browse')}
        </Action>
      )}
      <Action
        why={missing(access, 'update', 'backups', cluster)}
        onClick={async () => {
          await pin(cluster, name, !set.spec.pinned);
          changed();
        }}
      >
        {t(set.spec.pinned ? 'set.unpin' : 'set.pin')}
      </Action>
      <Action why={mayPlan ?? (isSealed(set) ? (set.spec.pinned ? t('set.pinnedWhy') : undefined) : t('set.notSealed'))} onClick={() => askFor({ cluster, type: 'Prune', policy: set.spec.policy, backups: [name] })}>
        {t('set.delete')}
      </Action>
      <Action kind="danger" why={mayPlan ?? usable} onClick={() => askFor({ cluster, type: 'RestoreCluster', backup: name, proven: phase === 'Proven' })}>
        {t('set.restore')}
      </Action>
    </>
  );
}

function SetBody({ cluster, set }: { cluster: string; set: Backup }) {
  const s = set.status ?? {};
  const missed = (s.components ?? []).filter((c) => c.state === 'Missing');
  const captured = (s.components ?? []).filter((c) => c.state !== 'Missing');
  return (
    <>
      <Facts>
        <Fact label={t('set.revision')}>{s.revision ?? '–'}</Fact>
        <Fact label={t('set.objects')}>{s.objects ? count(s.objects) : '–'}</Fact>
        <Fact label={t('set.size')}>{s.bytes ? memory(s.bytes) : '–'}</Fact>
        <Fact label={t('set.files')}>{s.files ? count(s.files) : '–'}</Fact>
        <Fact label={t('op.took')}>
          <Elapsed start={s.startedAt} end={s.finishedAt} />
        </Fact>
        <Fact label="Kubernetes">{s.kubernetesVersion || '–'}</Fact>
        {(s.missing ?? 0) > 0 && (
          <Fact label={t('set.missing')} tone="warn">
            {s.missing}
          </Fact>
        )}
      </Facts>
      {missed.length > 0 && (
        <Section title={t('set.missingTitle')}>
          <Panel>
            <ul class="missing">
              {missed.map((c) => (
                <li key={c.name}>
                  <Mark tone={c.optional ? 'idle' : 'warn'}>{t(c.optional ? 'component.optional' : 'component.Missing')}</Mark>
                  <div>
                    <b class="name">{c.name}</b> <span class="dim">{typeText(c.type)}</span>
                    <p>{said('fail', c.code, { object: c.name, ...c.params }, c.message)}</p>
                  </div>
                </li>
              ))}
            </ul>
          </Panel>
        </Section>
      )}
      <ProofSection cluster={cluster} set={set} />
      <Section title={t('set.components')}>
        <Panel>
          {captured.length === 0 ? (
            <p class="quiet-note">{t(phaseOfSet(set) === 'InProgress' ? 'set.componentsComing' : 'set.noComponents')}</p>
          ) : (
            <List label={t('set.components')} rows={captured} columns={componentColumns()} rowKey={(c) => c.name} />
          )}
        </Panel>
      </Section>
      <Section title={t('set.details')}>
        <Panel>
          <Details
            rows={[
              [t('set.keep'), (s.keep ?? []).length > 0 ? s.keep?.map(keepText).join(' · ') : t('set.keepNone')],
              [
                t('set.copies'),
                (s.copies ?? []).length > 0 ? (
                  <ul>
                    {s.copies?.map((c) => (
                      <li key={c.repository}>
                        <span class="name">{c.repository}</span> <Ago at={c.at} />
                      </li>
                    ))}
                  </ul>
                ) : (
                  t('set.noCopies')
                ),
              ],
              s.operation
                ? [
                    t('set.operation'),
                    <a class="name" href={to.operation(cluster, s.operation)}>
                      {s.operation}
                    </a>,
                  ]
                : undefined,
              [t('set.digest'), <code class="fingerprint">{s.digest || '–'}</code>],
              ['Kanrin', <span class="name">{s.kanrinVersion || '–'}</span>],
              s.snapshotID ? [t('set.without'), <Copyable value={`kopia snapshot restore ${s.snapshotID} ./restored`} />] : undefined,
            ]}
          />
        </Panel>
      </Section>
    </>
  );
}

function typeText(type: string): string {
  return text(`component.type.${type}`) ?? type;
}

function componentColumns(): Column<ComponentStatus>[] {
  const dash = <span class="none">–</span>;
  const mono = (v: string | undefined) => (v ? <span class="name clip" title={v}>{v}</span> : dash);
  return [
    { id: 'name', head: t('list.name'), width: 'minmax(110px, 1fr)', card: 'name', cell: (c) => <span class="name">{c.name}</span> },
    { id: 'state', head: t('list.state'), width: '110px', card: 'state', cell: (c) => <Mark tone="ok">{text(`component.${c.state}`) ?? c.state}</Mark> },
    { id: 'type', head: t('list.kind'), width: 'minmax(136px, 1.2fr)', cell: (c) => <span title={c.type}>{typeText(c.type)}</span> },
    { id: 'size', head: t('set.size'), width: '80px', num: true, cell: (c) => memory(c.bytes ?? 0) },
    { id: 'files', head: t('set.files'), width: '64px', num: true, cell: (c) => count(c.files ?? 0) },
    { id: 'took', head: t('op.took'), width: '72px', num: true, cell: (c) => (c.milliseconds === undefined ? dash : seconds(c.milliseconds / 1000)) },
    { id: 'from', head: t('component.from'), width: 'minmax(90px, 1fr)', cell: (c) => mono(c.from) },
    { id: 'version', head: t('cluster.version'), width: 'minmax(70px, .8fr)', cell: (c) => mono(c.version) },
    {
      id: 'digest',
      head: 'SHA-256',
      width: '104px',
      cell: (c) =>
        c.digest ? (
          <code class="dim" title={c.digest}>
            {c.digest.replace(/^sha256:/, '').slice(0, 12)}
          </code>
        ) : (
          dash
        ),
    },
  ];
}
