import type { Backup, BackupPolicy, BackupSchedule, KindList } from '../api/backupkinds';
import { policiesPath, watchedBackups } from '../api/backups';
import { absolute, coarse } from '../format';
import { lang, t, text } from '../lang';
import { halfMinute } from '../live/clock';
import { useReading, useRenewed } from '../live/reading';
import { Mark } from '../parts/mark';
import { Ago } from '../parts/time';
import { to } from '../route';
import { rhythmOf } from './cron';
import { keepOf, phaseOfSet, setTone, standingOf, standingTone } from './state';

/** The status of a policy is counted by the server a little after a set was made or proven. */
export const renewSeconds = 15;

export function SetMark({ set }: { set: Backup }) {
  const phase = phaseOfSet(set);
  return <Mark tone={setTone[phase] ?? 'unknown'}>{text(`set.${phase}`) ?? phase}</Mark>;
}

/** The answer to "could we come back?": how old the last proven backup is, in a word and a colour. */
export function LastProven({ cluster, policies, link }: { cluster: string; policies: readonly BackupPolicy[]; link?: boolean }) {
  const standing = standingOf(policies, halfMinute.value);
  const body = (
    <>
      {standing.at && (
        <>
          <Ago at={standing.at} />{' '}
        </>
      )}
      {standing.state === 'proven' ? <span class="sr">{t('proven.proven')}</span> : <span class={standing.at ? 'dim' : ''}>{t(`proven.${standing.state}`)}</span>}
    </>
  );
  return (
    <Mark tone={standingTone[standing.state]} title={t(`proven.${standing.state}.hint`)}>
      {link ? <a href={to.backups(cluster)}>{body}</a> : body}
    </Mark>
  );
}

/** The same where nothing else of the backups is read: in the list of clusters. */
export function ClusterProven({ cluster }: { cluster: string }) {
  const { data, error, reload } = useReading<KindList<BackupPolicy>>(policiesPath(cluster), watchedBackups(cluster));
  useRenewed(reload, renewSeconds);
  if (!data) return <span class="none" title={error?.message}>–</span>;
  return <LastProven cluster={cluster} policies={data.items ?? []} link />;
}

/** "in 5 h": when the next one is due. */
export function Due({ at }: { at: string }) {
  const when = new Date(at);
  const left = (when.getTime() - halfMinute.value) / 1000;
  return (
    <time dateTime={at} title={absolute(when)}>
      {left <= 0 ? t('backups.due') : t('backups.in', { t: coarse(left) })}
    </time>
  );
}

/** When sets are made: "every day at 02:00, Asia/Tokyo". */
export function scheduleText(schedule: BackupSchedule): string {
  return t('schedule.zoned', { when: cronText(schedule.cron), zone: schedule.timeZone || 'UTC' });
}

export function cronText(cron: string): string {
  const r = rhythmOf(cron);
  if (!r) return cron;
  switch (r.every) {
    case 'day':
      return t('schedule.day', { at: r.at });
    case 'week':
      return t('schedule.week', { at: r.at, day: weekday(r.day) });
    case 'month':
      return t('schedule.month', { at: r.at, day: r.day });
    case 'hours':
      return r.n === 1 ? t('schedule.hour', { minute: r.minute }) : t('schedule.hours', { n: r.n, minute: r.minute });
  }
}

/** 2026-11-22 was a Sunday. */
function weekday(n: number): string {
  return new Intl.DateTimeFormat(lang.value, { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 10, 22 + n)));
}

/** Why a set is kept: "day 2026-11-21". */
export function keepText(reason: string): string {
  const { rule, key } = keepOf(reason);
  return text(`keep.${rule.charAt(0).toUpperCase()}${rule.slice(1)}`, { key }) ?? reason;
}
