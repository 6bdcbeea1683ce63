import type { Node, Page, Pod } from '../api/inventory';
import type { Landing, Member, Operation } from '../api/v1alpha1';
import { query, segment } from '../api/client';
import { nodesOf } from '../api/operations';
import { t } from '../lang';
import { useReading } from '../live/reading';
import { Loading } from '../parts/states';
import { to } from '../route';
import { isOver, phaseOf } from './state';

/** Nodes shown per zone beside the ones that matter. */
const bystanders = 3;

/** Where pods go: zones as columns, the nodes that are emptied and the ones that fill, as they are now. */
export function Where({ op }: { op: Operation }) {
  const cluster = op.metadata.namespace;
  const base = `/kanrin/v1/clusters/${segment(cluster)}`;
  const nodes = useReading<Page<Node>>(`${base}/nodes${query({ limit: 1000, sort: 'name' })}`, [
    { cluster, area: 'nodes' },
    { cluster, area: 'pods' },
  ]);
  const members = useReading<Page<Member>>(
    op.status?.plan ? `${base}/operations/${segment(op.metadata.name)}/members${query({ limit: 500, plan: op.status.plan.digest })}` : null,
  );
  if (!nodes.data) return <Loading what={t('nav.nodes')} />;

  const leaving = nodesOf(op.spec);
  const landings = new Map((op.status?.plan?.forecast.landings ?? []).map((l: Landing) => [l.node, l.pods]));
  const zones = groupByZone(nodes.data.items ?? []);
  return (
    <div class="where">
      {[...zones].map(([zone, list]) => {
        const matter = list.filter((n) => leaving.includes(n.name) || landings.has(n.name));
        const others = list.filter((n) => !matter.includes(n));
        const shown = [...matter.sort((a, b) => rank(a) - rank(b)), ...others.slice(0, bystanders)];
        function rank(n: Node): number {
          return leaving.includes(n.name) ? -1e6 : -(landings.get(n.name) ?? 0);
        }
        return (
          <div class="zone" key={zone}>
            <div class="zone-head">{zone === '' ? t('zone.none') : t('zone.name', { zone })}</div>
            {shown.map((n) =>
              leaving.includes(n.name) ? (
                <Leaving key={n.name} op={op} node={n} members={members.data?.items ?? []} />
              ) : (
                <Arriving key={n.name} cluster={cluster} node={n} forecast={landings.get(n.name) ?? 0} />
              ),
            )}
            {others.length > bystanders && <span class="rest">{t('op.otherNodes', { n: others.length - bystanders })}</span>}
          </div>
        );
      })}
      {(landings.get('') ?? 0) > 0 && <p class="notice warn">{t('op.pendingCount', { n: landings.get('') ?? 0 })}</p>}
    </div>
  );
}

export function groupByZone(nodes: readonly Node[]): Map<string, Node[]> {
  const zones = new Map<string, Node[]>();
  for (const n of nodes) {
    const zone = n.zone ?? '';
    zones.set(zone, [...(zones.get(zone) ?? []), n]);
  }
  return new Map([...zones].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

function fillOf(n: Node): number {
  return Math.max(n.allocatable.cpuMilli ? n.requested.cpuMilli / n.allocatable.cpuMilli : 0, n.allocatable.memoryBytes ? n.requested.memoryBytes / n.allocatable.memoryBytes : 0);
}

function Arriving({ cluster, node, forecast }: { cluster: string; node: Node; forecast: number }) {
  return (
    <a class={`tile ${node.unschedulable ? 'cordoned' : ''} ${forecast > 0 ? 'target' : 'bystander'}`} href={to.node(cluster, node.name)}>
      <span class="tile-name name">{node.name}</span>
      {forecast > 0 && <span class="plus">{t('op.arrive', { n: forecast })}</span>}
      <span class="tile-pods" title={t('nodes.pods')}>
        {node.pods}
      </span>
      <i style={{ width: `${Math.min(1, fillOf(node)) * 100}%` }} aria-hidden="true" />
    </a>
  );
}

/** A node that is emptied: how many pods still have to go, and which are on their way now. */
function Leaving({ op, node, members }: { op: Operation; node: Node; members: readonly Member[] }) {
  const cluster = op.metadata.namespace;
  const under = ['Running', 'Paused', 'Cancelling'].includes(phaseOf(op));
  const pods = useReading<Page<Pod>>(under ? `/kanrin/v1/clusters/${segment(cluster)}/pods${query({ node: node.name, limit: 250 })}` : null, [{ cluster, area: 'pods' }]);
  const planned = members.filter((m) => m.from === node.name);
  const here = new Map((pods.data?.items ?? []).map((p) => [`${p.namespace}/${p.name}`, p]));
  const left = under && pods.data ? planned.filter((m) => here.has(m.object)) : isOver(op) ? [] : planned;
  const moving = left.filter((m) => here.get(m.object)?.state === 'Terminating').slice(0, 4);
  return (
    <div class="tile leaving">
      <a class="tile-name name" href={to.node(cluster, node.name)}>
        {node.name}
      </a>
      <span class="tile-pods" title={t('nodes.pods')}>
        {node.pods}
      </span>
      {left.length > 0 && <div class="tile-note">{under ? t('op.left', { n: left.length }) : t('op.leaveCount', { n: left.length })}</div>}
      {moving.map((m) => (
        <div class="move" key={m.object} title={m.object}>
          <span>{m.object.split('/')[1]}</span> → {m.to || '…'}
        </div>
      ))}
    </div>
  );
}
