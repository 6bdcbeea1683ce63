import type { StepState } from '../api/v1alpha1';
import { t } from '../lang';
import { Icon, type IconName } from '../parts/icon';

const icons: Partial<Record<StepState, IconName>> = { Done: 'check', Skipped: 'minus', Failed: 'cross', Undone: 'back', NotUndone: 'minus' };

/** The state of a step: a sign for the eye, a word for everybody else. A step that waits for its turn shows its number. */
export function StepSign({ state, number }: { state: StepState; number: number }) {
  const icon = icons[state];
  return (
    <span class={`sign ${state.toLowerCase()}`} title={t(`stepState.${state}`)}>
      {icon ? (
        <Icon name={icon} />
      ) : state === 'Pending' ? (
        <span aria-hidden="true">{number}</span>
      ) : (
        <span class="mark run">
          <i aria-hidden="true" />
        </span>
      )}
      <span class="sr">{t(`stepState.${state}`)}</span>
    </span>
  );
}
