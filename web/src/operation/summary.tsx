import type { Operation } from '../api/v1alpha1';
import { seconds } from '../format';
import { said, t } from '../lang';
import { Fact, Facts } from '../parts/facts';
import { Ago, elapsed } from '../parts/time';
import { countOf, isOver, stepTitle } from './state';

/** The numbers that matter, and the plan's head in sentences. */
export function Summary({ op }: { op: Operation }) {
  const plan = op.status?.plan;
  if (!plan) return null;
  const took = elapsed(op.status?.startedAt, op.status?.finishedAt);
  const landed = op.status?.report?.measures?.landed;
  const movers = new Set((plan.steps ?? []).filter((s) => (s.members ?? 0) > 0).map((s) => s.id));
  const moved = (op.status?.steps ?? []).reduce((n, s) => n + (movers.has(s.id) ? (s.done ?? 0) : 0), 0);
  const evict = (countOf(plan, 'evict') ?? 0) + (countOf(plan, 'delete') ?? 0);
  const noReturn = plan.steps?.find((s) => s.id === plan.pointOfNoReturn);
  return (
    <>
      <Facts>
        {countOf(plan, 'leave') !== undefined && <Fact label={t('op.leave')}>{countOf(plan, 'leave')}</Fact>}
        {evict > 0 && op.status?.startedAt && <Fact label={landed === undefined ? t('op.moved') : t('op.landed')}>{`${landed ?? Math.min(moved, evict)} / ${evict}`}</Fact>}
        {countOf(plan, 'rounds') !== undefined && <Fact label={t('op.rounds')}>{countOf(plan, 'rounds')}</Fact>}
        {took !== undefined && <Fact label={isOver(op) ? t('op.took') : t('op.elapsed')}>{seconds(isOver(op) ? took : Math.floor(took))}</Fact>}
        <Fact label={t('op.forecast')}>
          {seconds(plan.forecast.seconds)} {plan.forecast.atMostSeconds > plan.forecast.seconds && <small>{t('op.atMost', { t: seconds(plan.forecast.atMostSeconds) })}</small>}
        </Fact>
        {(plan.forecast.pending ?? 0) > 0 && (
          <Fact label={t('op.pending')} tone="warn">
            {plan.forecast.pending}
          </Fact>
        )}
        <Fact label={t('op.ponr')} {...(noReturn ? { tone: 'crit' as const } : {})}>
          {noReturn ? stepTitle(noReturn) : t('op.none')}
        </Fact>
      </Facts>
      {plan.summary && plan.summary.length > 0 && (
        <ul class="summary">
          {plan.summary
            .filter((l) => l.code !== 'Duration') // stands above as the forecast
            .map((l, i) => (
              <li key={i}>{said('summary', l.code, l.params, l.message)}</li>
            ))}
          {plan.forecast.longest && <li>{said('summary', plan.forecast.longest.code, plan.forecast.longest.params, plan.forecast.longest.message)}</li>}
        </ul>
      )}
      {plan.rehearsal && (
        <p class="rehearsed">
          {t('op.rehearsed', { engine: plan.rehearsal.engine, nodes: plan.rehearsal.nodes, pods: plan.rehearsal.pods, ms: plan.rehearsal.milliseconds })} <Ago at={plan.rehearsal.at} />
        </p>
      )}
    </>
  );
}
