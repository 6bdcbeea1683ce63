import type { Operation, Step } from '../api/v1alpha1';
import { seconds } from '../format';
import { said, t } from '../lang';
import { elapsed } from '../parts/time';
import { setQuery } from '../route';
import { StepSign } from './icon';
import { stepTitle, stepViews, type StepView } from './state';
import { stepText } from './words';

/** The plan as a vertical timeline: what was done, what is being done, what comes; each with its time against the forecast. */
export function Timeline({ op }: { op: Operation }) {
  const views = stepViews(op);
  const last = op.status?.plan?.pointOfNoReturn;
  return (
    <ol class="timeline">
      {views.map((v, i) => (
        <StepItem key={v.step.id} view={v} noReturn={v.step.id === last} parallel={parallelOf(views, i)} />
      ))}
    </ol>
  );
}

/** Whether a step runs together with its neighbours, and where it stands among them. */
function parallelOf(views: readonly StepView[], i: number): string {
  const group = views[i]?.step.group;
  if (!group) return '';
  const before = views[i - 1]?.step.group === group;
  const after = views[i + 1]?.step.group === group;
  return before || after ? `together ${before ? '' : 'first'} ${after ? '' : 'last'}` : '';
}

function StepItem({ view, noReturn, parallel }: { view: StepView; noReturn: boolean; parallel: string }) {
  const { step, status } = view;
  const state = status?.state ?? 'Pending';
  const now = state === 'Running' || state === 'Undoing';
  const took = elapsed(status?.startedAt, status?.finishedAt);
  const late = took !== undefined && step.forecastSeconds !== undefined && step.forecastSeconds > 0 && took > step.forecastSeconds * 1.5 + 5;
  return (
    <li class={`step ${state.toLowerCase()} ${now ? 'now' : ''} ${parallel}`} aria-current={now ? 'step' : undefined}>
      {noReturn && <div class="no-return">{t('op.noReturn')}</div>}
      <StepSign state={state} number={view.number} />
      <div class="step-what">
        <div class="step-title">
          {stepTitle(step)}
          {parallel !== '' && <span class="sr"> ({t('op.together')})</span>}
        </div>
        <StepDetail step={step} title={stepTitle(step)} />
        {status?.total !== undefined && status.total > 0 && (now || state === 'Failed') && (
          <div class="step-progress">
            <span class="bar" role="img" aria-label={t('op.progress', { done: status.done ?? 0, total: status.total })}>
              <i style={{ width: `${(100 * (status.done ?? 0)) / status.total}%` }} />
            </span>
            <span>{t('op.progress', { done: status.done ?? 0, total: status.total })}</span>
          </div>
        )}
        {status?.message && state !== 'Pending' && <div class={`step-message ${state === 'Failed' ? 'crit' : ''}`}>{stepText(status)}</div>}
      </div>
      <div class="step-time">
        {took !== undefined && state !== 'Skipped' && <b class={late ? 'late' : ''}>{seconds(now ? Math.floor(took) : took)}</b>}
        {state === 'Skipped' && <b>{t('op.skipped')}</b>}
        {step.forecastSeconds ? <span title={t('op.forecast')}>{t('op.about', { t: seconds(step.forecastSeconds) })}</span> : null}
      </div>
    </li>
  );
}

function StepDetail({ step, title }: { step: Step; title: string }) {
  const to = (step.to ?? []).filter((l) => l.node !== '');
  const pending = (step.to ?? []).filter((l) => l.node === '').reduce((n, l) => n + l.pods, 0);
  const few = to.slice(0, 8);
  return (
    <>
      {step.targets && step.targets.length > 0 && !step.targets.every((name) => title.includes(name)) && (
        <div class="step-sub name">
          {step.targets.slice(0, 8).join(', ')}
          {step.targets.length > 8 && ` … ${t('op.andMore', { n: step.targets.length - 8 })}`}
        </div>
      )}
      {(few.length > 0 || pending > 0) && (
        <div class="step-sub landings">
          <span aria-hidden="true">→ </span>
          <span class="sr">{t('op.landings')} </span>
          {few.map((l) => (
            <span key={l.node}>
              <code class="name">{l.node}</code> {l.pods}
            </span>
          ))}
          {to.length > few.length && <span>{t('op.andMore', { n: to.length - few.length })}</span>}
          {pending > 0 && <span class="warn">{t('op.pendingCount', { n: pending })}</span>}
        </div>
      )}
      {step.members ? (
        <button
          type="button"
          class="quiet-link"
          onClick={() => {
            setQuery({ tab: 'pods', step: step.id });
            window.scrollTo(0, 0);
          }}
        >
          {t('op.showMembers')}
        </button>
      ) : null}
      {step.undo && <div class="step-sub undo">{t('op.undo', { how: said('undo', step.undo, {}, step.undo) })}</div>}
    </>
  );
}
