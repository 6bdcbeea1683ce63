import { useEffect, useMemo, useReducer } from 'preact/hooks';
import { get } from '../api/client';
import type { Page } from '../api/inventory';
import { concerns, onChange, type Watched } from '../live/changes';
import { pacedReader } from '../live/reading';
import { type Fetch, Pages } from './pages';

/**
 * The pages behind a path such as /kanrin/v1/clusters/demo/pods?sort=name, fresh whenever a watched area changes. `fetch` reads them
 * where the server does not page; it must not change without the path.
 */
export function usePages<T>(path: string, watched: readonly Watched[], keyOf: (row: T) => string, fetch?: Fetch<T>): Pages<T> {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const pages = useMemo(
    () =>
      new Pages<T>(
        fetch ?? ((offset, limit, abort) => get<Page<T>>(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}&offset=${offset}`, abort)),
        keyOf,
        () => redraw(undefined),
      ),
    [path],
  );
  useEffect(() => {
    const reader = pacedReader(() => pages.changed());
    const off = onChange((change) => {
      if (concerns(watched, change)) reader.soon();
    });
    return () => {
      off();
      reader.stop();
      pages.stop();
    };
  }, [pages]);
  return pages;
}
