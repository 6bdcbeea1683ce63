import type { HostState, Texts } from '../api/v1alpha1';
import { said, sentence, t, text } from '../lang';
import { Mark, type Tone } from '../parts/mark';

/** What the last look at a machine said, of a row as of an object. */
export interface Seen {
  name: string;
  state: HostState;
  message?: string | undefined;
  params?: Texts | undefined;
  power?: string | undefined;
}

const tones: Record<HostState, Tone> = {
  Reachable: 'ok',
  Unreachable: 'crit',
  NoAnswer: 'crit',
  HostKeyChanged: 'crit',
  HostKeyMissing: 'warn',
  Unauthorized: 'warn',
  SudoRefused: 'warn',
  Unknown: 'unknown',
};

/** Why a host is not usable and what to do; empty when it is. */
export function stateSentence({ name, state, message, params }: Seen): string {
  if (state === 'Reachable') return '';
  const all = { host: name, ...params };
  const why = params?.why ? sentence(`hoststate.${state}.${params.why}`, all) : undefined;
  return why !== undefined && !/\{[a-zA-Z]+[:|}]/.test(why) ? why : said('hoststate', state, all, message);
}

export function HostMark({ host }: { host: Seen }) {
  if (host.state === 'Unreachable' && host.power === 'off') {
    return (
      <Mark tone="off" title={stateSentence(host)}>
        {t('hostState.Off')}
      </Mark>
    );
  }
  const why = stateSentence(host);
  return (
    <Mark tone={tones[host.state] ?? 'unknown'} {...(why ? { title: why } : {})}>
      {text(`hostState.${host.state}`) ?? host.state}
    </Mark>
  );
}

/** Past this a clock is wrong enough for etcd, certificates and logs to suffer. */
const clockLimit = 500;

/** How far the machine's clock is from Kanrin's: "+12 ms". */
export function Clock({ offset, error }: { offset: number; error: number }) {
  const far = Math.abs(offset) > clockLimit + error;
  const size = Math.abs(offset);
  const amount = size >= 10_000 ? `${Math.round(size / 1000)} s` : size >= 1000 ? `${(size / 1000).toFixed(1)} s` : `${size} ms`;
  const sign = offset > 0 ? '+' : offset < 0 ? '−' : '±';
  return (
    <span class={far ? 'crit' : ''} title={t('hosts.clockError', { ms: error })}>
      {sign}
      {amount}
    </span>
  );
}
