import { signal } from '@preact/signals';
import { csrf, sessionEnded } from './session';

/** An answer that is not the one asked for: a metav1.Status of the server, or what happened on the way to it. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: StatusDetails = {},
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

export function asApiError(failure: unknown): ApiError {
  return failure instanceof ApiError ? failure : new ApiError(0, 'Unreadable', failure instanceof Error ? failure.message : String(failure));
}

interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

interface Status {
  kind: 'Status';
  reason?: string;
  message?: string;
  code?: number;
  details?: StatusDetails;
}

/** How far the server's clock is ahead of ours, in milliseconds: "since" is said in the server's time. */
export const skew = signal(0);

/** Past this a server that does not answer is called one that does not answer. */
const deadline = 20_000;

interface Options {
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal | undefined;
  accept?: string;
  /** A 401 of the sign-in itself does not end a session. */
  signIn?: boolean;
}

export async function get<T>(path: string, abort?: AbortSignal): Promise<T> {
  return (await send('GET', path, { signal: abort })).json() as Promise<T>;
}

/** An object as YAML, from a view or from the kube-style API. */
export async function getText(path: string, abort?: AbortSignal): Promise<string> {
  return (await send('GET', path, { signal: abort, accept: 'application/yaml, text/yaml;q=0.9' })).text();
}

export async function post<T>(path: string, body: unknown, options: Options = {}): Promise<T> {
  return answer<T>(await send('POST', path, { ...options, body }));
}

export async function mergePatch<T>(path: string, body: unknown): Promise<T> {
  return answer<T>(await send('PATCH', path, { body, contentType: 'application/merge-patch+json' }));
}

export async function remove(path: string): Promise<void> {
  await send('DELETE', path, {});
}

async function answer<T>(response: Response): Promise<T> {
  const body = await response.text();
  return (body === '' ? undefined : JSON.parse(body)) as T;
}

async function send(method: string, path: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = options.contentType ?? 'application/json';
  if (method !== 'GET' && csrf()) headers['X-Kanrin-Csrf'] = csrf();
  const limit = AbortSignal.timeout(deadline);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError(0, limit.aborted ? 'NoAnswer' : 'Unreachable', cause instanceof Error ? cause.message : String(cause));
  }
  const stamp = Date.parse(response.headers.get('Date') ?? '');
  if (!Number.isNaN(stamp)) {
    // Date has whole seconds: only a difference that cannot come from that is one.
    const ahead = stamp + 500 - Date.now();
    skew.value = Math.abs(ahead) > 2_000 ? ahead : 0;
  }
  if (response.ok) return response;
  const failure = await toError(response);
  if (failure.code === 401 && !options.signIn) sessionEnded();
  throw failure;
}

async function toError(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('Retry-After') ?? 0) || 0;
  try {
    const status = (await response.json()) as Status;
    return new ApiError(
      response.status,
      status.reason ?? '',
      status.message ?? response.statusText,
      status.details ?? {},
      retryAfter || status.details?.retryAfterSeconds || 0,
    );
  } catch {
    return new ApiError(response.status, '', response.statusText); // not a Status: a proxy in between
  }
}

/** A query string that leaves out what is empty, in a stable order. */
export function query(params: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== '') q.set(k, String(v));
  const s = q.toString();
  return s === '' ? '' : `?${s}`;
}

export const segment = encodeURIComponent;
