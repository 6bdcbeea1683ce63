import { useMemo, useState } from 'preact/hooks';
import { hostPages, hostsPath } from '../api/hosts';
import { missing, useAccess } from '../api/access';
import type { Host } from '../api/inventory';
import { hostRoles } from '../api/v1alpha1';
import { count } from '../format';
import { t, text } from '../lang';
import type { Column } from '../list/columns';
import { PagedList } from '../list/pagedlist';
import { Action } from '../parts/button';
import { Panel } from '../parts/facts';
import { Pick, Search } from '../parts/filters';
import { PageHead } from '../parts/page';
import { Empty } from '../parts/states';
import { Ago } from '../parts/time';
import { place, to } from '../route';
import { AddHostDialog } from './hostdialogs';
import { Clock, HostMark } from './hoststate';
import { ClearFilters, filterOf } from './nodes';

const filters = ['q', 'state', 'role'] as const;
const states = ['Reachable', 'Unreachable', 'NoAnswer', 'HostKeyChanged', 'HostKeyMissing', 'Unauthorized', 'SudoRefused', 'Unknown'] as const;

/** The machines of a cluster. */
export function HostsPage({ cluster }: { cluster: string }) {
  const [total, setTotal] = useState<number>();
  const [adding, setAdding] = useState(false);
  const filter = filterOf([...filters, 'sort']);
  const fetch = useMemo(() => hostPages(cluster, new URLSearchParams(filter)), [cluster, filter]);
  const filtered = filters.some((f) => place.value.query.get(f));
  const add = <AddButton cluster={cluster} primary onClick={() => setAdding(true)} />;
  return (
    <>
      <PageHead
        title={t('nav.hosts')}
        beside={<span class="dim">{total === undefined ? '' : count(total)}</span>}
        crumbs={
          <a class="name" href={to.cluster(cluster)}>
            {cluster}
          </a>
        }
        actions={total !== 0 || filtered ? add : undefined}
      />
      {(total !== 0 || filtered) && (
        <div class="toolbar">
          <Search label={t('hosts.search')} />
          <Pick label={t('list.state')} param="state" choices={states.map((s) => ({ value: s, label: text(`hostState.${s}`) ?? s }))} />
          <Pick label={t('nodes.role')} param="role" choices={hostRoles.map((r) => ({ value: r, label: r }))} />
        </div>
      )}
      <PagedList<Host>
        label={t('nav.hosts')}
        path={`${hostsPath(cluster)}${filter}`}
        watched={[{ cluster, area: 'hosts' }]}
        columns={columns(cluster)}
        rowKey={(h) => h.name}
        initial="name"
        onTotal={setTotal}
        fetch={fetch}
        empty={
          <Panel>
            {filtered ? (
              <Empty icon="hosts" title={t('list.noMatch')} action={<ClearFilters />} />
            ) : (
              <Empty icon="hosts" title={t('hosts.emptyTitle')} command={`kanrin host add 192.0.2.11 --user ops --key ~/.ssh/id_ed25519 --cluster ${cluster}`} action={add}>
                {t('hosts.emptyText')}
              </Empty>
            )}
          </Panel>
        }
      />
      {adding && <AddHostDialog cluster={cluster} onClose={() => setAdding(false)} />}
    </>
  );
}

function AddButton({ cluster, primary, onClick }: { cluster: string; primary: boolean; onClick: () => void }) {
  const access = useAccess(cluster);
  return (
    <Action kind={primary ? 'primary' : 'plain'} why={missing(access, 'create', 'hosts', cluster)} onClick={onClick}>
      {t('hosts.add')}
    </Action>
  );
}

const none = <span class="none">–</span>;

function columns(cluster: string): Column<Host>[] {
  return [
    {
      id: 'name',
      head: t('list.name'),
      width: 'minmax(92px, 1fr)',
      sort: true,
      card: 'name',
      cell: (h) => (
        <a class="name" href={to.host(cluster, h.name)}>
          {h.name}
        </a>
      ),
    },
    { id: 'state', head: t('list.state'), width: 'minmax(140px, 1.1fr)', sort: true, card: 'state', cell: (h) => <HostMark host={h} /> },
    { id: 'address', head: t('hosts.address'), width: 'minmax(108px, 1fr)', sort: true, cell: (h) => <span class="name">{h.address}</span> },
    { id: 'role', head: t('nodes.role'), width: 'minmax(88px, .8fr)', cell: (h) => h.roles?.join(', ') || none },
    {
      id: 'node',
      head: t('list.node'),
      width: 'minmax(60px, .7fr)',
      sort: true,
      cell: (h) =>
        h.node ? (
          <a class="name" href={to.node(cluster, h.node)}>
            {h.node}
          </a>
        ) : (
          none
        ),
    },
    {
      id: 'os',
      head: t('node.os'),
      width: 'minmax(116px, 1.2fr)',
      card: 'line',
      cell: (h) =>
        h.os ? (
          <span class="dim clip" title={[h.os, h.kernel, h.runtime].filter(Boolean).join(' · ')}>
            {h.os.replace('GNU/Linux ', '').replace(/ \(.*\)$/, '')}
          </span>
        ) : (
          none
        ),
    },
    { id: 'kubelet', head: 'kubelet', width: '72px', sort: true, card: 'hide', cell: (h) => (h.kubelet ? <span class="name dim">{h.kubelet}</span> : none) },
    { id: 'power', head: t('hosts.power'), width: '62px', cell: (h) => (h.powerBy ? powerText(h.power, h.powerBy) : none) },
    { id: 'clock', head: t('hosts.clock'), width: '58px', sort: true, num: true, card: 'hide', cell: (h) => (h.lastSeen ? <Clock offset={h.clockOffsetMilliseconds} error={h.clockErrorMilliseconds} /> : none) },
    { id: 'seen', head: t('cluster.lastSeen'), width: '80px', sort: true, cell: (h) => (h.lastSeen ? <Ago at={h.lastSeen} /> : none) },
  ];
}

/** On, off or not known; a dash where nothing switches it. */
export function powerText(power: string | undefined, by: string | undefined): string {
  if (!by) return '–';
  return text(`power.${power || 'unknown'}`) ?? power ?? '';
}
