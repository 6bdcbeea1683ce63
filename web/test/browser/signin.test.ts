import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launch, open, signIn, type Watched } from './browser';
import { admin, url } from './server';

let browser: Browser;
let w: Watched;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  w = await open(browser);
});
afterEach(() => w.close());

describe('signing in', () => {
  it('leads to the overview', async () => {
    await signIn(w);
    expect(await w.page.title()).toBe('Overview · Kanrin');
    await w.page.getByRole('heading', { name: 'Overview' }).waitFor();
    await w.page.getByRole('link', { name: 'demo', exact: true }).first().waitFor();
  });

  it('with a wrong password says so, empties the field and tells nothing more', async () => {
    w.expected.push(/401.*\/kanrin\/v1\/login\)/);
    await w.page.goto(url);
    await w.page.locator('#user').fill(admin.name);
    await w.page.locator('#password').fill('not the password');
    await w.page.getByRole('button', { name: 'Sign in' }).click();
    await w.page.getByRole('alert').waitFor();
    expect(await w.page.getByRole('alert').textContent()).toContain('wrong');
    expect(await w.page.locator('#password').inputValue()).toBe('');
    expect(await w.page.locator('#password').evaluate((e) => e === document.activeElement)).toBe(true);
    expect(await w.page.locator('.topbar').count()).toBe(0);
  });

  it('leads to the page that was asked for', async () => {
    await signIn(w, '/clusters/demo/nodes?zone=b');
    await w.page.getByRole('heading', { name: 'Nodes' }).waitFor();
    expect(new URL(w.page.url()).search).toBe('?zone=b');
  });

  it('ends with the session: signing out leads back here, and the old page is gone', async () => {
    await signIn(w);
    await w.page.getByRole('button', { name: /^admin/ }).click();
    await w.page.getByRole('button', { name: 'Sign out' }).click();
    await w.page.locator('#user').waitFor();
    const answer = await w.context.request.get(`${url}/kanrin/v1/overview`);
    expect(answer.status()).toBe(401);
  });

  it('says that a session ended under the hands, and goes on where one was', async () => {
    w.expected.push(/401/);
    await signIn(w, '/clusters/demo/nodes');
    await w.api.send('POST', '/kanrin/v1/logout', {});
    await w.page.getByText('Your session has ended').waitFor();
    await w.page.locator('#user').fill(admin.name);
    await w.page.locator('#password').fill(admin.password);
    await w.page.getByRole('button', { name: 'Sign in' }).click();
    await w.page.getByRole('heading', { name: 'Nodes' }).waitFor();
  });
});

describe('the first visit', () => {
  it('loads at most 150 kB, compressed, and shows what the address asks for', async () => {
    const client = await w.context.newCDPSession(w.page);
    let bytes = 0;
    await client.send('Network.enable');
    client.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength));
    await signIn(w);
    expect(bytes).toBeGreaterThan(20_000);
    expect(bytes).toBeLessThan(150_000);
  });

  it('is sent with a policy that allows nothing from elsewhere and nothing inline', async () => {
    const answer = await w.page.goto(url);
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("style-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(await w.page.locator('[style]').count()).toBe(0);
  });
});

describe('the stream of changes', () => {
  it('is opened once and stays', async () => {
    let streams = 0;
    w.page.on('request', (r) => {
      if (r.url().endsWith('/kanrin/v1/changes')) streams++;
    });
    await signIn(w);
    await w.page.getByText('live', { exact: true }).waitFor();
    await w.page.getByRole('link', { name: /^Nodes/ }).click();
    await w.page.getByRole('heading', { name: 'Nodes' }).waitFor();
    await w.page.waitForTimeout(1500); // long enough for a stream that restarts itself to do so
    expect(streams).toBe(1);
  });
});
