import type { LogLine, Member, Operation, Plan, StepStatus } from '../src/api/v1alpha1';
import { ago, pods } from './world.ts';

const cart = pods.filter((p) => p.owner?.startsWith('Deployment')).slice(0, 24);
export const members: Member[] = cart.map((p, i) => ({ step: i < 23 ? 'evict-1' : 'evict-2', object: `${p.namespace}/${p.name}`, action: i === 5 ? 'Delete' : 'Evict', owner: p.owner, from: i % 2 ? 'w3' : 'w4', to: i === 7 ? '' : ['w5', 'w6', 'w7'][i % 3], pending: i === 7 ? '0/12 nodes are available: 9 Insufficient cpu.' : undefined, budgets: p.budgets?.map((b) => b.name), graceSeconds: 30 }));

const plan = (digest: string, blocked: boolean): Plan => ({
  digest,
  factsDigest: 'aa',
  createdAt: ago(150),
  rehearsal: { at: ago(150), engine: 'kube-scheduler v1.36.3', nodes: 12, pods: 214, milliseconds: 412 },
  summary: [
    { code: 'Leave', params: { count: '31', evicted: '24', deleted: '1', finished: '2', stay: '5' }, message: '' },
    { code: 'Rounds', params: { rounds: '2', budget: 'shop/cart' }, message: '' },
    { code: 'Duration', params: { seconds: '190', atMost: '420' }, message: '' },
    { code: 'ControlPlanes', params: { stay: '3', total: '3' }, message: '' },
  ],
  findings: [
    ...(blocked
      ? [
          { severity: 'blocker' as const, code: 'BudgetNeverMet', kind: 'PodDisruptionBudget', object: 'shop/web-pdb', message: '', params: { object: 'shop/web-pdb', rule: 'minAvailable 3', workload: 'Deployment shop/web', expected: '3' }, ways: [{ code: 'surge', flag: '--surge shop/web', field: 'surge', value: 'shop/web' }, { code: 'wait', flag: '--wait', field: 'wait', value: 'true' }, { code: 'delete', flag: '--delete shop/web-7d9f-x2x1', field: 'delete', value: 'shop/web-7d9f-x2x1' }] },
          { severity: 'blocker' as const, code: 'UnmanagedPod', kind: 'Pod', object: 'shop/debug-shell-9', message: '', params: { object: 'shop/debug-shell-9' }, ways: [{ code: 'delete', flag: '--delete shop/debug-shell-9', field: 'delete', value: 'shop/debug-shell-9' }] },
        ]
      : []),
    { severity: 'warning', code: 'LocalData', kind: 'Pod', object: 'shop/search-4-x8k2', message: '', params: { object: 'shop/search-4-x8k2', volumes: 'cache' } },
    { severity: 'warning', code: 'VolumeCannotFollow', kind: 'Pod', object: 'payments/ledger-0', message: '', params: { object: 'payments/ledger-0', claim: 'data-ledger-0', where: 'zone b', reason: '0/12 nodes are available: 3 Insufficient cpu, 9 node(s) had volume node affinity conflict.' } },
    { severity: 'info', code: 'ControlPlane', kind: 'Node', object: 'cp-1', message: '', params: { object: 'cp-1', out: '0', total: '3' } },
  ],
  steps: [
    { id: 'surge', kind: 'surge', group: 'g', title: 'Scale', params: { workload: 'Deployment shop/web', from: '3', to: '4' }, targets: ['shop/web'], forecastSeconds: 12, undo: 'unsurge' },
    { id: 'cordon', kind: 'cordon', group: 'g', title: 'Cordon w3, w4', params: { nodes: 'w3, w4' }, targets: ['w3', 'w4'], forecastSeconds: 1, undo: 'uncordon' },
    { id: 'evict-1', kind: 'evict', title: 'Evict', params: { round: '1', count: '23' }, members: 23, to: [{ node: 'w5', pods: 9 }, { node: 'w6', pods: 8 }, { node: 'w7', pods: 5 }, { node: '', pods: 1 }], forecastSeconds: 80 },
    { id: 'evict-2', kind: 'evict', title: 'Evict', params: { round: '2', count: '1' }, members: 1, to: [{ node: 'w6', pods: 1 }], forecastSeconds: 90 },
    { id: 'unsurge', kind: 'unsurge', title: 'Scale', params: { workload: 'Deployment shop/web', from: '4', to: '3' }, forecastSeconds: 2, reverts: 'surge' },
    { id: 'verify', kind: 'verify', title: 'Verify', forecastSeconds: 5 },
  ],
  forecast: { seconds: 190, atMostSeconds: 420, landings: [{ node: 'w5', pods: 9 }, { node: 'w6', pods: 9 }, { node: 'w7', pods: 5 }], pending: 1, counts: { leave: 31, evict: 24, delete: blocked ? 0 : 1, daemonset: 4, static: 1, finished: 2, rounds: 2 } },
  pointOfNoReturn: digest === '7f3a91c0ffee' ? 'evict-2' : '',
});

const done: StepStatus[] = [
  { id: 'surge', state: 'Done', startedAt: ago(112), finishedAt: ago(100) },
  { id: 'cordon', state: 'Skipped', startedAt: ago(112), finishedAt: ago(111.8) },
  { id: 'evict-1', state: 'Done', startedAt: ago(100), finishedAt: ago(40), done: 23, total: 23 },
  { id: 'evict-2', state: 'Running', startedAt: ago(40), done: 0, total: 1 },
];

const op = (name: string, nodes: string[], status: Operation['status'], spec = {}): Operation => ({
  apiVersion: 'kanrin.dev/v1alpha1',
  kind: 'Operation',
  metadata: { name, namespace: 'demo', uid: name, creationTimestamp: ago(150), resourceVersion: '1' },
  spec: { type: 'Drain', drain: { nodes }, requestedBy: 'oncall', approvedPlan: '', approvedBy: '', paused: false, cancelled: false, ...spec },
  status,
});

export const operationObjects: Operation[] = [
  op('drain-4kx2p', ['w3', 'w4'], { phase: 'Running', reason: 'Running', target: 'w3, w4', stepText: '4/6', plan: plan('7f3a91c0ffee', false), approval: { plan: '7f3a91c0ffee', by: 'lead', at: ago(113) }, startedAt: ago(112), steps: done, waiting: { code: 'Budget', object: 'shop/cart', params: { object: 'shop/cart', healthy: '4', desired: '4', pods: '1' }, since: ago(20) } }, { approvedPlan: '7f3a91c0ffee' }),
  op('drain-blocked', ['w5'], { phase: 'Planned', reason: 'Blocked', params: { count: '2' }, target: 'w5', plan: plan('b10c4ed00000', true) }),
  op('drain-planned', ['w6'], { phase: 'Planned', reason: 'AwaitingApproval', target: 'w6', plan: plan('91a11ed00000', false) }),
  op('drain-done', ['w1'], { phase: 'Succeeded', reason: 'Done', params: { seconds: '204', forecast: '190' }, target: 'w1', plan: plan('d01e00000000', false), approval: { plan: 'd01e', by: 'lead', at: ago(7900) }, startedAt: ago(7900), finishedAt: ago(7696), steps: done.map((s) => ({ ...s, state: 'Done' as const, finishedAt: s.finishedAt ?? ago(5) })), report: { forecastSeconds: 190, tookSeconds: 204, lines: [{ code: 'Duration', params: { forecast: '190', took: '204' } }, { code: 'Landed', params: { landed: '24', expected: '24', asForecast: '22' } }, { code: 'NodesCordoned', params: { nodes: 'w1' } }], measures: { landed: 24, landedAsForecast: 22, evicted: 24 } } }),
  op('drain-failed', ['w99'], { phase: 'Failed', reason: 'NotFound', params: { why: 'x', code: 'NodeUnknown', object: 'w99', cluster: 'demo' }, target: 'w99' }),
  op('drain-pending', ['w9'], { phase: 'Pending', reason: 'Planning' }),
];

export const log: LogLine[] = [
  { n: 1, t: ago(112), level: 'info', step: 'surge', code: 'StepStarted', params: { step: '1', total: '6', title: 'x' }, text: 'x' },
  { n: 2, t: ago(111), level: 'info', step: 'surge', code: 'Surged', object: 'Deployment shop/web', params: { from: '3', to: '4' }, text: 'x' },
  ...members.slice(0, 12).flatMap((m, i): LogLine[] => [
    { n: 10 + i * 2, t: ago(100 - i * 3), level: 'info', step: 'evict-1', code: 'Evicted', object: m.object, params: { node: m.from ?? '' }, text: 'x' },
    { n: 11 + i * 2, t: ago(98 - i * 3), level: 'info', step: 'evict-1', code: 'Gone', object: m.object, params: { seconds: '8' }, text: 'x' },
  ]),
  { n: 90, t: ago(22), level: 'warn', step: 'evict-2', code: 'BudgetRefused', object: 'shop/cart-5-x8k2', params: { budget: 'shop/cart' }, text: 'x' },
  { n: 91, t: ago(12), level: 'error', step: 'evict-2', code: 'Unknown', object: 'shop/cart-5', text: 'a line that only the server has words for' },
];
