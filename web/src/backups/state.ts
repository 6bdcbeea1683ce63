import type { Backup, BackupPolicy, BackupRepository, SetPhase } from '../api/backupkinds';
import type { Tone } from '../parts/mark';

/** How a cluster stands with its backups: no policy, nothing proven yet, the last proven set too old, or fresh. */
export interface Standing {
  state: 'none' | 'never' | 'old' | 'proven';
  /** When the last proven set was made, and its name. */
  at?: string;
  set?: string;
}

const defaultMaxAge = 48;

/** The newest proven set of all policies decides; it is too old past the limit of its policy. */
export function standingOf(policies: readonly BackupPolicy[], now: number): Standing {
  if (policies.length === 0) return { state: 'none' };
  const proven = policies
    .flatMap((p) => (p.status?.lastProven ? [{ ...p.status.lastProven, limit: p.spec.maxProvenAgeHours || defaultMaxAge }] : []))
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
  if (!proven) return { state: 'never' };
  const old = now - Date.parse(proven.at) > proven.limit * 3_600_000;
  return { state: old ? 'old' : 'proven', at: proven.at, set: proven.name };
}

export const standingTone: Record<Standing['state'], Tone> = { none: 'idle', never: 'warn', old: 'warn', proven: 'ok' };

export const setTone: Record<SetPhase, Tone> = { InProgress: 'run', Failed: 'crit', Incomplete: 'warn', Captured: 'idle', Proven: 'ok', ProofFailed: 'crit' };

export function phaseOfSet(b: Backup): SetPhase {
  return b.status?.phase ?? 'InProgress';
}

/** When a set was made; one that has only been asked for has the time of its object. */
export function timeOf(b: Backup): string {
  return b.status?.startedAt ?? b.metadata.creationTimestamp ?? '';
}

/** The random end of a set's name, which tells apart sets of the same minute. */
export function suffixOf(name: string): string {
  return /^\d{8}-\d{6}-(.+)$/.exec(name)?.[1] ?? name;
}

/** Sealed in the repository: it can be proven, checked and deleted. */
export function isSealed(b: Backup): boolean {
  return Boolean(b.status?.snapshotID);
}

/** Its etcd snapshot can be looked into and restored from. */
export function isBrowsable(b: Backup): boolean {
  return isSealed(b) && (b.status?.revision ?? 0) > 0 && Boolean(b.status?.startedAt);
}

export function newestFirst(a: Backup, b: Backup): number {
  return Date.parse(timeOf(b)) - Date.parse(timeOf(a)) || b.metadata.name.localeCompare(a.metadata.name);
}

/** A repository in words, as the server says it. */
export function placeOf(r: BackupRepository): string {
  if (r.s3) return `S3 ${r.s3.endpoint}/${r.s3.bucket}${r.s3.prefix ? `/${r.s3.prefix}` : ''}`;
  if (r.sftp) return `SFTP ${r.sftp.user}@${r.sftp.host}:${r.sftp.path}`;
  return r.path ?? '';
}

/** What mends a finding about backups: the proof of the newest set when that is all that lacks, else a new set; else only a look. */
export type Mend = { kind: 'prove'; backup: string } | { kind: 'backup'; policy: string } | { kind: 'look' };

export function mendOf(code: string, kind: string | undefined, object: string, policies: readonly BackupPolicy[], sets: readonly Backup[]): Mend {
  const set = kind === 'Backup' ? sets.find((s) => s.metadata.name === object) : undefined;
  const policy = kind === 'BackupPolicy' ? object : (set?.spec.policy ?? policies[0]?.metadata.name);
  if (code === 'RepositoryNotReady' || !policy) return { kind: 'look' };
  if (code === 'NeverProven' || code === 'ProofTooOld') {
    const last = [...sets].sort(newestFirst).find((s) => s.spec.policy === policy && isBrowsable(s));
    const limit = (policies.find((p) => p.metadata.name === policy)?.spec.maxProvenAgeHours || defaultMaxAge) * 3_600_000;
    // Proving a set that is itself too old would leave the finding standing.
    if (last && phaseOfSet(last) === 'Captured' && Date.now() - Date.parse(timeOf(last)) < limit) return { kind: 'prove', backup: last.metadata.name };
  }
  return { kind: 'backup', policy };
}

/** The codes that Mend knows something for. */
export const backupFindings: readonly string[] = ['NeverProven', 'ProofTooOld', 'ProofFailed', 'BackupIncomplete', 'RepositoryNotReady'];

/** "Daily 2026-11-21" → its rule and what the set stands for. */
export function keepOf(reason: string): { rule: string; key: string } {
  const [rule = '', ...rest] = reason.split(' ');
  return { rule, key: rest.join(' ') };
}

export function setFilter(filter: URLSearchParams): (b: Backup) => boolean {
  const words = (filter.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const [phase, policy] = [filter.get('phase'), filter.get('policy')];
  return (b) => {
    const text = [b.metadata.name, b.spec.policy, b.spec.reason, b.status?.revision, b.status?.kubernetesVersion, ...(b.status?.keep ?? []), b.spec.pinned && 'pinned'].join(' ').toLowerCase();
    return (!phase || phaseOfSet(b) === phase) && (!policy || b.spec.policy === policy) && words.every((w) => text.includes(w));
  };
}

export function setOrder(sort: string): (a: Backup, b: Backup) => number {
  const by = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? -1 : 1;
  const number = (f: (b: Backup) => number) => (a: Backup, b: Backup) => f(a) - f(b);
  const compare: Record<string, (a: Backup, b: Backup) => number> = {
    time: (a, b) => -newestFirst(a, b),
    revision: number((b) => b.status?.revision ?? 0),
    objects: number((b) => b.status?.objects ?? 0),
    size: number((b) => b.status?.bytes ?? 0),
    proven: number((b) => Date.parse(b.status?.proof?.at ?? '') || 0),
  };
  const chosen = compare[by] ?? compare.time;
  return (a, b) => sign * (chosen?.(a, b) ?? 0) || newestFirst(a, b);
}
