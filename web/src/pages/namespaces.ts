import { query, segment } from '../api/client';
import type { Page, Workload } from '../api/inventory';
import { useReading } from '../live/reading';
import type { Choice } from '../parts/filters';

/** The namespaces that hold workloads, for filters. */
export function useNamespaces(cluster: string): Choice[] {
  const { data } = useReading<Page<Workload>>(`/kanrin/v1/clusters/${segment(cluster)}/workloads${query({ limit: 1000, sort: 'namespace' })}`);
  const names = new Set((data?.items ?? []).map((w) => w.namespace));
  return [...names].sort().map((n) => ({ value: n, label: n }));
}
