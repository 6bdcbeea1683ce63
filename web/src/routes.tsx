import type { VNode } from 'preact';
import { match } from './match';
import { OperationPage } from './operation/page';
import { ClusterPage } from './pages/cluster';
import { ClustersPage } from './pages/clusters';
import { HostPage } from './pages/host';
import { HostsPage } from './pages/hosts';
import { NodePage } from './pages/node';
import { NodesPage } from './pages/nodes';
import { NotFoundPage } from './pages/notfound';
import { OperationsPage } from './pages/operations';
import { OverviewPage } from './pages/overview';
import { PodPage } from './pages/pod';
import { PodsPage } from './pages/pods';
import { lazy } from './parts/lazy';
import { UsersPage } from './pages/users';
import { WorkloadPage } from './pages/workload';
import { WorkloadsPage } from './pages/workloads';

// Loaded when they are gone to: the first page of a visit does not wait for them.
const AllBackupsPage = lazy(() => import('./backups/pages').then((m) => m.AllBackupsPage));
const BackupsPage = lazy(() => import('./backups/pages').then((m) => m.BackupsPage));
const SetPage = lazy(() => import('./backups/pages').then((m) => m.SetPage));
const HistoryPage = lazy(() => import('./backups/pages').then((m) => m.HistoryPage));

type Page = (p: Record<string, string>) => VNode;

const routes: readonly (readonly [pattern: string, page: Page])[] = [
  ['/', () => <OverviewPage />],
  ['/clusters', () => <ClustersPage />],
  ['/clusters/:c', ({ c = '' }) => <ClusterPage key={c} name={c} />],
  ['/clusters/:c/capacity', ({ c = '' }) => <ClusterPage key={c} name={c} />],
  ['/clusters/:c/nodes', ({ c = '' }) => <NodesPage key={c} cluster={c} />],
  ['/clusters/:c/nodes/:n', ({ c = '', n = '' }) => <NodePage key={`${c}/${n}`} cluster={c} name={n} />],
  ['/clusters/:c/hosts', ({ c = '' }) => <HostsPage key={c} cluster={c} />],
  ['/clusters/:c/hosts/:n', ({ c = '', n = '' }) => <HostPage key={`${c}/${n}`} cluster={c} name={n} />],
  ['/clusters/:c/workloads', ({ c = '' }) => <WorkloadsPage key={c} cluster={c} />],
  ['/clusters/:c/workloads/:k/:ns/:n', ({ c = '', k = '', ns = '', n = '' }) => <WorkloadPage key={`${c}/${k}/${ns}/${n}`} cluster={c} kind={k} namespace={ns} name={n} />],
  ['/clusters/:c/pods', ({ c = '' }) => <PodsPage key={c} cluster={c} />],
  ['/clusters/:c/pods/:ns/:n', ({ c = '', ns = '', n = '' }) => <PodPage key={`${c}/${ns}/${n}`} cluster={c} namespace={ns} name={n} />],
  ['/operations', () => <OperationsPage />],
  ['/clusters/:c/operations/:n', ({ c = '', n = '' }) => <OperationPage key={`${c}/${n}`} cluster={c} name={n} />],
  ['/backups', () => <AllBackupsPage />],
  ['/clusters/:c/backups', ({ c = '' }) => <BackupsPage key={c} cluster={c} />],
  ['/clusters/:c/backups/:n', ({ c = '', n = '' }) => <SetPage key={`${c}/${n}`} cluster={c} name={n} />],
  ['/clusters/:c/history', ({ c = '' }) => <HistoryPage key={c} cluster={c} />],
  ['/users', () => <UsersPage />],
];

/** The page of a path; there is always one. */
export function pageOf(path: string): VNode {
  for (const [pattern, page] of routes) {
    const found = match(pattern, path);
    if (found) return page(found);
  }
  return <NotFoundPage />;
}
