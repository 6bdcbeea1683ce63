import type { ComponentChildren } from 'preact';
import type { BackupPolicy } from '../api/backupkinds';
import { readPolicies, watchedBackups } from '../api/backups';
import type { ClusterRow } from '../api/inventory';
import { count } from '../format';
import { t } from '../lang';
import { List } from '../list/list';
import type { Column } from '../list/columns';
import { useReading, useRenewed } from '../live/reading';
import { AddClusterButton } from '../pages/addcluster';
import { Panel } from '../parts/facts';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { Ago } from '../parts/time';
import { to } from '../route';
import { useOverview } from '../shell/overview';
import { placeOf } from './state';
import { Due, LastProven, renewSeconds } from './words';

/** Each cluster, and whether it could come back. */
export function AllBackupsPage() {
  const { data, error, reload } = useOverview();
  const clusters = data?.clusters ?? [];
  const policies = usePolicies(clusters);
  return (
    <>
      <PageHead title={t('nav.backups')} sub={<p>{t('backups.sub')}</p>} />
      {error && <Failure error={error} retry={reload} what={t('nav.backups')} />}
      {!data && !error && <Loading what={t('nav.backups')} />}
      {data && (
        <Panel>
          {clusters.length === 0 ? (
            <Empty icon="clusters" title={t('clusters.emptyTitle')} command="kanrin cluster add prod --kubeconfig ~/.kube/config" action={<AddClusterButton />}>
              {t('clusters.emptyText')}
            </Empty>
          ) : (
            <List label={t('nav.backups')} rows={clusters} columns={columns(policies)} rowKey={(c) => c.name} />
          )}
        </Panel>
      )}
    </>
  );
}

type Policies = Readonly<Record<string, readonly BackupPolicy[] | undefined>>;

/** The policies of all clusters, read together; those of a cluster that may not be read are not there. */
function usePolicies(clusters: readonly ClusterRow[]): Policies {
  const names = clusters.map((c) => c.name);
  const watched = names.flatMap(watchedBackups);
  const key = names.length === 0 ? null : `policies of ${names.join(' ')}`;
  const { data, reload } = useReading<Policies>(key, watched, async (_, abort) => {
    const read = await Promise.all(names.map((name) => readPolicies(name, abort).catch(() => undefined)));
    return Object.fromEntries(names.map((name, i) => [name, read[i]]));
  });
  useRenewed(reload, renewSeconds);
  return data ?? {};
}

function columns(policies: Policies): Column<ClusterRow>[] {
  const of = (c: ClusterRow, show: (p: readonly BackupPolicy[]) => ComponentChildren) => {
    const own = policies[c.name];
    return (own && own.length > 0 && show(own)) || <span class="none">–</span>;
  };
  return [
    {
      id: 'name',
      head: t('cluster.name'),
      width: 'minmax(120px, 1fr)',
      card: 'name',
      cell: (c) => (
        <a class="name" href={to.backups(c.name)}>
          {c.name}
        </a>
      ),
    },
    {
      id: 'proven',
      head: t('backups.lastProven'),
      width: 'minmax(150px, 1.2fr)',
      card: 'state',
      cell: (c) => {
        const own = policies[c.name];
        return own ? <LastProven cluster={c.name} policies={own} /> : <span class="none">–</span>;
      },
    },
    { id: 'last', head: t('backups.last'), width: '110px', cell: (c) => of(c, newest) },
    { id: 'next', head: t('backups.next'), width: '110px', cell: (c) => of(c, next) },
    { id: 'sets', head: t('backups.sets'), width: '72px', num: true, cell: (c) => of(c, (p) => count(p.reduce((n, one) => n + (one.status?.sets ?? 0), 0))) },
    { id: 'place', head: t('backups.repository'), width: 'minmax(0, 1.6fr)', card: 'line', cell: (c) => of(c, places) },
  ];
}

function newest(policies: readonly BackupPolicy[]) {
  const at = policies.flatMap((p) => p.status?.lastBackup?.at ?? []).sort().at(-1);
  return at && <Ago at={at} />;
}

function next(policies: readonly BackupPolicy[]) {
  const at = policies.flatMap((p) => p.status?.nextBackup ?? []).sort()[0];
  return at && <Due at={at} />;
}

function places(policies: readonly BackupPolicy[]) {
  const all = policies.map((p) => placeOf(p.spec.repository)).join(' · ');
  return (
    <span class="name clip" title={all}>
      {all}
    </span>
  );
}
