import { signal } from '@preact/signals';
import { segment } from './api/client';

/** Where we are: the address is the only place that knows the page, its filters and its order. */
export interface Place {
  path: string;
  query: URLSearchParams;
}

export const place = signal<Place>(read());

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Goes to a path of the console; the language of the address, if it names one, stays. */
export function go(to: string, options: { replace?: boolean } = {}): void {
  const url = new URL(to, location.origin);
  const asked = place.value.query.get('lang');
  if (asked && !url.searchParams.has('lang')) url.searchParams.set('lang', asked);
  if (options.replace) history.replaceState(history.state, '', url);
  else {
    keepScroll();
    history.pushState({ y: 0 }, '', url);
  }
  const before = place.value.path;
  place.value = read();
  if (!options.replace && before !== place.value.path) window.scrollTo(0, 0);
}

/** Changes parameters of the address in place; an empty value takes the parameter out. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const q = new URLSearchParams(place.value.query);
  for (const [k, v] of Object.entries(changes)) {
    if (v === undefined || v === '') q.delete(k);
    else q.set(k, v);
  }
  const s = q.toString();
  go(`${location.pathname}${s === '' ? '' : `?${s}`}`, { replace: true });
}

function keepScroll(): void {
  history.replaceState({ ...(history.state as object | null), y: window.scrollY }, '');
}

/** Follows the history and turns clicks on links of ours into steps without a page load. */
export function startRouting(): void {
  history.scrollRestoration = 'manual';
  window.addEventListener('popstate', (event) => {
    place.value = read();
    const y = (event.state as { y?: number } | null)?.y ?? 0;
    // The page is drawn from what was kept in the same frame; the second frame finds its full height.
    requestAnimationFrame(() => requestAnimationFrame(() => window.scrollTo(0, y)));
  });
  window.addEventListener('pagehide', keepScroll);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}

/** The addresses of the console. */
export const to = {
  overview: () => '/',
  clusters: () => '/clusters',
  cluster: (c: string) => `/clusters/${segment(c)}`,
  capacity: (c: string, lose?: string) => `/clusters/${segment(c)}/capacity${lose === undefined ? '' : `?lose=${segment(lose)}`}`,
  nodes: (c: string, q = '') => `/clusters/${segment(c)}/nodes${q}`,
  node: (c: string, n: string) => `/clusters/${segment(c)}/nodes/${segment(n)}`,
  hosts: (c: string, q = '') => `/clusters/${segment(c)}/hosts${q}`,
  host: (c: string, n: string) => `/clusters/${segment(c)}/hosts/${segment(n)}`,
  workloads: (c: string, q = '') => `/clusters/${segment(c)}/workloads${q}`,
  workload: (c: string, kind: string, ns: string, n: string) => `/clusters/${segment(c)}/workloads/${segment(kind)}/${segment(ns)}/${segment(n)}`,
  pods: (c: string, q = '') => `/clusters/${segment(c)}/pods${q}`,
  pod: (c: string, ns: string, n: string) => `/clusters/${segment(c)}/pods/${segment(ns)}/${segment(n)}`,
  operations: (q = '') => `/operations${q}`,
  operation: (c: string, n: string) => `/clusters/${segment(c)}/operations/${segment(n)}`,
  allBackups: () => '/backups',
  backups: (c: string, q = '') => `/clusters/${segment(c)}/backups${q}`,
  backup: (c: string, n: string) => `/clusters/${segment(c)}/backups/${segment(n)}`,
  history: (c: string, q = '') => `/clusters/${segment(c)}/history${q}`,
  users: () => '/users',
};
