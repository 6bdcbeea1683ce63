import { get, mergePatch, post, remove, segment } from './client';
import type { Host as HostRow, Page, ScannedKey } from './inventory';
import type { Host, HostSpec } from './v1alpha1';

export function hostsPath(cluster: string): string {
  return `/kanrin/v1/clusters/${segment(cluster)}/hosts`;
}

/** The object itself, with its facts. */
export function hostPath(cluster: string, name: string): string {
  return `/apis/kanrin.dev/v1alpha1/namespaces/${segment(cluster)}/hosts/${segment(name)}`;
}

/** What a new host is made of; the key and the password become Secrets that nobody but Kanrin can read again. */
export interface NewHost {
  name: string;
  spec: Omit<HostSpec, 'power'> & { power?: { bmc?: { address: string }; command?: string } };
  privateKey: string;
  bmcUser?: string;
  bmcPassword?: string;
}

/** Asks a machine for its host key; it is signed in nowhere. */
export function scan(cluster: string, address: string, port?: number): Promise<ScannedKey> {
  return post<ScannedKey>(`${hostsPath(cluster)}/scan`, { address, ...(port && { port }) });
}

export function addHost(cluster: string, host: NewHost): Promise<Host> {
  return post<Host>(hostsPath(cluster), host);
}

/** Looks at the machine now. */
export function refreshHost(cluster: string, name: string): Promise<Host> {
  return post<Host>(`${hostsPath(cluster)}/${segment(name)}/refresh`, {});
}

/** Pins another host key. */
export function trustKey(cluster: string, name: string, hostKey: string): Promise<Host> {
  return mergePatch<Host>(hostPath(cluster, name), { spec: { hostKey } });
}

/** Forgets the host and its keys; nothing is done to the machine. */
export function removeHost(cluster: string, name: string): Promise<void> {
  return remove(`${hostsPath(cluster)}/${segment(name)}`);
}

/** The server gives all hosts of a cluster at once (they are few): the filter and the order of the list are made here. */
export function hostPages(cluster: string, filter: URLSearchParams): (offset: number, limit: number, abort: AbortSignal) => Promise<Page<HostRow>> {
  const keep = hostFilter(filter);
  const order = hostOrder(filter.get('sort') ?? 'name');
  return async (offset, limit, abort) => {
    const page = await get<Page<HostRow>>(hostsPath(cluster), abort);
    const rows = (page.items ?? []).filter(keep).sort(order);
    return { ...page, items: rows.slice(offset, offset + limit), total: rows.length, offset };
  };
}

export function hostFilter(filter: URLSearchParams): (h: HostRow) => boolean {
  const words = (filter.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const [state, role] = [filter.get('state'), filter.get('role')];
  return (h) => {
    const text = [h.name, h.address, h.node, h.group, h.os, h.kubelet, h.runtime].join(' ').toLowerCase();
    const fits = state === 'NotReachable' ? h.state !== 'Reachable' : !state || h.state === state;
    return fits && (!role || (h.roles ?? []).some((r) => r === role)) && words.every((w) => text.includes(w));
  };
}

export function hostOrder(sort: string): (a: HostRow, b: HostRow) => number {
  const by = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? -1 : 1;
  const text = (a: string | undefined, b: string | undefined) => (a ?? '').localeCompare(b ?? '', 'en', { numeric: true });
  const compare: Record<string, (a: HostRow, b: HostRow) => number> = {
    name: (a, b) => text(a.name, b.name),
    state: (a, b) => Number(a.state === 'Reachable') - Number(b.state === 'Reachable') || text(a.state, b.state),
    address: (a, b) => text(a.address, b.address),
    node: (a, b) => text(a.node, b.node),
    tier: (a, b) => a.tier - b.tier,
    kubelet: (a, b) => text(a.kubelet, b.kubelet),
    clock: (a, b) => Math.abs(a.clockOffsetMilliseconds) - Math.abs(b.clockOffsetMilliseconds),
    seen: (a, b) => text(a.lastSeen, b.lastSeen),
  };
  const chosen = compare[by] ?? compare.name;
  return (a, b) => sign * (chosen?.(a, b) ?? 0) || text(a.name, b.name);
}
