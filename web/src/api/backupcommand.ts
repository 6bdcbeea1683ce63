import type { Requests, SnapshotObject } from './v1alpha1';

/** The words after `kanrin` that ask for the same, when the request is about backups. */
export function backupCommand(r: Requests): string[] | undefined {
  const when = (on: unknown, ...words: string[]) => (on ? words : []);
  if (r.backup) {
    const { policy, components, pinned } = r.backup;
    return ['backup', 'create', '--policy', policy, ...(components ?? []).flatMap((c) => ['--component', c]), ...when(pinned, '--pin')];
  }
  if (r.prove) return ['backup', 'prove', r.prove.backup];
  if (r.checkBackups) return ['backup', 'check', '--policy', r.checkBackups.policy, ...when(r.checkBackups.readData, '--read-data')];
  if (r.prune) return ['backup', 'prune', ...(r.prune.backups ?? []), '--policy', r.prune.policy];
  if (r.restoreObjects) {
    const { backup, objects, dependents, toNamespace, recreate } = r.restoreObjects;
    return [
      'snapshot',
      'restore',
      ...objects.map(objectText),
      '--at',
      backup,
      ...when(dependents, '--dependents'),
      ...when(recreate, '--recreate'),
      ...when(toNamespace, '--to-namespace', toNamespace ?? ''),
    ];
  }
  if (r.restoreCluster) {
    const { mode, backup, unproven, withoutPresent } = r.restoreCluster;
    return ['restore', ...when(backup, '--from', backup ?? ''), ...when(mode !== 'AllMembers', '--mode', mode.toLowerCase()), ...when(unproven, '--unproven'), ...when(withoutPresent, '--without-present')];
  }
  return undefined;
}

/** deployments.apps */
export function resourceText(o: { resource: string; group?: string | undefined }): string {
  return o.group ? `${o.resource}.${o.group}` : o.resource;
}

/** deployments.apps/shop/web */
export function objectText(o: SnapshotObject): string {
  return [resourceText(o), o.namespace, o.name].filter(Boolean).join('/');
}
