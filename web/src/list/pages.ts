import { type ApiError, asApiError } from '../api/client';
import type { Page } from '../api/inventory';

/** Rows fetched per request. */
export const pageSize = 100;

export type Fetch<T> = (offset: number, limit: number, abort: AbortSignal) => Promise<Page<T>>;

/**
 * The pages of one long list that are known, and the ones that are wanted. While it is held (the pointer is over the list), rows are
 * renewed where they stand but none moves: a new order waits for the release. Invariant: `row(i)` never changes its key while held.
 */
export class Pages<T> {
  total: number | undefined;
  staleSince: string | undefined;
  error: ApiError | undefined;

  private readonly pages = new Map<number, T[]>();
  private readonly dirty = new Set<number>();
  private readonly asking = new Set<number>();
  private waiting = new Map<number, Page<T>>();
  private readonly abort = new AbortController();
  private held = false;
  private first = 0;
  private last = 0;

  constructor(
    private readonly fetch: Fetch<T>,
    private readonly keyOf: (row: T) => string,
    private readonly onUpdate: () => void,
  ) {}

  row(i: number): T | undefined {
    return this.pages.get(Math.floor(i / pageSize))?.[i % pageSize];
  }

  /** How many rows are known; only they can have been chosen. */
  *known(): Generator<T> {
    for (const page of this.pages.values()) yield* page;
  }

  /** Whether a new order waits for the release. */
  get behind(): boolean {
    return this.waiting.size > 0;
  }

  /** Says which rows are on screen; their pages, and those half a page away, are fetched when they are unknown or out of date. */
  want(first: number, last: number): void {
    this.first = Math.max(0, first);
    this.last = Math.max(this.first, last);
    const near = pageSize / 2;
    const end = Math.min(this.last + near, Math.max(this.last, (this.total ?? 0) - 1));
    for (let p = Math.floor(Math.max(0, this.first - near) / pageSize); p <= Math.floor(end / pageSize); p++) {
      if (!this.pages.has(p) || this.dirty.has(p)) void this.ask(p);
    }
  }

  /** Says that any row may have changed. Resolves when what is on screen is fresh. */
  async changed(): Promise<void> {
    for (const p of this.pages.keys()) this.dirty.add(p);
    const seen: Promise<void>[] = [];
    for (let p = Math.floor(this.first / pageSize); p <= Math.floor(this.last / pageSize); p++) {
      this.dirty.add(p);
      seen.push(this.ask(p));
    }
    await Promise.all(seen);
  }

  hold(on: boolean): void {
    this.held = on;
    if (on || this.waiting.size === 0) return;
    const waiting = this.waiting;
    this.waiting = new Map();
    for (const [p, page] of waiting) this.place(p, page);
    this.onUpdate();
  }

  stop(): void {
    this.abort.abort();
  }

  private async ask(p: number): Promise<void> {
    if (this.asking.has(p)) return;
    this.asking.add(p);
    this.dirty.delete(p);
    try {
      const page = await this.fetch(p * pageSize, pageSize, this.abort.signal);
      if (this.abort.signal.aborted) return;
      this.error = undefined;
      this.staleSince = page.staleSince;
      this.take(p, page);
    } catch (failure) {
      if (this.abort.signal.aborted) return;
      this.dirty.add(p);
      this.error = asApiError(failure);
    } finally {
      this.asking.delete(p);
    }
    this.onUpdate();
  }

  private take(p: number, page: Page<T>): void {
    const old = this.pages.get(p);
    const rows = page.items ?? [];
    const same = old !== undefined && this.total === page.total && old.length === rows.length && old.every((row, i) => this.keyOf(row) === this.keyOf(rows[i] as T));
    if (!this.held || old === undefined || same) {
      this.waiting.delete(p);
      this.place(p, page);
      return;
    }
    const fresh = new Map(rows.map((row) => [this.keyOf(row), row]));
    for (const [n, known] of this.pages) {
      this.pages.set(
        n,
        known.map((row) => fresh.get(this.keyOf(row)) ?? row),
      );
    }
    this.waiting.set(p, page);
  }

  private place(p: number, page: Page<T>): void {
    this.pages.set(p, page.items ?? []);
    this.total = page.total;
    const lastPage = Math.ceil(page.total / pageSize);
    for (const n of this.pages.keys()) if (n > 0 && n >= lastPage) this.pages.delete(n);
  }
}
