import { mergePatch, post, segment } from './client';
import { backupCommand } from './backupcommand';
import { session } from './session';
import type { Operation, OperationSpec, OperationType, Requests, Taint, Way } from './v1alpha1';

export function operationsPath(cluster: string): string {
  return `/apis/kanrin.dev/v1alpha1/namespaces/${segment(cluster)}/operations`;
}

export function operationPath(cluster: string, name: string): string {
  return `${operationsPath(cluster)}/${segment(name)}`;
}

export type Request = Omit<OperationSpec, 'requestedBy' | 'approvedPlan' | 'approvedBy' | 'paused' | 'cancelled'>;

/** Asks for a plan. Nothing is changed by it: Kanrin computes and rehearses, then waits for an approval. */
export function plan(cluster: string, request: Request): Promise<Operation> {
  return post<Operation>(operationsPath(cluster), {
    apiVersion: 'kanrin.dev/v1alpha1',
    kind: 'Operation',
    metadata: { generateName: `${request.type.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}-`, namespace: cluster },
    spec: { ...request, requestedBy: session.value?.user ?? '' },
  });
}

export function approve(op: Operation, digest: string): Promise<Operation> {
  return change(op, { approvedPlan: digest, approvedBy: session.value?.user ?? '' });
}

export function pause(op: Operation): Promise<Operation> {
  return change(op, { paused: true });
}

export function resume(op: Operation): Promise<Operation> {
  return change(op, { paused: false });
}

export function cancel(op: Operation): Promise<Operation> {
  return change(op, { cancelled: true });
}

function change(op: Operation, spec: Partial<OperationSpec>): Promise<Operation> {
  return mergePatch<Operation>(operationPath(op.metadata.namespace, op.metadata.name), { spec });
}

/** The nodes a request is about. */
export function nodesOf(spec: Requests): string[] {
  const one = spec.removeNode?.node ?? spec.recover?.node ?? spec.addNode?.host;
  return spec.drain?.nodes ?? spec.cordon?.nodes ?? spec.uncordon?.nodes ?? spec.restart?.nodes ?? (one === undefined ? [] : [one]);
}

const members: Record<OperationType, keyof Requests> = {
  Drain: 'drain',
  Cordon: 'cordon',
  Uncordon: 'uncordon',
  Stop: 'stop',
  Start: 'start',
  Restart: 'restart',
  AddNode: 'addNode',
  RemoveNode: 'removeNode',
  Recover: 'recover',
  Backup: 'backup',
  Prove: 'prove',
  CheckBackups: 'checkBackups',
  Prune: 'prune',
  RestoreObjects: 'restoreObjects',
  RestoreCluster: 'restoreCluster',
};

/** Fields that hold several values: a way round adds one. All others are replaced. */
const lists = new Set(['surge', 'delete', 'suspendWebhooks', 'without', 'ignorePreflight', 'nodes', 'components', 'backups']);
const texts = new Set(['acceptSplitBrain', 'group', 'bundle', 'until', 'node', 'host', 'role', 'what', 'policy', 'backup', 'toNamespace', 'mode', 'member']);

/** The same request with one way round a blocker taken: the server names the field of the request and its value. */
export function withWay(spec: OperationSpec, way: Way): Request {
  const request = requestOf(spec);
  const member = members[spec.type];
  const before = (request[member] ?? {}) as Record<string, unknown>;
  return { ...request, [member]: { ...before, [way.field]: valueOf(before[way.field], way) } };
}

function valueOf(before: unknown, { field, value }: Way): unknown {
  if (Array.isArray(before) || lists.has(field)) {
    const list = Array.isArray(before) ? (before as unknown[]) : [];
    return value === undefined || list.includes(value) ? list : [...list, value];
  }
  if (typeof before === 'string' || texts.has(field)) return value ?? '';
  if (value === undefined || value === 'true') return true;
  if (value === 'false') return false;
  return /^-?\d+$/.test(value) ? Number(value) : value;
}

/** The request alone, without its switches, for planning again. */
export function requestOf(spec: OperationSpec): Request {
  const member = members[spec.type];
  return { type: spec.type, [member]: spec[member] ?? {} };
}

/** What puts back the effect of a finished operation, when there is such a thing. */
export function inverse(spec: OperationSpec): (Request & { type: 'Cordon' | 'Uncordon' | 'Start' }) | undefined {
  const nodes = nodesOf(spec);
  switch (spec.type) {
    case 'Drain':
    case 'Cordon':
      return { type: 'Uncordon', uncordon: { nodes } };
    case 'Uncordon':
      return { type: 'Cordon', cordon: { nodes } };
    case 'Stop':
      return { type: 'Start', start: {} };
    default:
      return undefined;
  }
}

/** The command that asks for the same, for those who like to type. */
export function asCommand(cluster: string, request: Request): string {
  const words = commandOf(request).map((w) => (/^[\w@%+=:,./-]+$/.test(w) ? w : `'${w.replaceAll("'", `'\\''`)}'`));
  const whole = request.type === 'Stop' || request.type === 'Start' || request.type === 'RestoreCluster';
  return ['kanrin', ...words, ...(whole ? [] : ['--cluster', cluster])].join(' ').replace(/^kanrin (stop|start|restore)/, `kanrin $1 cluster/${cluster}`);
}

function commandOf(r: Request): string[] {
  const each = (flag: string, values: readonly string[] | undefined) => (values ?? []).flatMap((v) => [flag, v]);
  const when = (on: unknown, ...words: string[]) => (on ? words : []);
  if (r.stop) {
    const { scaleDown, drain, powerOff, until, suspendWebhooks } = r.stop;
    return [
      'stop',
      ...each('--scale-down', scaleDown?.map((tier) => tier.workloads.join(','))),
      ...when(drain, '--drain'),
      ...when(powerOff, '--power-off'),
      ...when(until, '--until', until ?? ''),
      ...each('--suspend-webhook', suspendWebhooks),
    ];
  }
  if (r.start) return ['start', ...each('--suspend-webhook', r.start.suspendWebhooks), ...each('--without', r.start.without)];
  if (r.restart) {
    const { nodes, what, maxUnavailable, skipDrain } = r.restart;
    return [
      'restart',
      'nodes',
      ...nodes,
      ...when(what && what !== 'Reboot', '--what', (what ?? '').toLowerCase()),
      ...when(maxUnavailable, '--max-unavailable', String(maxUnavailable)),
      ...when(skipDrain, '--skip-drain'),
    ];
  }
  if (r.addNode) {
    const { host, role, group, labels, taints, bundle, ignorePreflight } = r.addNode;
    return [
      'node',
      'add',
      host,
      '--role',
      role,
      ...when(group, '--group', group ?? ''),
      ...each('--label', Object.entries(labels ?? {}).map(([k, v]) => `${k}=${v}`)),
      ...each('--taint', taints?.map(taintText)),
      ...when(bundle, '--bundle', bundle ?? ''),
      ...each('--ignore-preflight', ignorePreflight),
    ];
  }
  if (r.removeNode) {
    const { node, dead, acceptSplitBrain, keepHost } = r.removeNode;
    return ['node', 'remove', node, ...when(dead, '--dead'), ...when(acceptSplitBrain, '--accept-split-brain', acceptSplitBrain ?? ''), ...when(keepHost, '--keep-host')];
  }
  if (r.recover) return ['recover', r.recover.node, ...when(r.recover.reboot, '--reboot')];
  const ofSets = backupCommand(r);
  if (ofSets) return ofSets;
  const { drain } = r;
  return [
    r.type.toLowerCase(),
    ...nodesOf(r),
    ...when(drain?.wait, '--wait'),
    ...each('--surge', drain?.surge),
    ...each('--delete', drain?.delete),
    ...when(drain?.gracePeriodSeconds !== undefined, '--grace-period', String(drain?.gracePeriodSeconds)),
    ...when(drain?.timeoutSeconds, '--timeout', `${drain?.timeoutSeconds}s`),
  ];
}

/** dedicated=gpu:NoSchedule, as kubectl writes it. */
export function taintText(taint: Taint): string {
  return `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`;
}
