import { useState } from 'preact/hooks';
import { missing, useAccess } from '../api/access';
import { query, segment } from '../api/client';
import type { Node, Page } from '../api/inventory';
import { count, cores, memory, share } from '../format';
import { t } from '../lang';
import type { Column, Selection } from '../list/columns';
import { PagedList } from '../list/pagedlist';
import { useReading } from '../live/reading';
import { askFor } from '../operation/ask';
import { Bar } from '../parts/bar';
import { Action } from '../parts/button';
import { Panel } from '../parts/facts';
import { Pick, Search } from '../parts/filters';
import { PageHead } from '../parts/page';
import { Empty, Failure, Loading } from '../parts/states';
import { Segments } from '../parts/tabs';
import { Age } from '../parts/time';
import { place, setQuery, to } from '../route';
import { useClusterRow } from '../shell/overview';
import { CordonTag, NodeMark } from './nodestate';
import { ZoneMap } from './zonemap';

const filters = ['q', 'zone', 'role', 'state'] as const;

export function filterOf(names: readonly string[], extra: Record<string, string> = {}): string {
  const q = place.value.query;
  return query({ ...Object.fromEntries(names.map((n) => [n, q.get(n) ?? undefined])), ...extra });
}

export function NodesPage({ cluster }: { cluster: string }) {
  const row = useClusterRow(cluster);
  const [total, setTotal] = useState<number>();
  const [chosen, setChosen] = useState<ReadonlyMap<string, Node>>(new Map());
  const view = place.value.query.get('view') === 'zones' ? 'zones' : 'table';
  const filtered = filters.some((f) => place.value.query.get(f));
  const selection: Selection<Node> = {
    has: (name) => chosen.has(name),
    label: (n) => t('nodes.choose', { name: n.name }),
    toggle: (n) => {
      const next = new Map(chosen);
      if (!next.delete(n.name)) next.set(n.name, n);
      setChosen(next);
    },
  };
  return (
    <>
      <PageHead title={t('nav.nodes')} beside={<span class="dim">{total === undefined ? '' : count(total)}</span>} crumbs={<a class="name" href={to.cluster(cluster)}>{cluster}</a>} />
      <div class="toolbar">
        <Search label={t('nodes.search')} />
        <Pick label={t('list.zone')} param="zone" choices={(row?.zones ?? []).filter((z) => z.name).map((z) => ({ value: z.name, label: z.name }))} />
        <Pick
          label={t('nodes.role')}
          param="role"
          choices={[
            { value: 'control-plane', label: 'control-plane' },
            { value: 'worker', label: 'worker' },
          ]}
        />
        <Pick
          label={t('list.state')}
          param="state"
          choices={[
            { value: 'Ready', label: t('nodeState.Ready') },
            { value: 'NotReady', label: t('nodeState.NotReady') },
            { value: 'Unknown', label: t('nodeState.Unknown') },
            { value: 'Cordoned', label: t('nodes.cordoned') },
          ]}
        />
        <span class="spring" />
        <Segments
          label={t('nodes.view')}
          value={view}
          options={[
            { id: 'table', label: t('nodes.table') },
            { id: 'zones', label: t('nodes.zones') },
          ]}
          onChoose={(v) => setQuery({ view: v === 'zones' ? v : undefined })}
        />
      </div>
      {chosen.size > 0 && <Chosen cluster={cluster} chosen={chosen} clear={() => setChosen(new Map())} />}
      {view === 'zones' ? (
        <Zones cluster={cluster} onTotal={setTotal} />
      ) : (
        <PagedList<Node>
          label={t('nav.nodes')}
          path={`/kanrin/v1/clusters/${segment(cluster)}/nodes${filterOf([...filters, 'sort'])}`}
          watched={[{ cluster, area: 'nodes' }]}
          columns={columns(cluster)}
          rowKey={(n) => n.name}
          selection={selection}
          initial="name"
          onTotal={setTotal}
          empty={
            <Panel>
              {filtered ? (
                <Empty icon="nodes" title={t('list.noMatch')} action={<ClearFilters />} />
              ) : (
                <Empty icon="nodes" title={t('nodes.emptyTitle')} command={`kanrin get nodes --cluster ${cluster}`}>
                  {t('nodes.emptyText')}
                </Empty>
              )}
            </Panel>
          }
        />
      )}
    </>
  );
}

export function ClearFilters() {
  return <Action onClick={() => setQuery(Object.fromEntries([...place.value.query.keys()].filter((k) => k !== 'lang' && k !== 'sort').map((k) => [k, undefined])))}>{t('filter.clear')}</Action>;
}

function Zones({ cluster, onTotal }: { cluster: string; onTotal: (n: number) => void }) {
  const { data, error, reload } = useReading<Page<Node>>(`/kanrin/v1/clusters/${segment(cluster)}/nodes${filterOf(filters, { limit: '1000', sort: 'name' })}`, [{ cluster, area: 'nodes' }]);
  if (!data) return error ? <Failure error={error} retry={reload} what={t('nav.nodes')} /> : <Loading what={t('nav.nodes')} rows={8} />;
  queueMicrotask(() => onTotal(data.total));
  return (
    <>
      <Panel>
        <ZoneMap cluster={cluster} nodes={data.items ?? []} />
      </Panel>
      <p class="list-foot">
        <a href={to.capacity(cluster)}>{t('nodes.whatIf')}</a>
      </p>
    </>
  );
}

function Chosen({ cluster, chosen, clear }: { cluster: string; chosen: ReadonlyMap<string, Node>; clear: () => void }) {
  const access = useAccess(cluster);
  const why = missing(access, 'create', 'operations', cluster);
  const nodes = [...chosen.keys()];
  return (
    <div class="chosen-bar" role="region" aria-label={t('nodes.chosen', { n: nodes.length })}>
      <b>{t('nodes.chosen', { n: nodes.length })}</b>
      <span class="name clip">{nodes.join(', ')}</span>
      <span class="spring" />
      <Action kind="primary" why={why} onClick={() => askFor({ cluster, type: 'Drain', nodes })}>
        {t('node.drain')}
      </Action>
      <Action why={why} onClick={() => askFor({ cluster, type: 'Cordon', nodes })}>
        {t('node.cordon')}
      </Action>
      <Action why={why} onClick={() => askFor({ cluster, type: 'Uncordon', nodes })}>
        {t('node.uncordon')}
      </Action>
      <Action why={why} onClick={() => askFor({ cluster, type: 'Restart', nodes })}>
        {t('node.restart')}
      </Action>
      {nodes.length === 1 && (
        <Action why={why} onClick={() => askFor({ cluster, type: 'RemoveNode', node: nodes[0] ?? '' })}>
          {t('node.remove')}
        </Action>
      )}
      <Action kind="quiet" onClick={clear}>
        {t('nodes.clear')}
      </Action>
    </div>
  );
}

function columns(cluster: string): Column<Node>[] {
  return [
    { id: 'name', head: t('list.name'), width: 'minmax(96px, 1fr)', sort: true, card: 'name', cell: (n) => <a class="name" href={to.node(cluster, n.name)}>{n.name}</a> },
    {
      id: 'state',
      head: t('list.state'),
      width: 'minmax(214px, 1.8fr)',
      sort: true,
      card: 'state',
      cell: (n) => (
        <>
          <NodeMark node={n} /> <CordonTag cluster={cluster} node={n} />
          {n.pressure?.map((p) => (
            <span key={p} class="tag warn">
              {p}
            </span>
          ))}
        </>
      ),
    },
    { id: 'role', head: t('nodes.role'), width: 'minmax(92px, .7fr)', cell: (n) => n.roles?.join(', ') || '–' },
    { id: 'zone', head: t('list.zone'), width: '56px', sort: true, cell: (n) => n.zone ?? '–' },
    { id: 'version', head: t('cluster.version'), width: '74px', sort: true, card: 'hide', cell: (n) => <span class="name dim">{n.version}</span> },
    { id: 'cpu', head: 'CPU', width: '104px', sort: true, cell: (n) => <Bar share={share(n.requested.cpuMilli, n.allocatable.cpuMilli)} label={t('nodes.cpuOf', { req: cores(n.requested.cpuMilli), alloc: cores(n.allocatable.cpuMilli) })} /> },
    { id: 'memory', head: t('list.memory'), width: '104px', sort: true, cell: (n) => <Bar share={share(n.requested.memoryBytes, n.allocatable.memoryBytes)} label={t('nodes.memoryOf', { req: memory(n.requested.memoryBytes), alloc: memory(n.allocatable.memoryBytes) })} /> },
    { id: 'pods', head: t('nav.pods'), width: '48px', sort: true, num: true, cell: (n) => n.pods },
    { id: 'age', head: t('list.age'), width: '52px', sort: true, num: true, card: 'hide', cell: (n) => <Age at={n.created} /> },
  ];
}
