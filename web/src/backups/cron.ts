/** What a schedule says, when it is one of those that people have words for. */
export type Rhythm =
  | { every: 'day'; at: string }
  | { every: 'week'; at: string; day: number }
  | { every: 'month'; at: string; day: number }
  | { every: 'hours'; n: number; minute: number };

const whole = (field: string, most: number): number | undefined => (/^\d{1,2}$/.test(field) && Number(field) <= most ? Number(field) : undefined);
const two = (n: number) => String(n).padStart(2, '0');

export function rhythmOf(cron: string): Rhythm | undefined {
  const [minute = '', hour = '', day = '', month = '', weekday = '', ...more] = cron.trim().split(/\s+/);
  const m = whole(minute, 59);
  if (m === undefined || more.length > 0 || month !== '*') return undefined;
  const everyHours = hour === '*' ? 1 : whole(/^\*\/(\d+)$/.exec(hour)?.[1] ?? '', 23);
  if (everyHours && day === '*' && weekday === '*') return { every: 'hours', n: everyHours, minute: m };
  const h = whole(hour, 23);
  if (h === undefined) return undefined;
  const at = `${two(h)}:${two(m)}`;
  if (day === '*' && weekday === '*') return { every: 'day', at };
  const w = whole(weekday, 7);
  if (day === '*' && w !== undefined) return { every: 'week', at, day: w % 7 };
  const d = whole(day, 31);
  if (d && weekday === '*') return { every: 'month', at, day: d };
  return undefined;
}

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const names = [[], [], [], ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'], ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']] as const;

/** Whether the five fields can be a schedule; the server decides in the end. */
export function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return fields.length === 5 && fields.every((field, i) => field.split(',').every((part) => isPart(part, i)));
}

function isPart(part: string, field: number): boolean {
  const m = /^(\*|\?|[a-z0-9]+(?:-[a-z0-9]+)?)(?:\/(\d{1,2}))?$/i.exec(part);
  if (!m || m[2] === '0' || m[2] === '00') return false;
  const body = m[1] ?? '';
  if (body === '*' || body === '?') return true;
  const [low, high] = ranges[field] ?? [0, 0];
  return body.split('-').every((end) => {
    if ((names[field] as readonly string[]).includes(end.toLowerCase())) return true;
    return /^\d{1,2}$/.test(end) && Number(end) >= low && Number(end) <= high;
  });
}
