import { useMemo, useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { type Backup, type BackupPolicy, type KindList, setPhases } from '../api/backupkinds';
import { pin, policiesPath, readSets, setsPath, watchedBackups } from '../api/backups';
import type { Access } from '../api/inventory';
import { count, memory, minute, seconds } from '../format';
import { t, text } from '../lang';
import type { Column } from '../list/columns';
import { PagedList } from '../list/pagedlist';
import { changed } from '../live/changes';
import { useReading, useRenewed } from '../live/reading';
import { askFor } from '../operation/ask';
import { ClearFilters, filterOf } from '../pages/nodes';
import { Action } from '../parts/button';
import { Panel, Section } from '../parts/facts';
import { Pick, Search } from '../parts/filters';
import { Icon } from '../parts/icon';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { Ago } from '../parts/time';
import { place, to } from '../route';
import { PolicyCard } from './policycard';
import { PolicyDialog } from './policydialog';
import { isBrowsable, setFilter, setOrder, suffixOf, timeOf } from './state';
import { keepText, LastProven, renewSeconds, SetMark } from './words';

const filters = ['q', 'phase', 'policy'] as const;

/** The backups of a cluster: whether it could come back, from where, and every set. */
export function BackupsPage({ cluster }: { cluster: string }) {
  const policies = useReading<KindList<BackupPolicy>>(policiesPath(cluster), watchedBackups(cluster));
  useRenewed(policies.reload, renewSeconds);
  const access = useAccess(cluster);
  const [making, setMaking] = useState(false);
  const [total, setTotal] = useState<number>();
  const all = policies.data?.items ?? [];
  const known = policies.data !== undefined;
  const mayMake = missing(access, 'create', 'backuppolicies', cluster);
  return (
    <>
      <PageHead
        title={t('nav.backups')}
        crumbs={
          <a class="name" href={to.cluster(cluster)}>
            {cluster}
          </a>
        }
        sub={
          known && (
            <p class="standing">
              <span class="dim">{t('backups.lastProven')}</span> <LastProven cluster={cluster} policies={all} />
            </p>
          )
        }
        actions={
          known &&
          all.length > 0 && (
            <>
              <a class="btn" href={to.history(cluster)}>
                <Icon name="history" /> {t('history.title')}
              </a>
              <Action why={mayMake} onClick={() => setMaking(true)}>
                {t('policy.another')}
              </Action>
            </>
          )
        }
      />
      {policies.error && <Failure error={policies.error} retry={policies.reload} what={t('backups.policies')} />}
      {!known && !policies.error && <Loading what={t('backups.policies')} />}
      {all.map((p, i) => (
        <PolicyCard key={p.metadata.name} cluster={cluster} policy={p} primary={i === 0} changed={policies.reload} />
      ))}
      {known && (all.length > 0 || total !== 0) && (
        <Section title={t('backups.sets')}>
          <Sets cluster={cluster} policies={all} access={access} total={total} onTotal={setTotal} />
        </Section>
      )}
      {known && all.length === 0 && total === 0 && (
        <Panel>
          <Empty
            icon="backups"
            title={t('backups.emptyTitle')}
            command={`kanrin backup policy set default --repository /var/backups/kanrin --schedule '0 2 * * *' --prove every --cluster ${cluster}`}
            action={
              <Action kind="primary" why={mayMake} onClick={() => setMaking(true)}>
                {t('policy.first')}
              </Action>
            }
          >
            {t('backups.emptyText')}
          </Empty>
        </Panel>
      )}
      {known && all.length === 0 && total === undefined && <Probe cluster={cluster} onTotal={setTotal} />}
      {making && (
        <PolicyDialog
          cluster={cluster}
          taken={all.map((p) => p.metadata.name)}
          onClose={() => {
            setMaking(false);
            policies.reload();
          }}
        />
      )}
    </>
  );
}

/** Whether there are sets of policies that are gone. */
function Probe({ cluster, onTotal }: { cluster: string; onTotal: (n: number) => void }) {
  useReading<number>(`${setsPath(cluster)}#count`, [], async (_, abort) => {
    const n = (await readSets(cluster, abort)).length;
    onTotal(n);
    return n;
  });
  return null;
}

interface SetsProps {
  cluster: string;
  policies: readonly BackupPolicy[];
  access: Access | undefined;
  total: number | undefined;
  onTotal: (n: number | undefined) => void;
}

function Sets({ cluster, policies, access, total, onTotal }: SetsProps) {
  const filter = filterOf([...filters, 'sort']);
  const filtered = filters.some((f) => place.value.query.get(f));
  const path = `${setsPath(cluster)}#${filter}`;
  // The server gives all sets at once (retention keeps them few): filter and order are made here.
  const fetch = useMemo(() => {
    const q = new URLSearchParams(filter);
    const [keep, order] = [setFilter(q), setOrder(q.get('sort') ?? '-time')];
    return async (offset: number, limit: number, abort: AbortSignal) => {
      const rows = (await readSets(cluster, abort)).filter(keep).sort(order);
      return { items: rows.slice(offset, offset + limit), total: rows.length, offset, revision: 0 };
    };
  }, [cluster, filter]);
  const mayPlan = missing(access, 'create', 'operations', cluster);
  const names = [...new Set([...policies.map((p) => p.metadata.name)])];
  const first = names[0];
  const columns = useMemo(() => setColumns(cluster, access), [cluster, access, t('backups.sets')]);
  return (
    <>
      {(total !== 0 || filtered) && (
        <div class="toolbar">
          <Search label={t('backups.search')} />
          <Pick label={t('list.state')} param="phase" choices={setPhases.map((p) => ({ value: p, label: text(`set.${p}`) ?? p }))} />
          {names.length > 1 && <Pick label={t('backups.policy')} param="policy" choices={names.map((n) => ({ value: n, label: n }))} />}
        </div>
      )}
      <PagedList<Backup>
        label={t('backups.sets')}
        path={path}
        watched={watchedBackups(cluster)}
        columns={columns}
        rowKey={(b) => b.metadata.name}
        initial="-time"
        onTotal={(n) => !filtered && onTotal(n)}
        fetch={fetch}
        empty={
          <Panel>
            {filtered ? (
              <Empty icon="backups" title={t('list.noMatch')} action={<ClearFilters />} />
            ) : (
              <Empty
                icon="backups"
                title={t('backups.noSetsTitle')}
                command={`kanrin backup create --policy ${first ?? 'default'} --cluster ${cluster}`}
                action={
                  first && (
                    <Action why={mayPlan} onClick={() => askFor({ cluster, type: 'Backup', policy: first })}>
                      {t('backups.now')}
                    </Action>
                  )
                }
              >
                {t('backups.noSetsText')}
              </Empty>
            )}
          </Panel>
        }
      />
    </>
  );
}

const none = <span class="none">–</span>;

function setColumns(cluster: string, access: Access | undefined): Column<Backup>[] {
  const mayPlan = missing(access, 'create', 'operations', cluster);
  const mayPin = missing(access, 'update', 'backups', cluster);
  return [
    {
      id: 'time',
      head: t('backups.made'),
      width: 'minmax(188px, 1.1fr)',
      sort: true,
      card: 'name',
      cell: (b) => (
        <>
          <a href={to.backup(cluster, b.metadata.name)} title={b.metadata.name}>
            {minute(new Date(timeOf(b)))}
          </a>{' '}
          <span class="name dim">{suffixOf(b.metadata.name)}</span>
          {b.spec.pinned && (
            <span class="pinned" title={t('set.pinned')}>
              <Icon name="pin" size={14} />
              <span class="sr">{t('set.pinned')}</span>
            </span>
          )}
        </>
      ),
    },
    { id: 'phase', head: t('list.state'), width: 'minmax(108px, .7fr)', card: 'state', cell: (b) => <SetMark set={b} /> },
    { id: 'revision', head: t('set.revision'), width: '84px', num: true, sort: true, cell: (b) => (b.status?.revision ? <span class="name">{b.status.revision}</span> : none) },
    { id: 'objects', head: t('set.objects'), width: '76px', num: true, sort: true, cell: (b) => (b.status?.objects ? count(b.status.objects) : none) },
    { id: 'size', head: t('set.size'), width: '80px', num: true, sort: true, cell: (b) => (b.status?.bytes ? memory(b.status.bytes) : none) },
    {
      id: 'proven',
      head: t('set.proven'),
      width: 'minmax(104px, .8fr)',
      sort: true,
      cell: (b) =>
        b.status?.proof?.passed ? (
          <span title={t('set.recovery')}>
            <Ago at={b.status.proof.at} />
            {b.status.proof.recoverySeconds ? <span class="dim"> · {seconds(b.status.proof.recoverySeconds)}</span> : ''}
          </span>
        ) : (
          none
        ),
    },
    {
      id: 'keep',
      head: t('set.keep'),
      width: 'minmax(90px, 1fr)',
      card: 'line',
      cell: (b) => {
        const all = (b.status?.keep ?? []).map(keepText);
        return all.length === 0 ? (
          none
        ) : (
          <span class="dim clip" title={all.join('\n')}>
            {all.join(' · ')}
          </span>
        );
      },
    },
    {
      id: 'do',
      head: t('list.actions'),
      width: '136px',
      num: true,
      card: 'line',
      cell: (b) => (
        <span class="row-actions">
          <Action
            small
            kind="quiet"
            why={mayPlan ?? (isBrowsable(b) ? undefined : t('set.notSealed'))}
            label={t('set.proveOf', { name: b.metadata.name })}
            onClick={() => askFor({ cluster, type: 'Prove', backup: b.metadata.name })}
          >
            {t('set.prove')}
          </Action>
          <Action
            small
            kind="quiet"
            why={mayPin}
            label={t(b.spec.pinned ? 'set.unpinOf' : 'set.pinOf', { name: b.metadata.name })}
            onClick={async () => {
              await pin(cluster, b.metadata.name, !b.spec.pinned);
              changed(cluster, 'backups');
            }}
          >
            {t(b.spec.pinned ? 'set.unpin' : 'set.pin')}
          </Action>
        </span>
      ),
    },
  ];
}
