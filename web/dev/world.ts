// A made-up cluster, for looking at pages while there is no server.
import type { Capacity, ClusterRow, Node, OperationRow, Overview, Pod, Workload, ZoneLoss } from '../src/api/inventory';
import type { Finding } from '../src/api/v1alpha1';

export const now = Date.now();
export const ago = (s: number) => new Date(now - s * 1000).toISOString();
const gib = 2 ** 30;

let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;

export const nodes: Node[] = ['cp-1', 'cp-2', 'cp-3', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', 'w8', 'w9'].map((name, i) => {
  const worker = name.startsWith('w');
  const zone = 'abc'[(worker ? i - 3 : i) % 3] ?? 'a';
  const fill = !worker ? 0.2 : zone === 'b' ? 0.91 : 0.35 + random() * 0.3;
  return {
    name,
    uid: name,
    created: ago(86400 * 40),
    state: name === 'w7' ? 'NotReady' : 'Ready',
    stateReason: name === 'w7' ? 'KubeletNotReady' : undefined,
    roles: [worker ? 'worker' : 'control-plane'],
    zone,
    version: 'v1.36.3',
    unschedulable: name === 'w3' || name === 'w4',
    cordonedBy: name === 'w3' ? 'drain-4kx2p' : name === 'w4' ? 'kubectl' : undefined,
    cordonedAt: ago(60),
    addresses: [`10.0.0.${i + 1}`],
    os: 'Debian GNU/Linux 12',
    kernel: '6.1.0-28-amd64',
    runtime: 'containerd://2.2.1',
    taints: worker ? [] : ['node-role.kubernetes.io/control-plane:NoSchedule'],
    allocatable: { cpuMilli: worker ? 15800 : 3800, memoryBytes: (worker ? 62 : 15) * gib, pods: 110 },
    requested: { cpuMilli: Math.round((worker ? 15800 : 3800) * fill), memoryBytes: Math.round((worker ? 62 : 15) * gib * (fill * 0.9)) },
    pods: worker ? Math.round(fill * 40) : 6,
  } as Node;
});

const names = [
  ['Deployment', 'shop', 'web', 3],
  ['Deployment', 'shop', 'cart', 5],
  ['Deployment', 'shop', 'search', 4],
  ['StatefulSet', 'payments', 'ledger', 3],
  ['StatefulSet', 'data', 'postgres', 2],
  ['DaemonSet', 'monitoring', 'node-exporter', 12],
  ['DaemonSet', 'kube-system', 'kube-proxy', 12],
  ['Job', 'batch', 'report-29381', 1],
  ['CronJob', 'batch', 'report', 0],
  ['Pod', 'shop', 'debug-shell', 1],
] as const;

const budget = (name: string, allowed: number, expected: number, rule: string) => ({ name, rule, healthy: expected, desired: expected - allowed, allowed, expected });

export const workloads: Workload[] = names.map(([kind, namespace, name, n]) => ({
  kind,
  namespace,
  name,
  uid: `${kind}/${name}`,
  created: ago(86400 * 21),
  state: kind === 'Job' ? 'Finished' : name === 'postgres' ? 'Degraded' : name === 'search' ? 'Progressing' : 'Healthy',
  reason: name === 'postgres' ? '1 of 2 replicas ready' : undefined,
  ready: name === 'postgres' ? 1 : n,
  desired: n,
  zones: (n > 2 ? { a: Math.ceil(n / 3), b: Math.ceil(n / 3), c: Math.floor(n / 3) } : { b: n }) as Record<string, number>,
  budgets: name === 'web' ? [budget('shop/web-pdb', 0, 3, 'minAvailable 3')] : name === 'cart' ? [budget('shop/cart', 1, 5, 'maxUnavailable 1'), budget('shop/all', 2, 8, 'minAvailable 6')] : [],
  images: [`registry.local/${namespace}/${name}:4.2`],
  priority: name === 'ledger' ? 'payments-critical' : undefined,
  requests: { cpuMilli: n * 250, memoryBytes: n * gib },
  surgedBy: name === 'web' ? 'drain-4kx2p' : undefined,
}));

export const pods: Pod[] = Array.from({ length: 10000 }, (_, i) => {
  const w = workloads[i % workloads.length] as Workload;
  const node = nodes[(i * 7) % nodes.length] as Node;
  const name = w.kind === 'StatefulSet' ? `${w.name}-${i}` : w.kind === 'Pod' ? `${w.name}-${i}` : `${w.name}-${(i * 2654435761 % 4294967296).toString(36).slice(0, 5)}-${i.toString(36).padStart(4, 'x')}`;
  const state = i % 97 === 0 ? 'CrashLoopBackOff' : i % 41 === 0 ? 'Pending' : i % 53 === 0 ? 'Terminating' : w.kind === 'Job' ? 'Completed' : 'Running';
  return {
    namespace: w.namespace,
    name,
    uid: String(i),
    created: ago(3600 + i * 13),
    state,
    ready: state === 'Running' ? 1 : 0,
    total: 1,
    restarts: i % 97 === 0 ? 17 : i % 11 === 0 ? 1 : 0,
    node: state === 'Pending' ? undefined : node.name,
    zone: state === 'Pending' ? undefined : node.zone,
    owner: w.kind === 'Pod' ? undefined : `${w.kind}/${w.namespace}/${w.name}`,
    ip: `10.244.${i >> 8}.${i & 255}`,
    requests: { cpuMilli: 250, memoryBytes: gib },
    class: w.kind === 'DaemonSet' ? 'daemonset' : w.kind === 'Job' ? 'finished' : w.kind === 'Pod' ? 'unmanaged' : 'evictable',
    localData: w.name === 'search' ? ['cache'] : undefined,
    volumes: w.kind === 'StatefulSet' ? [{ claim: `data-${name}`, class: 'zonal-ssd', zones: ['b'], bytes: 20 * gib, bound: true }] : undefined,
    budgets: w.budgets,
  } as Pod;
});

const finding = (severity: Finding['severity'], code: string, kind: string, object: string, message: string, params: Record<string, string>): Finding => ({ severity, code, kind, object, message, params: { object, ...params }, since: ago(3600 * 5) });

const findings: Finding[] = [
  finding('blocker', 'NodeDown', 'Node', 'w7', 'w7 is not ready (KubeletNotReady)', { reason: 'KubeletNotReady' }),
  finding('warning', 'ZoneLoss', 'Zone', 'b', 'if zone b is lost, 14 pods find no place elsewhere', { count: '14', pod: 'shop/web-abc', reason: '0/8 nodes are available: 8 Insufficient cpu.' }),
  finding('warning', 'PodsPending', 'Deployment', 'shop/search', 'Deployment shop/search: 2 pods do not start', { workload: 'Deployment shop/search', count: '2', pod: 'shop/search-77', reason: '0/12 nodes are available: 9 Insufficient memory, 3 node(s) had untolerated taint(s).' }),
  finding('warning', 'BudgetNeverMet', 'PodDisruptionBudget', 'shop/web-pdb', 'shop/web-pdb can never be met', { rule: 'minAvailable 3', workload: 'Deployment shop/web', expected: '3' }),
];

const sum = (list: Node[], f: (n: Node) => number) => list.reduce((s, n) => s + f(n), 0);
const total = (list: Node[]) => ({
  nodes: list.length,
  ready: list.filter((n) => n.state === 'Ready').length,
  allocatable: { cpuMilli: sum(list, (n) => n.allocatable.cpuMilli), memoryBytes: sum(list, (n) => n.allocatable.memoryBytes) },
  requested: { cpuMilli: sum(list, (n) => n.requested.cpuMilli), memoryBytes: sum(list, (n) => n.requested.memoryBytes) },
});
const workers = nodes.filter((n) => n.name.startsWith('w'));
export const zones = ['a', 'b', 'c'].map((name) => ({ name, ...total(workers.filter((n) => n.zone === name)) }));

export const capacity: Capacity = {
  overhead: 0.1,
  ...total(workers),
  zones: zones.map((z): ZoneLoss => ({
    ...z,
    share: z.requested.cpuMilli / (z.allocatable.cpuMilli * 0.9),
    limit: 0.5,
    lostPods: z.name === 'b' ? 96 : 51,
    pending: z.name !== 'b' ? [] : pods.slice(0, 14).map((p, i) => ({ pod: `${p.namespace}/${p.name}`, reason: '0/8 nodes are available: 5 Insufficient cpu, 3 node(s) had untolerated taint(s).', volume: i % 5 === 3 ? `data-${p.name}` : undefined, cpuMilli: 250, memoryBytes: gib })),
    shortfall: z.name === 'b' ? { cpuMilli: 3500, memoryBytes: 6 * gib } : { cpuMilli: 0, memoryBytes: 0 },
  })),
  sized: false,
  engine: 'kube-scheduler v1.36.3',
};

const row = (name: string, extra: Partial<OperationRow>): OperationRow => ({ cluster: 'demo', name, type: 'Drain', target: 'w3, w4', phase: 'Planned', by: 'oncall', created: ago(140), ...extra });
export const operations: OperationRow[] = [
  row('drain-4kx2p', { phase: 'Running', reason: 'Running', stepText: '4/6', started: ago(112), forecastSeconds: 190, waiting: { code: 'Budget', object: 'shop/cart', params: { healthy: '4', desired: '4', pods: '1' }, since: ago(20) } }),
  row('drain-blocked', { target: 'w5', phase: 'Planned', reason: 'Blocked', params: { count: '2' }, blockers: 2, created: ago(400) }),
  row('drain-planned', { target: 'w6', phase: 'Planned', reason: 'AwaitingApproval', created: ago(800), forecastSeconds: 190 }),
  row('drain-done', { target: 'w1', phase: 'Succeeded', reason: 'Done', params: { seconds: '204', forecast: '190' }, created: ago(8000), started: ago(7900), finished: ago(7696) }),
  row('cordon-x7', { type: 'Cordon', target: 'w9', phase: 'Cancelled', reason: 'CancelledByUser', by: 'platform', created: ago(90000) }),
  row('drain-failed', { target: 'w99', phase: 'Failed', reason: 'NotFound', params: { why: 'node w99 does not exist', code: 'NodeUnknown', object: 'w99', cluster: 'demo' }, by: 'platform', created: ago(190000) }),
];

const clusterRow = (name: string, extra: Partial<ClusterRow>): ClusterRow => ({
  name,
  status: {
    health: 'Degraded',
    server: 'https://127.0.0.1:36443',
    version: 'v1.36.3',
    nodes: { ready: 11, total: 12 },
    pods: { total: 10000, running: 9650, pending: 244, failed: 106 },
    capacity: { cpu: { requested: '92', allocatable: '142200m' }, memory: { requested: '310Gi', allocatable: '558Gi' } },
    lastSeen: ago(3),
  },
  zones,
  ...extra,
});
export const clusters: ClusterRow[] = [
  clusterRow('demo', { demo: true, findings, running: operations.slice(0, 1), recent: operations }),
  clusterRow('prod', { status: { ...clusterRow('x', {}).status, health: 'Healthy', nodes: { ready: 31, total: 31 }, pods: { total: 412, running: 412 } } }),
  clusterRow('wsp', { status: { ...clusterRow('x', {}).status, health: 'Unreachable', lastSeen: ago(3000) }, findings: [finding('blocker', 'ClusterUnreachable', 'Cluster', 'wsp', 'cluster wsp cannot be reached', {})] }),
];
export const overview: Overview = { clusters, diskFreeBytes: 40 * gib };
