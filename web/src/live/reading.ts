import { useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError, get } from '../api/client';
import { concerns, onChange, type Watched } from './changes';

/** What is known of something that is read from the server and read again when it changes. */
export interface Reading<T> {
  data: T | undefined;
  /** Why the last try failed; data is then what was known before. */
  error: ApiError | undefined;
  reload: () => void;
}

/** At most one reading of the same thing in this time: a drain changes pods many times a second. */
const pace = 1_000;

// What was read last, so that going back shows something at once. It is dropped at sign-out with the page's other state.
const kept = new Map<string, unknown>();
const keep = 60;

function remember(path: string, data: unknown): void {
  kept.delete(path);
  kept.set(path, data);
  for (const oldest of kept.keys()) {
    if (kept.size <= keep) break;
    kept.delete(oldest);
  }
}

export function forget(): void {
  kept.clear();
}

/** Reads a path now and whenever one of the watched areas changes; null reads nothing. */
export function useReading<T>(path: string | null, watched: readonly Watched[] = [], read: (path: string, abort: AbortSignal) => Promise<T> = get): Reading<T> {
  const [state, setState] = useState<{ path: string | null; data: T | undefined; error: ApiError | undefined }>({
    path: null,
    data: undefined,
    error: undefined,
  });
  const again = useRef<() => void>(() => undefined);
  const watch = useRef(watched);
  watch.current = watched;

  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    const loop = pacedReader(async () => {
      try {
        const data = await read(path, abort.signal);
        if (abort.signal.aborted) return;
        remember(path, data);
        setState({ path, data, error: undefined });
      } catch (failure) {
        if (abort.signal.aborted) return;
        const error = asApiError(failure);
        setState((s) => ({ path, data: s.path === path ? s.data : (kept.get(path) as T | undefined), error }));
      }
    });
    again.current = loop.now;
    loop.now();
    const off = onChange((change) => {
      if (concerns(watch.current, change)) loop.soon();
    });
    return () => {
      off();
      loop.stop();
      abort.abort();
    };
  }, [path]);

  const current = state.path === path;
  return {
    data: current ? state.data : path === null ? undefined : (kept.get(path) as T | undefined),
    error: current ? state.error : undefined,
    reload: () => again.current(),
  };
}

/** Reads again from time to time, while somebody looks: for what changes without the server saying so, such as a status that is counted. */
export function useRenewed(reload: () => void, seconds: number): void {
  const again = useRef(reload);
  again.current = reload;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) again.current();
    }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

export interface Paced {
  now: () => void;
  soon: () => void;
  stop: () => void;
}

/** Runs work one at a time: at once when asked `now`, paced when asked `soon`, and not at all while nobody looks at the page. */
export function pacedReader(work: () => Promise<void>): Paced {
  let running = false;
  let wanted = false;
  let stopped = false;
  let last = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const run = async () => {
    if (stopped) return;
    if (running) {
      wanted = true;
      return;
    }
    running = true;
    wanted = false;
    last = Date.now();
    await work();
    running = false;
    if (wanted) soon();
  };
  const soon = () => {
    if (stopped || timer !== undefined) return;
    if (running) {
      wanted = true;
      return;
    }
    if (document.hidden) {
      wanted = true;
      return;
    }
    timer = setTimeout(
      () => {
        timer = undefined;
        void run();
      },
      Math.max(0, last + pace - Date.now()),
    );
  };
  const shown = () => {
    if (!document.hidden && wanted && !running) soon();
  };
  document.addEventListener('visibilitychange', shown);
  return {
    now: () => void run(),
    soon,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    },
  };
}
