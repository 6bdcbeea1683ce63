import { mergePatch, post, segment } from './client';
import { session } from './session';
import type { Operation, OperationSpec, OperationType, Way } from './v1alpha1';

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
    metadata: { generateName: `${request.type.toLowerCase()}-`, namespace: cluster },
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
export function nodesOf(spec: OperationSpec): string[] {
  return spec.drain?.nodes ?? spec.cordon?.nodes ?? spec.uncordon?.nodes ?? [];
}

/** The same request with one way round a blocker taken. */
export function withWay(spec: OperationSpec, way: Way): Request {
  const request = requestOf(spec);
  if (!request.drain) return request;
  const drain = { ...request.drain };
  if (way.field === 'wait') drain.wait = true;
  else if (way.field === 'surge') drain.surge = add(drain.surge, way.value);
  else if (way.field === 'delete') drain.delete = add(drain.delete, way.value);
  return { ...request, drain };
}

function add(list: string[] | undefined, value: string | undefined): string[] {
  return value === undefined || list?.includes(value) ? (list ?? []) : [...(list ?? []), value];
}

/** The request alone, without its switches, for planning again. */
export function requestOf(spec: OperationSpec): Request {
  const { type, drain, cordon, uncordon } = spec;
  return { type, ...(drain && { drain }), ...(cordon && { cordon }), ...(uncordon && { uncordon }) };
}

/** What puts back the effect of a finished operation, when there is such a thing. */
export function inverse(spec: OperationSpec): Request | undefined {
  const nodes = nodesOf(spec);
  const opposite: Record<OperationType, Request> = {
    Drain: { type: 'Uncordon', uncordon: { nodes } },
    Cordon: { type: 'Uncordon', uncordon: { nodes } },
    Uncordon: { type: 'Cordon', cordon: { nodes } },
  };
  return opposite[spec.type];
}

/** The command that asks for the same, for those who like to type. */
export function asCommand(cluster: string, request: Request): string {
  const words = ['kanrin', request.type.toLowerCase(), ...nodesOf(request)];
  const drain = request.drain;
  if (drain?.wait) words.push('--wait');
  for (const w of drain?.surge ?? []) words.push('--surge', w);
  for (const p of drain?.delete ?? []) words.push('--delete', p);
  if (drain?.gracePeriodSeconds !== undefined) words.push('--grace-period', String(drain.gracePeriodSeconds));
  if (drain?.timeoutSeconds) words.push('--timeout', `${drain.timeoutSeconds}s`);
  words.push('--cluster', cluster);
  return words.join(' ');
}
