import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ClusterRow, Overview } from '../api/inventory';
import type { Reading } from '../live/reading';
import { place } from '../route';

const none: Reading<Overview> = { data: undefined, error: undefined, reload: () => undefined };

/** The overview is read once, by the shell, and shared: the top bar, the side bar and several pages show parts of it. */
export const OverviewContext = createContext<Reading<Overview>>(none);

export function useOverview(): Reading<Overview> {
  return useContext(OverviewContext);
}

let lastCluster: string | undefined;

/** The cluster that the page is about: named by the address, else the one before, else the first. */
export function useCluster(): string | undefined {
  const clusters = useOverview().data?.clusters ?? [];
  const named = clusterOf(place.value.path) ?? place.value.query.get('cluster') ?? undefined;
  if (named) {
    lastCluster = named;
    return named;
  }
  if (lastCluster && clusters.some((c) => c.name === lastCluster)) return lastCluster;
  return clusters[0]?.name;
}

export function clusterOf(path: string): string | undefined {
  const m = /^\/clusters\/([^/]+)/.exec(path);
  return m?.[1] ? decodeURIComponent(m[1]) : undefined;
}

export function useClusterRow(name: string): ClusterRow | undefined {
  return useOverview().data?.clusters?.find((c) => c.name === name);
}
