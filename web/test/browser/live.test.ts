import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, open, signIn, visit, type Watched } from './browser';

let browser: Browser;
let w: Watched;
beforeAll(async () => {
  browser = await launch();
  w = await open(browser);
  await signIn(w);
});
afterAll(async () => {
  await w.close();
  await browser.close();
});

describe('what is on screen', () => {
  it('is live: an operation that somebody else asks for appears by itself', async () => {
    await visit(w, '/operations');
    await w.page.getByText('live', { exact: true }).waitFor();
    const name = await w.api.plan({ type: 'Cordon', cordon: { nodes: ['w2'] } });
    await w.page.locator(`.window a[title="${name}"]`).waitFor();
    await w.api.reach(name, 'Planned');
    await w.api.change(name, { cancelled: true });
    await w.page.locator('.window .lrow', { has: w.page.locator(`a[title="${name}"]`) }).getByText('cancelled', { exact: true }).waitFor();
  });

  it('does not move under the pointer: new rows wait until it leaves', async () => {
    await visit(w, '/operations');
    const rows = w.page.locator('.window .on-name a');
    const first = await rows.first().getAttribute('title');
    await rows.first().hover();
    const name = await w.api.plan({ type: 'Cordon', cordon: { nodes: ['w2'] } });
    await w.page.getByText('it is applied when the pointer leaves').waitFor();
    expect(await rows.first().getAttribute('title')).toBe(first);
    await w.page.mouse.move(5, 5);
    await expect.poll(() => rows.first().getAttribute('title')).toBe(name);
    await w.api.reach(name, 'Planned');
    await w.api.change(name, { cancelled: true });
  });

  it('says since when it is not, and is read again when the stream is back', async () => {
    w.expected.push(/ERR_FAILED/);
    await w.page.route('**/kanrin/v1/changes', (route) => route.abort());
    await visit(w, '/operations');
    await w.page.locator('.foot').getByText(/stale since \d\d:\d\d:\d\d/).waitFor();
    const name = await w.api.plan({ type: 'Cordon', cordon: { nodes: ['w2'] } });
    await w.page.unroute('**/kanrin/v1/changes');
    await w.page.getByText('live', { exact: true }).waitFor();
    await w.page.locator(`.window a[title="${name}"]`).waitFor();
    await w.api.reach(name, 'Planned');
    await w.api.change(name, { cancelled: true });
  });
});
