import { session } from '../api/session';
import { atWork } from '../api/v1alpha1';
import { count } from '../format';
import { t } from '../lang';
import { Icon, type IconName } from '../parts/icon';
import { place, to } from '../route';
import { useCluster, useOverview } from './overview';

export interface Area {
  id: string;
  label: string;
  href: string;
  icon: IconName;
  on: boolean;
  n?: number | undefined;
}

/** The areas that exist, with their counts; those inside a cluster lead to the present one. */
export function useAreas(): Area[] {
  const data = useOverview().data;
  const cluster = useCluster();
  const clusters = data?.clusters ?? [];
  const row = clusters.find((c) => c.name === cluster);
  const path = place.value.path;
  const inArea = (area: string) => new RegExp(`^/clusters/[^/]+/${area}(/|$)`).test(path);
  const areas: Area[] = [
    { id: 'overview', label: t('nav.overview'), href: to.overview(), icon: 'overview', on: path === '/' },
    { id: 'clusters', label: t('nav.clusters'), href: to.clusters(), icon: 'clusters', on: path === '/clusters' || /^\/clusters\/[^/]+(\/capacity)?$/.test(path), n: clusters.length || undefined },
  ];
  if (cluster) {
    areas.push(
      { id: 'nodes', label: t('nav.nodes'), href: to.nodes(cluster), icon: 'nodes', on: inArea('nodes'), n: row?.status.nodes?.total },
      { id: 'hosts', label: t('nav.hosts'), href: to.hosts(cluster), icon: 'hosts', on: inArea('hosts') },
      { id: 'workloads', label: t('nav.workloads'), href: to.workloads(cluster), icon: 'workloads', on: inArea('workloads') },
      { id: 'pods', label: t('nav.pods'), href: to.pods(cluster), icon: 'pods', on: inArea('pods'), n: row?.status.pods?.total },
    );
  }
  areas.push({ id: 'operations', label: t('nav.operations'), href: to.operations(), icon: 'operations', on: path === '/operations' || inArea('operations'), n: clusters.reduce((s, c) => s + (c.running?.filter((o) => atWork(o.phase)).length ?? 0), 0) || undefined });
  areas.push({ id: 'backups', label: t('nav.backups'), href: cluster && clusters.length < 2 ? to.backups(cluster) : to.allBackups(), icon: 'backups', on: path === '/backups' || inArea('backups') || inArea('history') });
  if (session.value?.role === 'Administrator') areas.push({ id: 'users', label: t('nav.users'), href: to.users(), icon: 'users', on: path === '/users' });
  return areas;
}

/** The side bar; on a phone the same places are a bar at the bottom, under the thumb. */
export function SideBar() {
  return (
    <nav class="sidebar" aria-label={t('nav.label')}>
      {useAreas().map((a) => (
        <a key={a.id} class={`area-${a.id}`} href={a.href} aria-current={a.on ? 'page' : undefined}>
          <Icon name={a.icon} size={18} />
          <span class="label">{a.label}</span>
          {a.n !== undefined && <span class="n">{count(a.n)}</span>}
        </a>
      ))}
    </nav>
  );
}
