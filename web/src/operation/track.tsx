import type { Operation } from '../api/v1alpha1';
import { seconds } from '../format';
import { t } from '../lang';
import { elapsed } from '../parts/time';
import { isOver, stepTitle, stepViews } from './state';

/** The whole plan on one line: each step as long as its forecast, filled as far as it went. */
export function Track({ op }: { op: Operation }) {
  const views = stepViews(op);
  if (views.length === 0) return null;
  const total = views.reduce((n, v) => n + weight(v.step.forecastSeconds), 0);
  const took = elapsed(op.status?.startedAt, op.status?.finishedAt);
  const forecast = op.status?.plan?.forecast.seconds ?? 0;
  const label = took === undefined ? t('op.trackPlan', { t: seconds(forecast) }) : t('op.trackRun', { took: seconds(isOver(op) ? took : Math.floor(took)), t: seconds(forecast) });
  return (
    <div class="track" role="img" aria-label={label}>
      {views.map((v) => {
        const state = v.status?.state ?? 'Pending';
        const spent = elapsed(v.status?.startedAt, v.status?.finishedAt) ?? 0;
        const ahead = v.step.forecastSeconds ?? 0;
        const share = state === 'Pending' ? 0 : state === 'Running' ? fill(v.status?.done, v.status?.total, spent, ahead) : 1;
        return (
          <span key={v.step.id} class={`seg ${state.toLowerCase()}`} style={{ flexGrow: weight(ahead) / total }} title={`${stepTitle(v.step)} · ${seconds(ahead)}`}>
            <i style={{ width: `${share * 100}%` }} />
          </span>
        );
      })}
    </div>
  );
}

/** A step of no time still is to be seen. */
function weight(forecast: number | undefined): number {
  return Math.max(forecast ?? 0, 1);
}

/** How far a running step is: by its members when it counts them, else by its forecast, never claiming the end. */
function fill(done: number | undefined, total: number | undefined, spent: number, ahead: number): number {
  if (total && total > 0) return Math.min(0.98, (done ?? 0) / total);
  return ahead > 0 ? Math.min(0.95, spent / ahead) : 0.5;
}
