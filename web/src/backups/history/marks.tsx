import { t, text } from '../../lang';

const signs: Record<string, string> = { Added: '+', Changed: '~', Recreated: '↻', Removed: '−', Same: '=', Absent: '·' };

/** A sign for the eye and the word beside it: colour is never the only one. */
export function ChangeMark({ type }: { type: string }) {
  return (
    <span class={`change is-${type.toLowerCase()}`}>
      <span class="csign" aria-hidden="true">
        {signs[type] ?? '?'}
      </span>{' '}
      {text(`change.${type}`) ?? type}
    </span>
  );
}

export function ChangeSign({ type }: { type: string }) {
  return (
    <span class={`csign is-${type.toLowerCase()}`} aria-hidden="true">
      {signs[type] ?? '?'}
    </span>
  );
}

/** What the signs of the row of marks mean. */
export function Legend() {
  return (
    <p class="legend" aria-label={t('history.legend')}>
      {['Added', 'Changed', 'Same', 'Removed', 'Absent'].map((type) => (
        <ChangeMark key={type} type={type} />
      ))}
    </p>
  );
}
