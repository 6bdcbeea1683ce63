import type { ComponentChildren } from 'preact';
import type { Health, Phase, Severity } from '../api/v1alpha1';
import { t, text } from '../lang';

/** What a state means for the reader; each tone has its own shape, so that colour is never the only sign. */
export type Tone = 'ok' | 'warn' | 'crit' | 'run' | 'idle' | 'off' | 'unknown';

export function Mark({ tone, children, title }: { tone: Tone; children?: ComponentChildren; title?: string }) {
  return (
    <span class={`mark ${tone}`} title={title}>
      <i aria-hidden="true" />
      {children !== undefined && <span>{children}</span>}
    </span>
  );
}

const health: Record<Health, Tone> = { Healthy: 'ok', Attention: 'warn', Degraded: 'crit', Stopped: 'off', Unreachable: 'crit', Unknown: 'unknown' };

export function HealthMark({ value }: { value: Health | undefined }) {
  const v = value ?? 'Unknown';
  return <Mark tone={health[v] ?? 'unknown'}>{text(`health.${v}`) ?? v}</Mark>;
}

const phases: Record<Phase, Tone> = {
  Pending: 'run',
  Planned: 'idle',
  Running: 'run',
  Paused: 'warn',
  Cancelling: 'run',
  Succeeded: 'ok',
  Failed: 'crit',
  Cancelled: 'idle',
};

export function PhaseMark({ value, blocked, step }: { value: Phase | undefined; blocked?: boolean; step?: string }) {
  const v = value ?? 'Pending';
  if (v === 'Planned' && blocked) return <Mark tone="crit">{t('phase.Blocked')}</Mark>;
  const [at, of] = step?.split('/') ?? [];
  if (v === 'Running' && at && of) return <Mark tone="run">{t('phase.RunningStep', { at, of })}</Mark>;
  return <Mark tone={phases[v] ?? 'unknown'}>{text(`phase.${v}`) ?? v}</Mark>;
}

export const severityTone: Record<Severity, Tone> = { blocker: 'crit', warning: 'warn', info: 'idle' };

/** A small word in a frame: demo, cordoned, unmanaged. */
export function Tag({ children, tone, title }: { children: ComponentChildren; tone?: Tone; title?: string }) {
  return (
    <span class={`tag ${tone ?? ''}`} title={title}>
      {children}
    </span>
  );
}
