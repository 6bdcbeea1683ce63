import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, open, settled, signIn, visit, type Watched } from './browser';
import { url } from './server';

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

const names = () => w.page.locator('.window .on-name a').allTextContents();
const search = () => Object.fromEntries(new URL(w.page.url()).searchParams);

describe('the list of nodes', () => {
  it('shows all twelve, in order', async () => {
    await visit(w, '/clusters/demo/nodes');
    expect(await names()).toEqual(['cp-1', 'cp-2', 'cp-3', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', 'w8', 'w9']);
  });

  it('keeps filter and order in the address, and comes back to them', async () => {
    await visit(w, '/clusters/demo/nodes');
    await w.page.getByLabel('Zone', { exact: true }).selectOption('b');
    await w.page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
    await w.page.waitForURL(/sort=-name/);
    await settled(w.page);
    await expect.poll(names).toEqual(['w8', 'w5', 'w2', 'cp-2']);
    expect(search()).toEqual({ zone: 'b', sort: '-name' });
    await w.page.reload();
    await settled(w.page);
    await expect.poll(names).toEqual(['w8', 'w5', 'w2', 'cp-2']);
    expect(await w.page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort')).toBe('descending');
  });

  it('finds by what is typed, by keyboard alone', async () => {
    await visit(w, '/clusters/demo/nodes');
    await w.page.keyboard.press('/');
    await w.page.keyboard.type('cp-');
    await expect.poll(names).toEqual(['cp-1', 'cp-2', 'cp-3']);
    expect(search()).toEqual({ q: 'cp-' });
    await w.page.keyboard.press('Escape');
    await w.page.keyboard.press('j');
    await w.page.keyboard.press('j');
    await w.page.keyboard.press('Enter');
    await w.page.waitForURL(`${url}/clusters/demo/nodes/cp-2`);
    await w.page.goBack();
    await expect.poll(names).toEqual(['cp-1', 'cp-2', 'cp-3']);
  });

  it('says when nothing fits, and how to see everything again', async () => {
    await visit(w, '/clusters/demo/nodes?q=no-such-node');
    await w.page.getByText('Nothing fits this filter').waitFor();
    await w.page.getByRole('button', { name: 'Clear the filter' }).click();
    await expect.poll(async () => (await names()).length).toBe(12);
  });

  it('shows zones as columns', async () => {
    await visit(w, '/clusters/demo/nodes');
    await w.page.getByRole('button', { name: 'Zones' }).click();
    await expect.poll(() => w.page.locator('.zonemap .zone').count()).toBe(3);
    expect(await w.page.locator('.zonemap .node-tile').count()).toBe(12);
    expect(search()).toEqual({ view: 'zones' });
  });

  it('jumps between areas with g and a letter', async () => {
    await visit(w, '/clusters/demo/nodes');
    await w.page.keyboard.press('g');
    await w.page.keyboard.press('o');
    await w.page.getByRole('heading', { name: 'Overview' }).waitFor();
    await w.page.keyboard.press('g');
    await w.page.keyboard.press('n');
    await w.page.getByRole('heading', { name: 'Nodes' }).waitFor();
  });

  it('is found by the palette, too', async () => {
    await visit(w, '/');
    await w.page.keyboard.press('Control+k');
    await w.page.keyboard.type('w5');
    await w.page.getByRole('option', { name: 'w5 Nodes' }).waitFor();
    await w.page.keyboard.press('Enter');
    await w.page.waitForURL(`${url}/clusters/demo/nodes/w5`);
  });
});

describe('pods', () => {
  it('come in pages: rows that are not on screen do not exist', async () => {
    await visit(w, '/clusters/demo/pods');
    const total = Number(await w.page.locator('.paged').getAttribute('aria-rowcount')) - 1;
    expect(total).toBeGreaterThan(60);
    const drawn = await w.page.locator('.window .lrow').count();
    expect(drawn).toBeLessThan(60);
    await w.page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await expect.poll(() => w.page.locator(`.window .lrow[data-index="${total - 1}"] .on-name a`).count()).toBe(1);
  });

  it('of a node are those of the node', async () => {
    await visit(w, '/clusters/demo/nodes/w5');
    const nodes = await w.api.send<{ items: { node: string }[] }>('GET', '/kanrin/v1/clusters/demo/pods?node=w5&limit=200');
    await expect.poll(async () => Number(await w.page.locator('.paged').getAttribute('aria-rowcount')) - 1).toBe(nodes.body.items.length);
  });
});
