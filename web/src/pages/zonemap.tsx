import type { Node } from '../api/inventory';
import { cores, memory, percent } from '../format';
import { t } from '../lang';
import { Icon } from '../parts/icon';
import { to } from '../route';
import { groupByZone } from '../operation/where';
import { fillOf } from './capacity';

/** Zones as columns, nodes as tiles sized by what they can give and filled by what was asked of them; a lost zone is hatched. */
export function ZoneMap({ cluster, nodes, lost }: { cluster: string; nodes: readonly Node[]; lost?: string }) {
  const largest = Math.max(1, ...nodes.map((n) => n.allocatable.cpuMilli));
  return (
    <div class="zonemap">
      {[...groupByZone(nodes)].map(([zone, list]) => (
        <div class={`zone ${lost === zone ? 'lost' : ''}`} key={zone}>
          <div class="zone-head">
            {zone === '' ? t('zone.none') : t('zone.name', { zone })}
            <span class="dim">{lost === zone ? t('zone.lost') : t('zone.nodes', { n: list.length })}</span>
          </div>
          <div class="tiles">
            {list.map((n) => (
              <Tile key={n.name} cluster={cluster} node={n} size={Math.sqrt(n.allocatable.cpuMilli / largest)} />
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

function Tile({ cluster, node, size }: { cluster: string; node: Node; size: number }) {
  const fill = fillOf(node);
  const state = node.state !== 'Ready' ? t(`nodeState.${node.state}`) : node.unschedulable ? t('nodes.cordoned') : '';
  const title = t('zone.tile', {
    name: node.name,
    cpu: `${cores(node.requested.cpuMilli)} / ${cores(node.allocatable.cpuMilli)}`,
    memory: `${memory(node.requested.memoryBytes)} / ${memory(node.allocatable.memoryBytes)}`,
    pods: node.pods,
  });
  return (
    <a
      class={`node-tile ${node.unschedulable ? 'cordoned' : ''} ${node.state === 'Ready' ? '' : 'down'} ${fill > 0.85 ? 'high' : ''}`}
      href={to.node(cluster, node.name)}
      title={title}
      style={{ height: `${Math.round(46 + 40 * size)}px` }}
    >
      <i style={{ height: `${Math.min(1, fill) * 100}%` }} aria-hidden="true" />
      <span class="tile-name name">{node.name}</span>
      <span class="tile-fill">{percent(fill)}</span>
      {state !== '' && (
        <span class="tile-state" title={state}>
          <Icon name={node.state === 'Ready' ? 'cordon' : 'warn'} size={14} />
          <span class="sr">{state}</span>
        </span>
      )}
    </a>
  );
}
