import { describe, expect, it, vi } from 'vitest';
import type { Page } from '../../src/api/inventory';
import { pageSize, Pages } from '../../src/list/pages';

interface Row {
  key: string;
  value: number;
}

/** A server that holds rows and answers pages of them when told to. */
class Source {
  rows: Row[];
  asked: number[] = [];
  private open: (() => void)[] = [];
  slow = false;

  constructor(n: number) {
    this.rows = Array.from({ length: n }, (_, i) => ({ key: `row-${i}`, value: 0 }));
  }

  fetch = async (offset: number, limit: number): Promise<Page<Row>> => {
    this.asked.push(offset);
    if (this.slow) await new Promise<void>((resolve) => this.open.push(resolve));
    return { items: this.rows.slice(offset, offset + limit).map((r) => ({ ...r })), total: this.rows.length, offset, revision: 1 };
  };

  answer(): void {
    for (const open of this.open.splice(0)) open();
  }
}

const make = (source: Source) => {
  const update = vi.fn();
  return { pages: new Pages<Row>(source.fetch, (r) => r.key, update), update };
};

describe('the pages of a long list', () => {
  it('asks for what is on screen and nothing else', async () => {
    const source = new Source(10_000);
    const { pages, update } = make(source);
    pages.want(0, 40);
    await vi.waitFor(() => expect(pages.total).toBe(10_000));
    pages.want(5_950, 6_010);
    await vi.waitFor(() => expect(pages.row(6_010)?.key).toBe('row-6010'));
    expect(source.asked).toEqual([0, 5_900, 6_000]);
    expect(pages.row(300)).toBeUndefined();
    expect(update).toHaveBeenCalled();
  });

  it('asks once while an answer is under way', async () => {
    const source = new Source(50);
    source.slow = true;
    const { pages } = make(source);
    pages.want(0, 10);
    pages.want(0, 20);
    source.answer();
    await vi.waitFor(() => expect(pages.total).toBe(50));
    expect(source.asked).toEqual([0]);
  });

  it('reads again only what is on screen when something changed, and the rest when it is come to', async () => {
    const source = new Source(1_000);
    const { pages } = make(source);
    pages.want(0, 10);
    await vi.waitFor(() => expect(pages.total).toBe(1_000));
    pages.want(500, 510);
    await vi.waitFor(() => expect(pages.row(500)).toBeDefined());
    source.rows.forEach((r) => r.value++);
    await pages.changed();
    expect(pages.row(500)?.value).toBe(1);
    expect(pages.row(0)?.value).toBe(0);
    pages.want(0, 10);
    await vi.waitFor(() => expect(pages.row(0)?.value).toBe(1));
  });

  it('renews rows in place while held and moves them on release', async () => {
    const source = new Source(3);
    const { pages } = make(source);
    pages.want(0, 3);
    await vi.waitFor(() => expect(pages.total).toBe(3));
    pages.hold(true);
    source.rows = [
      { key: 'row-2', value: 7 },
      { key: 'row-0', value: 8 },
    ];
    await pages.changed();
    expect([0, 1, 2].map((i) => pages.row(i)?.key)).toEqual(['row-0', 'row-1', 'row-2']);
    expect([0, 1, 2].map((i) => pages.row(i)?.value)).toEqual([8, 0, 7]);
    expect(pages.total).toBe(3);
    expect(pages.behind).toBe(true);
    pages.hold(false);
    expect([0, 1].map((i) => pages.row(i)?.key)).toEqual(['row-2', 'row-0']);
    expect(pages.total).toBe(2);
    expect(pages.behind).toBe(false);
  });

  it('is not behind when only values changed', async () => {
    const source = new Source(3);
    const { pages } = make(source);
    pages.want(0, 3);
    await vi.waitFor(() => expect(pages.total).toBe(3));
    pages.hold(true);
    source.rows.forEach((r) => (r.value = 5));
    await pages.changed();
    expect(pages.row(1)?.value).toBe(5);
    expect(pages.behind).toBe(false);
  });

  it('keeps what was known when reading fails, and says why', async () => {
    const source = new Source(3);
    const { pages } = make(source);
    pages.want(0, 3);
    await vi.waitFor(() => expect(pages.total).toBe(3));
    source.fetch = async () => {
      throw new Error('cut');
    };
    const broken = new Pages<Row>(source.fetch, (r) => r.key, () => undefined);
    broken.want(0, 3);
    await vi.waitFor(() => expect(broken.error?.message).toBe('cut'));
    expect(broken.total).toBeUndefined();
    expect(pages.row(0)).toBeDefined();
  });

  it('forgets pages past the end', async () => {
    const source = new Source(pageSize * 3);
    const { pages } = make(source);
    pages.want(0, 10);
    pages.want(pageSize * 2, pageSize * 2 + 10);
    await vi.waitFor(() => expect(pages.row(pageSize * 2)).toBeDefined());
    source.rows.length = 10;
    pages.want(0, 10);
    await pages.changed();
    expect(pages.total).toBe(10);
    expect([...pages.known()].length).toBe(10);
  });
});
