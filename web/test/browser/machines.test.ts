import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster, Host } from '../../src/api/v1alpha1';
import { launch, open, signIn, visit, type Watched } from './browser';
import { cluster, hosts, url } from './server';
import { haveSshd, type Sshd, startSshd } from './sshd';

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
const escape = () => w.page.keyboard.press('Escape');
const command = () => dialog().locator('pre').last().textContent();
const host = async (name: string) => (await w.api.send<Host>('GET', `/apis/kanrin.dev/v1alpha1/namespaces/${cluster}/hosts/${name}`)).body;

async function accessible(within = 'html'): Promise<void> {
  // What was scrolled below the bar at the top is covered by it, which is no fault of its size.
  await w.page.evaluate(() => window.scrollTo(0, 0));
  const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = await new AxeBuilder({ page: w.page }).include(within).withTags(rules).analyze();
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`)).toEqual([]);
}

describe('hosts', () => {
  it('are a list that says what is wrong with each', async () => {
    await visit(w, '/clusters/demo/hosts');
    const row = (name: string) => w.page.locator('.window .lrow', { hasText: name });
    await row('rack-1').getByText('unreachable', { exact: true }).waitFor();
    await row('rack-2').getByText('no key pinned', { exact: true }).waitFor();
    await w.page.getByLabel('State', { exact: true }).selectOption('HostKeyMissing');
    await expect.poll(() => w.page.locator('.window .on-name a').allTextContents()).toEqual(['rack-2']);
    expect(new URL(w.page.url()).searchParams.get('state')).toBe('HostKeyMissing');
  });

  it('have a page with what to do about it', async () => {
    await visit(w, '/clusters/demo/hosts/rack-1');
    await w.page.getByText('nothing listens there', { exact: false }).first().waitFor();
    await button('Look again').click();
    await expect.poll(() => button('Look again').getAttribute('aria-busy')).toBe(null);
  });

  it('say what they are for when there are none', async () => {
    await w.page.route(`**${hosts}`, (route) => route.fulfill({ json: { items: [], total: 0, offset: 0, revision: 1 } }));
    await visit(w, '/clusters/demo/hosts');
    await w.page.getByText('No hosts yet').waitFor();
    expect(await w.page.locator('.empty pre').textContent()).toContain('kanrin host add');
    await accessible();
    await visit(w, '/clusters/demo');
    await expect.poll(() => button('Stop…').getAttribute('aria-disabled')).toBe('true');
    await w.page.unroute(`**${hosts}`);
  });

  it('cannot be added before their key was seen; why it was not is said in place', async () => {
    w.expected.push(/502.*\/hosts\/scan\)/);
    await visit(w, '/clusters/demo/hosts');
    await button('Add host…').click();
    expect(await dialog().getByRole('button', { name: 'Add host', exact: true }).getAttribute('aria-disabled')).toBe('true');
    await dialog().getByLabel('Address').fill('127.0.0.1');
    await dialog().getByLabel('Port').fill('9');
    await dialog().getByRole('button', { name: 'Show host key' }).click();
    await dialog().getByRole('alert').filter({ hasText: 'nothing listens there' }).waitFor();
    await accessible('dialog');
    await escape();
  });
});

describe.skipIf(!haveSshd)('a machine that answers', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(async () => {
    sshd.stop();
    await w.api.send('DELETE', `${hosts}/live-1`);
  });

  it('is added after its fingerprint was compared', async () => {
    await visit(w, '/clusters/demo/hosts');
    await button('Add host…').click();
    await dialog().getByLabel('Address').fill('127.0.0.1');
    await dialog().getByLabel('Port').fill(String(sshd.port));
    await dialog().getByRole('button', { name: 'Show host key' }).click();
    expect(await dialog().locator('.fingerprint').textContent()).toBe(sshd.fingerprint());
    await dialog().getByLabel('I have compared the fingerprint').check();
    await dialog().getByLabel('Name', { exact: true }).fill('live-1');
    await dialog().getByLabel('Private key').fill(sshd.privateKey);
    await dialog().getByLabel('Role').selectOption('worker');
    await accessible('dialog');
    await dialog().getByRole('button', { name: 'Add host', exact: true }).click();
    await w.page.waitForURL(`${url}/clusters/demo/hosts/live-1`);
    await w.page.getByText('reachable', { exact: true }).first().waitFor();
    await w.page.getByRole('heading', { name: 'Disks' }).waitFor();
    expect((await host('live-1')).status?.facts?.kernel).toBeTruthy();
    await accessible();
  });

  it('becomes a node by a plan', async () => {
    await button('Add as a node…').click();
    await dialog().getByText('Options').click();
    await dialog().getByLabel('Labels').fill('rack=r12\nwrong');
    const make = dialog().getByRole('button', { name: 'Make a plan' });
    expect(await make.getAttribute('aria-disabled')).toBe('true');
    await dialog().getByLabel('Labels').fill('rack=r12');
    await dialog().getByLabel('Taints').fill('dedicated=gpu:NoSchedule');
    expect(await command()).toBe('kanrin node add live-1 --role worker --label rack=r12 --taint dedicated=gpu:NoSchedule --cluster demo');
    await accessible('dialog');
    await escape();
  });

  it('is not spoken to when its key has changed, until the new one is pinned', async () => {
    await sshd.reinstall();
    await button('Look again').click();
    await w.page.getByText('host key changed', { exact: true }).first().waitFor();
    await accessible();
    await button('Re-pin host key…').click();
    await dialog().getByText('The machine shows now').waitFor();
    expect(await dialog().locator('.fingerprint').last().textContent()).toBe(sshd.fingerprint());
    const pin = dialog().getByRole('button', { name: 'Pin this key' });
    expect(await pin.getAttribute('aria-disabled')).toBe('true');
    await accessible('dialog');
    await dialog().getByLabel('I have compared the fingerprint').check();
    await pin.click();
    await w.page.getByText('reachable', { exact: true }).first().waitFor();
  });

  it('is forgotten when its name is typed', async () => {
    w.expected.push(/404.*\/hosts\/live-1\)/); // its page may hear of it before it is left
    await button('Forget…').click();
    await dialog().getByRole('textbox').fill('live-1');
    await dialog().getByRole('button', { name: 'Forget', exact: true }).click();
    await w.page.waitForURL(`${url}/clusters/demo/hosts`);
    await expect.poll(() => w.page.locator('.window .on-name a').allTextContents()).toEqual(['rack-1', 'rack-2']);
  });
});

describe('requests about machines', () => {
  it('stop a cluster with all its options', async () => {
    await visit(w, '/clusters/demo');
    await button('Stop…').click();
    await dialog().getByLabel('Power the machines off, too').check();
    await dialog().getByText('Options').click();
    await dialog().getByLabel('Scale down before, in tiers').fill('Deployment/shop/web Deployment/shop/cart\nStatefulSet/data/search');
    await dialog().getByLabel('Suspend webhooks').fill('policy');
    expect(await dialog().getByRole('button', { name: 'Make a plan' }).getAttribute('aria-disabled')).toBe('true');
    await dialog().getByLabel('Suspend webhooks').fill('ValidatingWebhookConfiguration/policy');
    expect(await command()).toBe(
      'kanrin stop cluster/demo --scale-down Deployment/shop/web,Deployment/shop/cart --scale-down StatefulSet/data/search --power-off --suspend-webhook ValidatingWebhookConfiguration/policy',
    );
    await accessible('dialog');
    await escape();
  });

  it('restart nodes; each is an operation with a page', async () => {
    await visit(w, '/clusters/demo/nodes/w4');
    await button('Restart…').click();
    await dialog().getByLabel('What').selectOption('Kubelet');
    expect(await command()).toBe('kanrin restart nodes w4 --what kubelet --cluster demo');
    await accessible('dialog');
    await dialog().getByRole('button', { name: 'Make a plan' }).click();
    await w.page.waitForURL(/\/operations\/restart-/);
    await w.page.getByRole('heading', { name: 'Restart w4' }).waitFor();
    const name = new URL(w.page.url()).pathname.split('/').at(-1) ?? '';
    expect((await w.api.operation(name)).spec.restart).toMatchObject({ nodes: ['w4'], what: 'Kubelet' });
    await w.api.change(name, { cancelled: true });
  });

  it('remove a dead node only with proof, or with its name typed', async () => {
    await visit(w, '/clusters/demo/nodes/w4');
    await button('Remove from the cluster…').click();
    await dialog().getByLabel('The machine is dead').check();
    await dialog().getByText('asks for proof that it is off').waitFor();
    const make = dialog().getByRole('button', { name: 'Make a plan' });
    expect(await command()).toBe('kanrin node remove w4 --dead --cluster demo');
    await dialog().getByRole('textbox').fill('w5');
    expect(await make.getAttribute('aria-disabled')).toBe('true');
    await dialog().getByRole('textbox').fill('w4');
    expect(await command()).toBe('kanrin node remove w4 --dead --accept-split-brain w4 --cluster demo');
    await accessible('dialog');
    await escape();
  });
});

describe('automatic recovery', () => {
  const policy = async () => (await w.api.send<Cluster>('GET', `/apis/kanrin.dev/v1alpha1/namespaces/${cluster}/clusters/${cluster}`)).body.spec.recovery;

  it('is off, is turned on within its limits, and off again', async () => {
    await visit(w, '/clusters/demo');
    await button('Turn on…').click();
    await dialog().getByLabel('Allow a reboot').check();
    await dialog().getByLabel('Workers out at once (%)').fill('0');
    expect(await dialog().getByRole('button', { name: 'Turn on' }).getAttribute('aria-disabled')).toBe('true');
    await dialog().getByLabel('Workers out at once (%)').fill('30');
    await accessible('dialog');
    await dialog().getByRole('button', { name: 'Turn on' }).click();
    await button('Turn off').waitFor();
    expect(await policy()).toMatchObject({ enabled: true, reboot: true, maxPercent: 30, afterSeconds: 300 });
    await accessible();
    await button('Turn off').click();
    await button('Turn on…').waitFor();
    expect((await policy())?.enabled ?? false).toBe(false);
  });
});

describe('on a phone', () => {
  it('hosts and their dialogs fit', async () => {
    const p = await open(browser, { width: 390, height: 844, lang: 'ja' });
    await signIn(p);
    for (const path of ['/clusters/demo/hosts', '/clusters/demo/hosts/rack-1', '/clusters/demo']) {
      await visit(p, path);
      const sideways = await p.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(sideways, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
    }
    await p.close();
  });
});
