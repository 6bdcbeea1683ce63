import { Component } from 'preact';
import { t } from '../lang';
import { Cells, type Column, type Selection } from './columns';

interface Props<T> {
  row: T | undefined;
  rowKey: string;
  index: number;
  top: number;
  chosen: boolean;
  columns: readonly Column<T>[];
  selection: Selection<T> | undefined;
  /** Set where heights differ (cards): called with the row's element. */
  measure: ((element: Element | null) => void) | undefined;
}

/** One row of a virtual list. While the list scrolls, rows that stay on screen are not drawn again: nothing of theirs changes. */
export class Row<T> extends Component<Props<T>> {
  override shouldComponentUpdate(next: Props<T>): boolean {
    const now = this.props;
    return (
      now.row !== next.row || now.index !== next.index || now.top !== next.top || now.chosen !== next.chosen || now.columns !== next.columns || now.measure !== next.measure
    );
  }

  render({ row, rowKey, index, top, chosen, columns, selection, measure }: Props<T>) {
    return (
      <div role="row" class={`lrow ${chosen ? 'chosen' : ''}`} data-index={index} aria-rowindex={index + 2} ref={measure} style={{ transform: `translateY(${top}px)` }}>
        {row === undefined ? (
          <div role="cell" class="cell absent">
            <span class="sr">{t('list.coming')}</span>
          </div>
        ) : (
          <Cells row={row} columns={columns} selection={selection} rowKey={rowKey} />
        )}
      </div>
    );
  }
}
