import { halfMinute, second, secondsSince } from '../live/clock';
import { absolute, coarse, seconds } from '../format';
import { t } from '../lang';

/** "3 min ago", with the absolute time and its zone on hover. */
export function Ago({ at }: { at: string | Date }) {
  const when = typeof at === 'string' ? new Date(at) : at;
  const past = secondsSince(when);
  return (
    <time dateTime={when.toISOString()} title={absolute(when)}>
      {past < 1 ? t('time.now') : t('time.ago', { t: coarse(past) })}
    </time>
  );
}

/** "3 d": how old something is, for columns. */
export function Age({ at }: { at: string }) {
  const when = new Date(at);
  return (
    <time dateTime={at} title={absolute(when)}>
      {coarse(secondsSince(when))}
    </time>
  );
}

/** The seconds from start to end, or to now while there is no end. */
export function elapsed(start: string | undefined, end: string | undefined): number | undefined {
  if (!start) return undefined;
  const until = end ? Date.parse(end) : second.value;
  return Math.max(0, (until - Date.parse(start)) / 1000);
}

export function Elapsed({ start, end }: { start: string | undefined; end?: string | undefined }) {
  const n = elapsed(start, end);
  return <>{n === undefined ? '–' : seconds(end ? n : Math.floor(n))}</>;
}

/** "in 11 h": time that is left. */
export function Until({ at }: { at: string }) {
  const when = new Date(at);
  const left = (when.getTime() - halfMinute.value) / 1000;
  return (
    <time dateTime={at} title={absolute(when)}>
      {left <= 0 ? t('time.over') : t('time.in', { t: coarse(left) })}
    </time>
  );
}
