import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Watched } from '../live/changes';
import { bind } from '../keys';
import { t } from '../lang';
import { count as grouped } from '../format';
import { Failure, Loading } from '../parts/states';
import { Ago } from '../parts/time';
import { narrow } from '../narrow';
import { type Column, HeadRow, type Selection, SortPick, tracks } from './columns';
import type { Fetch } from './pages';
import { Row } from './row';
import { usePages } from './usepages';
import { useVirtual } from './usevirtual';

interface Props<T> {
  label: string;
  path: string;
  watched: readonly Watched[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  selection?: Selection<T>;
  /** The order that the server uses when none is asked for, for the arrow in the head. */
  initial?: string;
  /** What stands there when there is no row: one text for nothing at all, another for nothing that fits the filter. */
  empty: ComponentChildren;
  onTotal?: (total: number | undefined) => void;
  /** Reads the pages where the server does not page. */
  fetch?: Fetch<T>;
}

const rowHeight = 33;
const cardHeight = 96;

/** A list of any length: the server pages, sorts and filters; only the rows on screen exist. */
export function PagedList<T>(props: Props<T>) {
  const { label, path, watched, columns, rowKey, selection, empty, onTotal } = props;
  const pages = usePages<T>(path, watched, rowKey, props.fetch);
  const [body, setBody] = useState<HTMLElement | null>(null);
  const total = pages.total ?? 0;
  const virtual = useVirtual(total, narrow.value ? cardHeight : rowHeight, body);
  const active = useRef(-1);
  const focusNext = useRef(false);

  // Pages that were read at different moments may both hold a row; on screen it stands once under its own key.
  const drawn = new Set<string>();

  const first = virtual.items[0]?.index ?? 0;
  const last = virtual.items.at(-1)?.index ?? first;
  useEffect(() => pages.want(first, last), [pages, first, last]);
  useEffect(() => onTotal?.(pages.total), [pages.total]);

  useEffect(() => {
    active.current = -1; // another list begins at its first row
  }, [pages]);
  // Keys are bound once; they act on what is there when they are pressed.
  const step = (by: number) => {
    if (total === 0) return;
    active.current = Math.min(total - 1, Math.max(0, active.current + by));
    focusNext.current = true;
    virtual.reveal(active.current);
    focusActive();
  };
  const choose = () => {
    const row = pages.row(active.current);
    if (row && selection) selection.toggle(row);
  };
  const keys = useRef({ step, choose });
  keys.current = { step, choose };
  useLayoutEffect(() => {
    const off = [bind(['j'], () => keys.current.step(1)), bind(['k'], () => keys.current.step(-1)), bind(['x'], () => keys.current.choose())];
    return () => off.forEach((f) => f());
  }, []);

  const focusActive = () => {
    const link = body?.querySelector<HTMLElement>(`[data-index="${active.current}"] .on-name a`);
    if (!link) return;
    focusNext.current = false;
    link.focus({ preventScroll: true });
  };
  useEffect(() => {
    if (focusNext.current) focusActive();
  });

  if (pages.total === undefined) {
    if (pages.error) return <Failure error={pages.error} retry={() => void pages.changed()} what={label} />;
    return <Loading what={label} rows={8} />;
  }
  return (
    <>
      {pages.error && <Failure error={pages.error} retry={() => void pages.changed()} what={label} />}
      {pages.staleSince && (
        <p class="notice warn" role="status">
          {t('list.stale')} <Ago at={pages.staleSince} />
        </p>
      )}
      {narrow.value && total > 1 && <SortPick columns={columns} initial={props.initial ?? ''} />}
      {total === 0 ? (
        empty
      ) : (
        <div
          class="list paged"
          role="table"
          aria-label={label}
          aria-rowcount={total + 1}
          style={{ '--tracks': tracks(columns, selection !== undefined) }}
          onPointerEnter={(e) => e.pointerType === 'mouse' && pages.hold(true)}
          onPointerLeave={() => pages.hold(false)}
        >
          <div role="rowgroup" class="sticky">
            <HeadRow columns={columns} selectable={selection !== undefined} initial={props.initial ?? ''} />
          </div>
          <div
            role="rowgroup"
            class="window"
            ref={setBody}
            style={{ height: `${virtual.height}px` }}
            onFocusIn={(e) => {
              const at = (e.target as Element).closest('[data-index]')?.getAttribute('data-index');
              if (at) active.current = Number(at);
            }}
          >
            {virtual.items.map((item) => {
              const row = pages.row(item.index);
              const key = row === undefined ? '' : rowKey(row);
              const own = row === undefined || drawn.has(key) ? `#${item.index}` : key;
              drawn.add(key);
              return (
                <Row<T>
                  key={own}
                  row={row}
                  rowKey={key}
                  index={item.index}
                  top={item.start - virtual.margin}
                  chosen={selection?.has(key) ?? false}
                  columns={columns}
                  selection={selection}
                  measure={narrow.value ? virtual.measure : undefined}
                />
              );
            })}
          </div>
        </div>
      )}
      {total > 0 && (
        <p class="list-foot" aria-live="polite">
          {t('list.total', { n: grouped(total) })}
          {pages.behind && <span class="held"> · {t('list.held')}</span>}
        </p>
      )}
    </>
  );
}
