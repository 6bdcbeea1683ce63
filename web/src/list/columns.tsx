import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from '../parts/icon';
import { t } from '../lang';
import { place, setQuery } from '../route';

/** One column of a list. On a narrow screen a row becomes a card, and `card` says where the cell goes. */
export interface Column<T> {
  /** Also the server's name for sorting by it. */
  id: string;
  head: string;
  /** A grid track, such as "minmax(0, 2fr)" or "96px"; the same for all rows. */
  width: string;
  cell: (row: T) => ComponentChildren;
  sort?: boolean;
  /** Numbers are set to the right. */
  num?: boolean;
  /** name: first line, left · state: first line, right · meta (default): below, with its head before it · hide: not there. */
  card?: 'name' | 'state' | 'meta' | 'line' | 'hide';
}

/** What is chosen in a list, by key, so that it survives paging and changes. */
export interface Selection<T> {
  has: (key: string) => boolean;
  toggle: (row: T) => void;
  label: (row: T) => string;
}

export function tracks<T>(columns: readonly Column<T>[], selectable: boolean): string {
  return [...(selectable ? ['24px'] : []), ...columns.map((c) => c.width)].join(' ');
}

export function HeadRow<T>({ columns, selectable, initial }: { columns: readonly Column<T>[]; selectable?: boolean; initial?: string }) {
  const sorted = place.value.query.get('sort') ?? initial ?? '';
  return (
    <div role="row" class="lrow lhead" aria-rowindex={1}>
      {selectable && (
        <div role="columnheader" class="cell pickcell">
          <span class="sr">{t('list.choose')}</span>
        </div>
      )}
      {columns.map((c) => {
        const down = sorted === `-${c.id}`;
        const up = sorted === c.id;
        return (
          <div key={c.id} role="columnheader" class={`cell ${c.num ? 'num' : ''}`} aria-sort={up ? 'ascending' : down ? 'descending' : c.sort ? 'none' : undefined}>
            {c.sort ? (
              <button type="button" class={`sort ${up || down ? 'on' : ''}`} onClick={() => setQuery({ sort: up ? `-${c.id}` : c.id })}>
                {c.head}
                {(up || down) && <Icon name={up ? 'up' : 'sortdown'} size={12} />}
              </button>
            ) : (
              c.head
            )}
          </div>
        );
      })}
    </div>
  );
}

/** The order of a list as a choice, where its rows are cards and there is no head to press. */
export function SortPick<T>({ columns, initial }: { columns: readonly Column<T>[]; initial?: string }) {
  const id = useId();
  const sorted = place.value.query.get('sort') ?? initial ?? '';
  const sortable = columns.filter((c) => c.sort);
  if (sortable.length === 0) return null;
  return (
    <span class="pick sort-pick">
      <label for={id}>{t('list.sort')}</label>
      <select id={id} value={sorted} onChange={(e) => setQuery({ sort: e.currentTarget.value })}>
        {sortable.flatMap((c) => [
          <option key={c.id} value={c.id}>
            {c.head} ↑
          </option>,
          <option key={`-${c.id}`} value={`-${c.id}`}>
            {c.head} ↓
          </option>,
        ])}
      </select>
    </span>
  );
}

export function Cells<T>({ row, columns, selection, rowKey }: { row: T; columns: readonly Column<T>[]; selection?: Selection<T> | undefined; rowKey: string }) {
  return (
    <>
      {selection && (
        <div role="cell" class="cell pickcell">
          <input type="checkbox" checked={selection.has(rowKey)} aria-label={selection.label(row)} onChange={() => selection.toggle(row)} />
        </div>
      )}
      {columns.map((c) => (
        <div key={c.id} role="cell" class={`cell ${c.num ? 'num' : ''} on-${c.card ?? 'meta'} col-${c.id}`} data-label={c.head}>
          {c.cell(row)}
        </div>
      ))}
    </>
  );
}
