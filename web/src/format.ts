import { lang, t } from './lang';
import { bytes, duration } from './lang/render';

const two = (n: number) => String(n).padStart(2, '0');

/** 2026-11-21, in the local zone, the same in both languages. */
export function date(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function clock(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** 2026-11-21 14:02 */
export function minute(at: Date): string {
  return `${date(at)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** 2026-11-21 14:02:11 JST: the absolute time with its zone named. */
export function absolute(at: Date): string {
  return `${date(at)} ${clock(at)} ${zone(at)}`;
}

function zone(at: Date): string {
  const part = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(at).find((p) => p.type === 'timeZoneName');
  return part?.value ?? '';
}

/** Seconds as people say them; under ten seconds with a tenth, because steps are often that short. */
export function seconds(n: number): string {
  if (n > 0 && n < 9.95) {
    const tenths = Math.max(1, Math.round(n * 10)) / 10;
    return t('time.seconds', { n: Number.isInteger(tenths) ? tenths : tenths.toFixed(1) });
  }
  return duration(lang.value, Math.round(n));
}

/** One unit only, for ages in lists: "8 s", "3 min", "5 h", "12 d". */
export function coarse(n: number): string {
  const s = Math.max(0, Math.floor(n));
  if (s < 60) return duration(lang.value, s);
  if (s < 3600) return duration(lang.value, s - (s % 60));
  if (s < 86400) return duration(lang.value, s - (s % 3600));
  return duration(lang.value, s - (s % 86400));
}

const grouped = new Intl.NumberFormat('en-US');

/** 10,000 */
export function count(n: number): string {
  return grouped.format(n);
}

/** CPU in cores: "0.25", "3.5", "64". */
export function cores(milli: number): string {
  const n = milli / 1000;
  const digits = n !== 0 && Math.abs(n) < 10 ? 2 : 1;
  return String(Number(n.toFixed(digits)));
}

export function memory(n: number): string {
  return bytes(n);
}

/** A share as whole percent that never claims 0 or 100 when it is neither. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  if (share > 0 && share < 0.01) return '< 1 %';
  const p = Math.round(share * 100);
  if (p === 100 && share < 1) return '99 %';
  return `${p} %`;
}

/** requested of allocatable, 0 when nothing can be given. */
export function share(requested: number, allocatable: number): number {
  return allocatable > 0 ? requested / allocatable : 0;
}

const suffix: Record<string, number> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A Kubernetes quantity ("3500m", "12Gi") as a number of its base unit; 0 when there is none. */
export function quantity(text: string | undefined): number {
  const m = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/.exec(text ?? '');
  if (!m) return 0;
  return Number(m[1]) * (suffix[m[2] ?? ''] ?? 1);
}
