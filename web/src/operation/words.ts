import type { LogLine, Operation, StepStatus, Way } from '../api/v1alpha1';
import { said, sentence, t, text } from '../lang';
import { phaseOf, stepTitle } from './state';

/** Why the operation is where it is, in one sentence; empty when its phase says it all. */
export function reasonOf(op: Operation): string {
  const s = op.status;
  if (s?.waiting) return said('wait', s.waiting.code, { object: s.waiting.object ?? '', ...s.waiting.params }, s.waiting.message);
  if (phaseOf(op) === 'Planned' && op.spec.approvedPlan) return t('op.approvedStarting');
  if (phaseOf(op) === 'Running' && op.spec.cancelled) return t('op.cancelling');
  if (phaseOf(op) === 'Running' && op.spec.paused) return t('op.pausing');
  if (!s?.reason) return phaseOf(op) === 'Pending' ? t('op.planning') : (s?.message ?? '');
  return statusText(s.reason, { name: op.metadata.name, digest: s.plan?.digest ?? '', ...s.params }, s.message);
}

/** The sentence of a reason. Where the shared one names a command, the console has its own; a failure inside is said in our language. */
export function statusText(reason: string, params: Record<string, string>, message: string | undefined): string {
  const own = text(`reason.${reason}`, params);
  if (own !== undefined) return own;
  const why = params.code ? sentence(`fail.${params.code}`, params) : undefined;
  return said('status', reason, why === undefined ? params : { ...params, why }, message);
}

/** Why a step failed, or what it has to say. */
export function stepText(status: StepStatus): string {
  return said('fail', status.code, status.params, status.message);
}

/** A line of the journal. It names steps by their English title; the plan knows them in both languages. */
export function logText(op: Operation, line: LogLine): string {
  const step = line.step ? op.status?.plan?.steps?.find((s) => s.id === line.step) : undefined;
  const params = { object: line.object ?? '', ...line.params };
  const failed = line.code === 'StepFailed' ? op.status?.steps?.find((s) => s.id === line.step) : undefined;
  return said('log', line.code, { ...params, ...(step && { title: stepTitle(step) }), ...(failed?.state === 'Failed' && { why: stepText(failed) }) }, line.text);
}

/** A way round as the label of its button, and in full. */
export function wayLabel(way: Way): string {
  return text(`way.${way.code}`) ?? way.flag;
}

export function wayText(way: Way): string {
  return `${said('way', way.code, { value: way.value ?? '', flag: way.flag }, '')} (${way.flag})`;
}
