import { type Column, Cells, HeadRow, tracks } from './columns';

interface Props<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
}

/** A short list that is all there; long ones are PagedList. */
export function List<T>({ label, rows, columns, rowKey }: Props<T>) {
  return (
    <div class="list" role="table" aria-label={label} aria-rowcount={rows.length + 1} style={{ '--tracks': tracks(columns, false) }}>
      <div role="rowgroup">
        <HeadRow columns={columns} />
      </div>
      <div role="rowgroup">
        {rows.map((row, i) => (
          <div role="row" class="lrow" key={rowKey(row)} aria-rowindex={i + 2}>
            <Cells row={row} columns={columns} rowKey={rowKey(row)} />
          </div>
        ))}
      </div>
    </div>
  );
}
