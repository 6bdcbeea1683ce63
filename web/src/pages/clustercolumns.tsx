import type { ClusterRow } from '../api/inventory';
import { count, quantity, share } from '../format';
import { ClusterProven } from '../backups/words';
import { t } from '../lang';
import type { Column } from '../list/columns';
import { Bar } from '../parts/bar';
import { HealthMark, Tag } from '../parts/mark';
import { Ago } from '../parts/time';
import { to } from '../route';

export function cpuShare(c: ClusterRow): number {
  return share(quantity(c.status.capacity?.cpu?.requested), quantity(c.status.capacity?.cpu?.allocatable));
}

export function memoryShare(c: ClusterRow): number {
  return share(quantity(c.status.capacity?.memory?.requested), quantity(c.status.capacity?.memory?.allocatable));
}

export function clusterColumns(): Column<ClusterRow>[] {
  return [
    {
      id: 'name',
      head: t('cluster.name'),
      width: 'minmax(120px, 2fr)',
      card: 'name',
      cell: (c) => (
        <>
          <a class="name" href={to.cluster(c.name)}>
            {c.name}
          </a>{' '}
          <span class="dim name">{c.status.version}</span> {c.demo && <Tag>{t('cluster.demo')}</Tag>}
        </>
      ),
    },
    { id: 'state', head: t('list.state'), width: 'minmax(120px, 1.1fr)', card: 'state', cell: (c) => <HealthMark value={c.status.health} /> },
    { id: 'nodes', head: t('cluster.nodesReady'), width: '80px', num: true, cell: (c) => (c.status.nodes ? `${c.status.nodes.ready} / ${c.status.nodes.total}` : '–') },
    { id: 'pods', head: t('cluster.podsRunning'), width: '92px', num: true, cell: (c) => (c.status.pods ? `${count(c.status.pods.running ?? 0)} / ${count(c.status.pods.total)}` : '–') },
    { id: 'cpu', head: 'CPU', width: '104px', cell: (c) => <Bar share={cpuShare(c)} label={t('cluster.cpu')} /> },
    { id: 'memory', head: t('list.memory'), width: '104px', cell: (c) => <Bar share={memoryShare(c)} label={t('cluster.memory')} /> },
    { id: 'proven', head: t('backups.provenShort'), width: 'minmax(128px, 1.2fr)', cell: (c) => <ClusterProven cluster={c.name} /> },
    { id: 'seen', head: t('cluster.lastSeen'), width: '76px', card: 'hide', cell: (c) => (c.status.lastSeen ? <Ago at={c.status.lastSeen} /> : '–') },
  ];
}
