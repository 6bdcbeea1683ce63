import { ApiError, get, post } from './client';
import type { Session } from './inventory';
import { ended, leaving, session } from './session';

/** Asks whether the cookie we may have still is a session. */
export async function restore(): Promise<void> {
  try {
    session.value = await get<Session>('/kanrin/v1/session');
  } catch (failure) {
    if (!(failure instanceof ApiError) || failure.code !== 401) throw failure;
    session.value = null;
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  session.value = await post<Session>('/kanrin/v1/login', { username, password }, { signIn: true });
  ended.value = false;
}

export async function signOut(): Promise<void> {
  leaving.value = true;
  try {
    await post<void>('/kanrin/v1/logout', {});
    ended.value = false;
    session.value = null;
  } finally {
    leaving.value = false;
  }
}

export async function changePassword(old: string, next: string): Promise<void> {
  await post<void>('/kanrin/v1/password', { old, new: next }, { signIn: true });
}
