import { effect, signal, untracked } from '@preact/signals';
import type { Area, Change } from '../api/inventory';
import { leaving, session, sessionEnded } from '../api/session';
import { eventsOf } from './sse';

/** Rows of an area of a cluster that somebody on screen depends on; cluster "*" is any. */
export interface Watched {
  cluster: string;
  area: Area;
}

type Listener = (change: Change | undefined) => void;

/** Live while the server's stream of changes is heard; otherwise since when it is not. */
export const live = signal<{ on: boolean; since: Date }>({ on: false, since: new Date() });

/** The server pings every 15 s: twice that and a little without a byte means that nobody is there. */
const silence = 35_000;

const listeners = new Set<Listener>();

/** Calls the listener for every change, and with undefined when changes may have been missed. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(change: Change | undefined): void {
  for (const listener of listeners) listener(change);
}

/** Says that this page itself has changed something, which need not wait for the server to say so. */
export function changed(cluster: string, area: Area): void {
  tell({ cluster, area, revision: 0 });
}

/** Keeps one stream open for as long as somebody is signed in; comes back by itself, slower each time, at most every 15 s. */
export function follow(): void {
  let stop: AbortController | undefined;
  effect(() => {
    const signedIn = Boolean(session.value) && !leaving.value;
    stop?.abort();
    stop = undefined;
    if (!signedIn) return;
    const stream = new AbortController();
    stop = stream;
    // What the stream itself looks at must not start it again.
    untracked(() => void listen(stream.signal));
  });
}

async function listen(signal: AbortSignal): Promise<void> {
  let pause = 500;
  let missed = false;
  while (!signal.aborted) {
    const heard = await once(signal, () => {
      pause = 500;
      live.value = { on: true, since: new Date() };
      if (missed) tell(undefined);
    });
    if (signal.aborted) return;
    missed = true;
    if (live.value.on) live.value = { on: false, since: heard };
    await sleep(pause, signal);
    pause = Math.min(pause * 2, 15_000);
  }
}

/** Reads one connection to its end; returns when it was last heard. */
async function once(signal: AbortSignal, opened: () => void): Promise<Date> {
  const watchdog = new AbortController();
  let heard = live.value.on ? new Date() : live.value.since;
  let timer = setTimeout(() => watchdog.abort(), silence);
  try {
    const response = await fetch('/kanrin/v1/changes', {
      headers: { Accept: 'text/event-stream' },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.any([signal, watchdog.signal]),
    });
    if (response.status === 401) sessionEnded();
    if (!response.ok || !response.body) return heard;
    opened();
    for await (const data of eventsOf(response.body, () => {
      heard = new Date();
      clearTimeout(timer);
      timer = setTimeout(() => watchdog.abort(), silence);
    })) {
      const change = parse(data);
      if (change) tell(change);
    }
  } catch {
    // cut: the caller says since when and tries again
  } finally {
    clearTimeout(timer);
  }
  return heard;
}

function parse(data: string): Change | undefined {
  try {
    return JSON.parse(data) as Change;
  } catch {
    return undefined;
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export function concerns(watched: readonly Watched[], change: Change | undefined): boolean {
  if (change === undefined) return true;
  return watched.some((w) => w.area === change.area && (w.cluster === '*' || change.cluster === '' || w.cluster === change.cluster));
}
