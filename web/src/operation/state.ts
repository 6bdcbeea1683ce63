import { nodesOf } from '../api/operations';
import type { Finding, Operation, Phase, Plan, Step, StepStatus } from '../api/v1alpha1';
import { said, t, text } from '../lang';

export function phaseOf(op: Operation): Phase {
  return op.status?.phase ?? 'Pending';
}

export function isOver(op: Operation): boolean {
  return ['Succeeded', 'Failed', 'Cancelled'].includes(phaseOf(op));
}

export function blockersOf(op: Operation): Finding[] {
  return (op.status?.plan?.findings ?? []).filter((f) => f.severity === 'blocker');
}

/** "Drain w3, w4" */
export function titleOf(op: Operation): string {
  return `${text(`type.${op.spec.type}`) ?? op.spec.type} ${targetText(op)}`;
}

/** What it is about; a stop or a start is about its cluster, what concerns backups about a set or a policy. */
export function targetText(op: Operation): string {
  const { type, backup, prove, checkBackups, prune, restoreObjects } = op.spec;
  const whole = type === 'Stop' || type === 'Start' || type === 'RestoreCluster' ? op.metadata.namespace : '';
  const set = prove?.backup ?? backup?.policy ?? checkBackups?.policy ?? prune?.policy ?? (restoreObjects && targetOf(restoreObjects.objects.map((o) => o.name)));
  return op.status?.target || targetOf(nodesOf(op.spec)) || whole || set || op.metadata.name;
}

export function targetOf(nodes: readonly string[]): string {
  return nodes.length <= 4 ? nodes.join(', ') : `${nodes.slice(0, 3).join(', ')} … ${t('op.andMore', { n: nodes.length - 3 })}`;
}

export function stepTitle(step: Step): string {
  return said('step', step.kind, step.params, step.title);
}

export interface StepView {
  step: Step;
  number: number;
  status: StepStatus | undefined;
}

export function stepViews(op: Operation): StepView[] {
  const journal = new Map((op.status?.steps ?? []).map((s) => [s.id, s]));
  return (op.status?.plan?.steps ?? []).map((step, i) => ({ step, number: i + 1, status: journal.get(step.id) }));
}

const grave: readonly string[] = ['Stop', 'RemoveNode', 'Prune', 'RestoreCluster'];

/** A plan that deletes, takes a cluster or a node away or back in time, or from which there is no way back, wants the target typed. */
export function isDestructive(op: Operation, plan: Plan): boolean {
  return grave.includes(op.spec.type) || Boolean(plan.pointOfNoReturn) || (plan.forecast.counts?.delete ?? 0) > 0 || (op.spec.drain?.delete?.length ?? 0) > 0;
}

export function countOf(plan: Plan | undefined, name: string): number | undefined {
  return plan?.forecast.counts?.[name];
}
