import { signal } from '@preact/signals';
import { skew } from '../api/client';

/** The server's time, ticking each second while somebody looks. */
export const second = signal(Date.now());

/** The same, each half minute: enough for what is minutes old. */
export const halfMinute = signal(Date.now());

export function startClock(): void {
  const tick = () => {
    if (document.hidden) return;
    const now = Date.now() + skew.value;
    second.value = now;
    if (now - halfMinute.value > 30_000 || now < halfMinute.value) halfMinute.value = now;
  };
  tick();
  setInterval(tick, 1_000);
  document.addEventListener('visibilitychange', tick);
}

/** Seconds since a time, following the clock as finely as its age asks for. */
export function secondsSince(at: string | Date): number {
  const then = typeof at === 'string' ? Date.parse(at) : at.getTime();
  const coarse = (halfMinute.value - then) / 1000;
  return coarse < 120 ? (second.value - then) / 1000 : coarse;
}
