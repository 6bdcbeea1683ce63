import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, open, signIn, visit, type Watched } from './browser';
import { users } from './server';

let browser: Browser;
let admin: Watched;
let w: Watched;
beforeAll(async () => {
  browser = await launch();
  admin = await open(browser);
  await signIn(admin);
  w = await open(browser);
});
afterAll(async () => {
  await admin.close();
  await w.close();
  await browser.close();
});

describe('a viewer', () => {
  it('sees a drain that cannot be asked for, and which verb is missing', async () => {
    await signIn(w, '/clusters/demo/nodes/w5', users.Viewer);
    const drain = w.page.getByRole('button', { name: 'Drain…' });
    await drain.waitFor();
    await expect.poll(() => drain.getAttribute('aria-disabled')).toBe('true');
    await drain.focus();
    const why = w.page.getByRole('tooltip').filter({ hasText: '"create"' }).first();
    await why.waitFor({ state: 'visible' });
    expect(await why.textContent()).toContain('operations');
    await drain.click({ force: true });
    expect(await w.page.locator('dialog[open]').count()).toBe(0);
  });

  it('sees a plan that only others can approve', async () => {
    const name = await admin.api.plan({ type: 'Cordon', cordon: { nodes: ['w9'] } });
    await admin.api.reach(name, 'Planned');
    await visit(w, `/clusters/demo/operations/${name}`);
    const approve = w.page.getByRole('button', { name: 'Approve…' });
    await expect.poll(() => approve.getAttribute('aria-disabled')).toBe('true');
    await approve.hover();
    await w.page.getByRole('tooltip').filter({ hasText: '"approve"' }).first().waitFor({ state: 'visible' });
    await admin.api.change(name, { cancelled: true });
    await admin.api.reach(name, 'Cancelled');
  });

  it('is refused by the server, not only by the buttons', async () => {
    const answer = await w.api.send<{ message: string }>('POST', '/apis/kanrin.dev/v1alpha1/namespaces/demo/operations', {
      apiVersion: 'kanrin.dev/v1alpha1',
      kind: 'Operation',
      metadata: { generateName: 'drain-', namespace: 'demo' },
      spec: { type: 'Drain', drain: { nodes: ['w5'] }, requestedBy: users.Viewer.name },
    });
    expect(answer.code).toBe(403);
    expect(answer.body.message).toContain('create');
  });

  it('finds no users page in the side bar, and a refusal behind its address', async () => {
    w.expected.push(/403.*\/kanrin\/v1\/users/);
    await visit(w, '/');
    expect(await w.page.getByRole('link', { name: 'Users' }).count()).toBe(0);
    await visit(w, '/users');
    await w.page.getByRole('alert').waitFor();
  });
});

describe('an editor', () => {
  it('may plan, and not approve', async () => {
    const e = await open(browser);
    await signIn(e, '/clusters/demo/nodes/w9', users.Editor);
    await e.page.getByRole('button', { name: 'Cordon…', exact: true }).click();
    await e.page.getByRole('button', { name: 'Make a plan' }).click();
    await e.page.waitForURL(/\/operations\/cordon-/);
    await e.page.locator('.timeline').waitFor();
    const approve = e.page.getByRole('button', { name: 'Approve…' });
    await expect.poll(() => approve.getAttribute('aria-disabled')).toBe('true');
    await e.page.getByRole('button', { name: 'Discard…' }).click();
    await e.page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await e.page.getByText('cancelled', { exact: true }).waitFor();
    await e.close();
  });
});
