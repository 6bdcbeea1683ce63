// The placeholder forms of internal/lang/lang.go, letter for letter. internal/lang/testdata/cases.json holds sentences that the Go
// test and the test of this file both render; change the two together.

export type Lang = 'en' | 'ja';
export type Params = Readonly<Record<string, string | number>>;

const placeholder = /\{([a-zA-Z]+)(?::(duration|bytes)|\|([^{}|]*)\|([^{}|]*))?\}/g;
const integer = /^[+-]?[0-9]+$/;

/** Renders a sentence of the catalogue with its parameters; a placeholder without a parameter stays as it is. */
export function render(lang: Lang, sentence: string, params: Params): string {
  return sentence.replace(placeholder, (whole: string, name: string, form?: string, one?: string, many?: string) => {
    if (!Object.hasOwn(params, name)) return whole;
    const value = String(params[name]);
    if (form === 'duration' || form === 'bytes') {
      const n = int64(value);
      if (n === undefined) return value;
      return form === 'duration' ? duration(lang, n) : bytes(n);
    }
    if (one !== undefined) return value === '1' ? one : (many ?? '');
    return value;
  });
}

/** Parses a decimal 64-bit integer as Go's strconv.ParseInt does. */
function int64(text: string): bigint | undefined {
  if (!integer.test(text)) return undefined;
  const n = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, n) === n ? n : undefined;
}

const units: Record<Lang, readonly [string, string, string, string]> = {
  en: [' d', ' h', ' min', ' s'],
  ja: [' 日', ' 時間', ' 分', ' 秒'],
};

/** Whole seconds as people say them: "8 s", "3 min 24 s", "2 h 5 min", "3 d 4 h". */
export function duration(lang: Lang, seconds: bigint | number): string {
  let n = typeof seconds === 'bigint' ? seconds : BigInt(Math.trunc(seconds));
  const [ud, uh, um, us] = units[lang];
  let sign = '';
  if (n < 0n) {
    sign = '-';
    n = BigInt.asIntN(64, -n);
  }
  const d = n / 86400n;
  const h = (n / 3600n) % 24n;
  const m = (n / 60n) % 60n;
  const s = n % 60n;
  const two = (a: bigint, ua: string, b: bigint, ub: string) => (b === 0n ? `${sign}${a}${ua}` : `${sign}${a}${ua} ${b}${ub}`);
  if (d > 0n) return two(d, ud, h, uh);
  if (h > 0n) return two(h, uh, m, um);
  if (m > 0n) return two(m, um, s, us);
  return `${sign}${s}${us}`;
}

/** A size in binary units: "512 B", "1.5 GiB". */
export function bytes(n: bigint | number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let f = Number(n);
  let i = 0;
  while ((f >= 1024 || f <= -1024) && i < names.length - 1) {
    f /= 1024;
    i++;
  }
  if (i === 0 || Number.isInteger(f)) return `${Math.trunc(f)} ${names[i]}`;
  return `${oneDecimal(f)} ${names[i]}`;
}

/** toFixed(1), but a tie goes to the even digit as in Go; a binary fraction can only tie at .25 (and at .75, where both agree). */
function oneDecimal(f: number): string {
  if (Math.abs(f % 1) === 0.25) return `${Math.trunc(f)}.2`;
  return f.toFixed(1);
}
