import { signal } from '@preact/signals';
import type { Session } from './inventory';

/** Who is signed in; undefined while nobody has been asked, null when nobody is. */
export const session = signal<Session | null | undefined>(undefined);

/** Set when a session ended under the user's hands, so that the sign-in page can say so. */
export const ended = signal(false);

/** Set while somebody signs out: what listens in the background stops first, and is not refused for it. */
export const leaving = signal(false);

export function csrf(): string {
  return session.value?.csrf ?? '';
}

export function sessionEnded(): void {
  if (session.value) ended.value = true;
  session.value = null;
}
