import { get, mergePatch, post, query, segment } from './client';
import type { Backup, BackupPolicy, KindList } from './backupkinds';
import type { BackupPolicySet, CursorPage, SetBackupPolicy } from './inventory';
import type { SnapshotObject } from './v1alpha1';

const kinds = (cluster: string) => `/apis/kanrin.dev/v1alpha1/namespaces/${segment(cluster)}`;

export const setsPath = (cluster: string) => `${kinds(cluster)}/backups`;
export const setPath = (cluster: string, name: string) => `${setsPath(cluster)}/${segment(name)}`;
export const policiesPath = (cluster: string) => `${kinds(cluster)}/backuppolicies`;
export const drillPath = (cluster: string, name: string) => `${kinds(cluster)}/drills/${segment(name)}`;

/** What concerns backups changes with its own area, and with the operations that make and prove sets. */
export const watchedBackups = (cluster: string) => [{ cluster, area: 'backups' } as const, { cluster, area: 'operations' } as const];

/** The set's name that stands for the cluster as it is now. */
export const live = 'live';

export type SnapshotRoute = 'resources' | 'objects' | 'object' | 'diff' | 'changes' | 'history';

export function snapshotPath(cluster: string, route: SnapshotRoute, params: Record<string, string | number | undefined>): string {
  return `/kanrin/v1/clusters/${segment(cluster)}/snapshots/${route}${query(params)}`;
}

/** The name of an object as parameters of a request. */
export function nameParams(o: SnapshotObject): Record<string, string | undefined> {
  return { resource: o.resource, group: o.group, namespace: o.namespace, name: o.name };
}

/** Makes or replaces a policy; the secrets go one way only. */
export function setPolicy(cluster: string, policy: SetBackupPolicy): Promise<BackupPolicySet> {
  return post<BackupPolicySet>(`/kanrin/v1/clusters/${segment(cluster)}/backuppolicies`, policy);
}

/** Takes over sets of the repository that are not known. */
export function rescan(cluster: string, policy: string): Promise<BackupPolicySet> {
  return post<BackupPolicySet>(`/kanrin/v1/clusters/${segment(cluster)}/backuppolicies/${segment(policy)}/rescan`, {});
}

export function pin(cluster: string, name: string, pinned: boolean): Promise<Backup> {
  return mergePatch<Backup>(setPath(cluster, name), { spec: { pinned } });
}

export async function readSets(cluster: string, abort?: AbortSignal): Promise<Backup[]> {
  return (await get<KindList<Backup>>(setsPath(cluster), abort)).items ?? [];
}

export async function readPolicies(cluster: string, abort?: AbortSignal): Promise<BackupPolicy[]> {
  return (await get<KindList<BackupPolicy>>(policiesPath(cluster), abort)).items ?? [];
}

/** The most rows that the server gives at once. */
const most = 2_000;

/**
 * Reads by row number what the server gives by cursor. It remembers the cursor of each row that a page began at, and walks on from the
 * nearest one before.
 */
export function byCursor<T>(read: (limit: number, cursor: string, abort: AbortSignal) => Promise<CursorPage<T>>) {
  const cursors = new Map<number, string>([[0, '']]);
  return async (offset: number, limit: number, abort: AbortSignal) => {
    let at = Math.max(...[...cursors.keys()].filter((row) => row <= offset));
    while (at < offset) {
      const page = await read(Math.min(most, offset - at), cursors.get(at) ?? '', abort);
      const rows = page.items?.length ?? 0;
      if (!page.next || rows === 0) return { items: [], total: page.total, offset, revision: 0 };
      at += rows;
      cursors.set(at, page.next);
    }
    const page = await read(limit, cursors.get(offset) ?? '', abort);
    if (page.next) cursors.set(offset + (page.items?.length ?? 0), page.next);
    return { items: page.items ?? [], total: page.total, offset, revision: 0 };
  };
}
