import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Node } from '../../src/api/inventory';
import { launch, open, settled, signIn, visit, type Watched } from './browser';
import { url } from './server';

// A node with a pod of shop/web cannot be drained: the workload's budget asks for all of its replicas.

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

const button = (name: string) => w.page.getByRole('button', { name, exact: true });
const dialog = () => w.page.getByRole('dialog');
const nameOfOperation = () => new URL(w.page.url()).pathname.split('/').at(-1) ?? '';
const node = async (name: string) => (await w.api.send<Node>('GET', `/kanrin/v1/clusters/demo/nodes/${name}`)).body;

async function approve(): Promise<void> {
  await button('Approve…').click();
  const status = (await w.api.operation(nameOfOperation())).status;
  expect(await dialog().locator('.digest').textContent()).toBe(status?.plan?.digest ?? 'no plan');
  // A plan that deletes something wants its target typed.
  const typed = dialog().getByRole('textbox');
  if ((await typed.count()) > 0) await typed.fill(status?.target ?? '');
  await dialog().getByRole('button', { name: 'Approve and run' }).click();
}

describe('a drain that is blocked', () => {
  let blocked: string;
  let target: string;

  beforeAll(async () => {
    await w.api.quiet();
    // Pods of these two block a drain for other reasons, for which there is no such way round.
    const others = [...(await w.api.nodesOf('Deployment/shop/checkout')), ...(await w.api.nodesOf('Pod/batch/adhoc-import'))];
    const found = (await w.api.nodesOf('Deployment/shop/web')).find((n) => !others.includes(n));
    if (!found) throw new Error('no node of the demo is blocked by shop/web alone');
    target = found;
  });

  it('is planned from the list of nodes, and says what blocks it', async () => {
    await visit(w, '/clusters/demo/nodes');
    await w.page.getByRole('checkbox', { name: `Choose ${target}` }).check();
    await button('Drain…').click();
    expect(await dialog().locator('pre').textContent()).toBe(`kanrin drain ${target} --cluster demo`);
    await dialog().getByRole('button', { name: 'Make a plan' }).click();
    await w.page.waitForURL(/\/clusters\/demo\/operations\/drain-/);
    blocked = nameOfOperation();
    await w.page.locator('.find.crit').waitFor();
    expect(await w.page.locator('.find.crit').textContent()).toContain('shop/web can never be met');
    const why = button('Approve…');
    expect(await why.getAttribute('aria-disabled')).toBe('true');
    await why.hover();
    await w.page.getByText('The plan has 1 blocker.').waitFor({ state: 'visible' });
    expect((await new AxeBuilder({ page: w.page }).analyze()).violations.map((v) => v.id)).toEqual([]);
  });

  it('wants the pod typed before it would be deleted', async () => {
    await w.page.locator('.find.crit').getByRole('button', { name: 'Delete instead…' }).click();
    const make = dialog().getByRole('button', { name: 'Make a plan' });
    expect(await make.getAttribute('aria-disabled')).toBe('true');
    await dialog().getByRole('textbox').fill('shop/another');
    expect(await make.getAttribute('aria-disabled')).toBe('true');
    await w.page.keyboard.press('Escape');
    expect(nameOfOperation()).toBe(blocked);
  });

  it('has a way round, which leads to a new plan without the blocker', async () => {
    await w.page.locator('.find.crit').getByRole('button', { name: 'One replica more meanwhile' }).click();
    await w.page.waitForURL((to) => !to.pathname.endsWith(`/${blocked}`));
    await w.page.locator('.crumbs', { hasText: nameOfOperation() }).waitFor();
    await w.page.locator('.timeline').waitFor();
    expect(await w.page.locator('.find.crit').count()).toBe(0);
    expect((await w.api.operation(nameOfOperation())).spec.drain).toMatchObject({ nodes: [target], surge: ['shop/web'] });
    await w.api.reach(blocked, 'Cancelled');
  });

  it('runs to its end once it is approved, live, and reports', async () => {
    await approve();
    await w.page.locator('.step.now').first().waitFor();
    await w.page.locator('.report').waitFor({ timeout: 150_000 });
    const op = await w.api.operation(nameOfOperation());
    expect(op.status?.phase).toBe('Succeeded');
    expect(op.status?.approval?.by).toBe('admin');
    expect(await w.page.locator('.timeline .sign.done, .timeline .sign.skipped').count()).toBe(op.status?.plan?.steps?.length);
    expect(await w.page.locator('.log').count()).toBeGreaterThan(5);
    expect((await node(target)).unschedulable).toBe(true);
    expect((await new AxeBuilder({ page: w.page }).analyze()).violations.map((v) => v.id)).toEqual([]);
  });

  it('shows the same report in Japanese', async () => {
    await w.page.getByRole('button', { name: '日本語' }).click();
    await w.page.getByRole('heading', { name: /^ドレイン/ }).waitFor();
    expect(await w.page.locator('.report').textContent()).toMatch(/予測.*所要時間/);
    await w.page.getByRole('button', { name: 'EN' }).click();
    await w.page.getByRole('heading', { name: /^Drain/ }).waitFor();
  });

  it('lists the pods that left, and copies a link to itself', async () => {
    await button('Pods').click();
    await settled(w.page);
    const moved = (await w.api.operation(nameOfOperation())).status?.plan?.steps?.reduce((n, step) => n + (step.members ?? 0), 0) ?? 0;
    expect(moved).toBeGreaterThan(0);
    await expect.poll(() => w.page.locator('.window .on-name a').count()).toBe(moved);
    await button('Copy link').click();
    await button('Copied').waitFor();
    expect(await w.page.evaluate(() => navigator.clipboard.readText())).toBe(`${url}/clusters/demo/operations/${nameOfOperation()}`);
  });

  it('offers the inverse, which brings the node back', async () => {
    await button('Uncordon again…').click();
    await dialog().getByRole('button', { name: 'Make a plan' }).click();
    await w.page.waitForURL(/\/operations\/uncordon-/);
    await w.page.locator('.timeline').waitFor();
    await approve();
    await w.api.reach(nameOfOperation(), 'Succeeded');
    await expect.poll(async () => (await node(target)).unschedulable ?? false).toBe(false);
    await w.page.getByText('done', { exact: true }).first().waitFor();
  });
});

describe('a running drain', () => {
  it('pauses, resumes, and when it is cancelled puts the node back', async () => {
    const { name, node: target } = await w.api.planDrainThatWaits();
    await visit(w, `/clusters/demo/operations/${name}`);
    await approve();
    await w.api.reachWaiting(name);
    await button('Pause').click();
    await w.api.reach(name, 'Paused');
    await w.page.getByText('paused', { exact: true }).waitFor();
    expect((await node(target)).unschedulable).toBe(true);

    await button('Resume').click();
    await w.api.reach(name, 'Running');
    await button('Cancel…').click();
    await dialog().getByRole('button', { name: 'Stop and undo' }).click();
    await w.api.reach(name, 'Cancelled');
    await w.page.getByText('cancelled', { exact: true }).waitFor();
    await expect.poll(async () => (await node(target)).unschedulable ?? false).toBe(false);
    await expect.poll(() => w.page.locator('.sign.undone').count()).toBeGreaterThan(0);
  });

  it('that is approved while another is at work is refused, with the reason on its page', async () => {
    const { name: first, node: busy } = await w.api.planDrainThatWaits();
    await w.api.approve(first);
    await w.api.reachWaiting(first);
    const second = await w.api.planAnotherDrain(busy);
    await visit(w, `/clusters/demo/operations/${second}`);
    await approve();
    await w.page.locator('.standing', { hasText: first }).waitFor();
    await expect.poll(async () => (await w.api.operation(second)).spec.approvedPlan).toBe('');
    for (const name of [second, first]) {
      await w.api.change(name, { cancelled: true });
      await w.api.reach(name, 'Cancelled');
    }
  });
});

describe('a request that makes no sense', () => {
  it('fails with its reason and what to do', async () => {
    const name = await w.api.plan({ type: 'Drain', drain: { nodes: ['w99'] } });
    await w.api.reach(name, 'Failed');
    await visit(w, `/clusters/demo/operations/${name}`);
    await w.page.locator('.standing').getByText('node w99 does not exist').waitFor();
  });
});
