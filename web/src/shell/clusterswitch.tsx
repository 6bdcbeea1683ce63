import { HealthMark } from '../parts/mark';
import { Menu } from '../parts/menu';
import { t } from '../lang';
import { place, to } from '../route';
import { clusterOf, useCluster, useOverview } from './overview';

/** Changes the cluster and stays on the same kind of page. */
export function ClusterSwitch() {
  const clusters = useOverview().data?.clusters ?? [];
  const current = useCluster();
  if (clusters.length === 0) return null;
  return (
    <Menu label={t('top.cluster', { name: current ?? '' })} face={<span class="name">{current}</span>} class="cluster-switch">
      {(close) => (
        <ul>
          {clusters.map((c) => (
            <li key={c.name}>
              <a href={sameIn(c.name)} aria-current={c.name === current ? 'true' : undefined} onClick={close}>
                <span class="name">{c.name}</span>
                <HealthMark value={c.status.health} />
              </a>
            </li>
          ))}
          <li class="rule">
            <a href={to.clusters()} onClick={close}>
              {t('top.allClusters')}
            </a>
          </li>
        </ul>
      )}
    </Menu>
  );
}

function sameIn(cluster: string): string {
  const path = place.value.path;
  const [, , , area] = path.split('/');
  if (clusterOf(path) !== undefined && area && ['nodes', 'workloads', 'pods', 'capacity'].includes(area)) return `${to.cluster(cluster)}/${area}`;
  if (path === '/operations') return to.operations(`?cluster=${encodeURIComponent(cluster)}`);
  return to.cluster(cluster);
}
