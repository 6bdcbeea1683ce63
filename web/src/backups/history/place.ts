import type { Backup } from '../../api/backupkinds';
import { live } from '../../api/backups';
import type { SnapshotObject } from '../../api/v1alpha1';
import { isBrowsable, timeOf } from '../state';

/** Where the time machine stands; all of it is in the address. */
export interface HistoryPlace {
  set: string;
  resource: string;
  group: string;
  namespace: string;
  name: string;
}

export function placeIn(q: URLSearchParams): HistoryPlace {
  const of = (key: string) => q.get(key) ?? '';
  return { set: of('set'), resource: of('resource'), group: of('group'), namespace: of('namespace'), name: of('name') };
}

/** The same address with other parameters; empty ones go. */
export function withQuery(path: string, q: URLSearchParams, changes: Record<string, string | undefined>): string {
  const next = new URLSearchParams(q);
  for (const [k, v] of Object.entries(changes)) {
    if (v) next.set(k, v);
    else next.delete(k);
  }
  const s = next.toString();
  return s === '' ? path : `${path}?${s}`;
}

/** The parameters that lead to an object, and those that its list has and it has not. */
export function toObject(o: SnapshotObject): Record<string, string | undefined> {
  return { resource: o.resource, group: o.group, namespace: o.namespace, name: o.name, q: undefined, view: undefined };
}

/** The sets that can be looked into, oldest first: from left to right on the slider. */
export function timeline(sets: readonly Backup[]): Backup[] {
  return sets.filter(isBrowsable).sort((a, b) => Date.parse(timeOf(a)) - Date.parse(timeOf(b)) || a.metadata.name.localeCompare(b.metadata.name));
}

/** A comparison goes from the earlier to the later; the cluster as it is now is later than every set. */
export function direction(sets: readonly Backup[], one: string, other: string): { from: string; to: string } {
  if (other === live) return { from: one, to: live };
  if (one === live) return { from: other, to: live };
  const index = (name: string) => sets.findIndex((s) => s.metadata.name === name);
  return index(one) <= index(other) ? { from: one, to: other } : { from: other, to: one };
}

export interface DiffLine {
  kind: 'add' | 'del' | 'hunk' | 'file' | 'same';
  text: string;
}

/** The lines of a unified diff. */
export function diffLines(unified: string): DiffLine[] {
  const lines = unified.replace(/\n$/, '').split('\n');
  let inHunk = false;
  return lines.map((line): DiffLine => {
    if (line.startsWith('@@')) {
      inHunk = true;
      return { kind: 'hunk', text: line };
    }
    if (!inHunk && (line.startsWith('--- ') || line.startsWith('+++ '))) return { kind: 'file', text: line };
    if (line.startsWith('+')) return { kind: 'add', text: line };
    if (line.startsWith('-')) return { kind: 'del', text: line };
    return { kind: 'same', text: line };
  });
}

export function countLines(lines: readonly DiffLine[]): { added: number; removed: number } {
  return { added: lines.filter((l) => l.kind === 'add').length, removed: lines.filter((l) => l.kind === 'del').length };
}
