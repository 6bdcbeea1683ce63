// Renders each page of the console × both languages × a desk and a phone, light and some dark, into screenshots/. It needs a running
// demo: `make screenshots` starts one. Pages that complain on the console fail the run.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { makeHosts } from './hosts.mjs';
import { makeOperations, planBlocked, startDrain } from './operations.mjs';
import { Server, url } from './server.mjs';

const root = join(import.meta.dirname, '../..');
const { chromium } = createRequire(join(root, 'web/package.json'))('playwright-core');
const out = join(root, 'screenshots');

const executablePath = [process.env.KANRIN_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));
if (!executablePath) throw new Error('no Chromium found; install the Debian package chromium or set KANRIN_CHROMIUM');

const looks = ['en', 'ja'].flatMap((lang) => [
  { lang, width: 1280, height: 860, theme: 'light' },
  { lang, width: 390, height: 844, theme: 'light' },
]);
const darkLooks = [
  { lang: 'en', width: 1280, height: 860, theme: 'dark' },
  { lang: 'ja', width: 390, height: 844, theme: 'dark' },
];
/** Pages that are drawn dark, too. */
const dark = new Set(['signin', 'overview', 'nodes', 'nodes-zones', 'capacity', 'hosts', 'operation-blocked', 'operation-running', 'operation-done']);

const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const server = new Server(context);
await server.signIn();
const complaints = [];
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const signedIn = await context.storageState();
await server.quiet();
// Before anything moves: this one is also the picture of the README.
await take('operation-blocked', await planBlocked(server), signedIn);
await take('hosts-empty', '/clusters/demo/hosts', signedIn);
await makeHosts(server);
const { done, planned, failed } = await makeOperations(server);
const ledger = (await server.get('/kanrin/v1/clusters/demo/pods?owner=StatefulSet/payments/ledger')).items[0];

const pages = {
  overview: '/',
  clusters: '/clusters',
  cluster: '/clusters/demo',
  capacity: '/clusters/demo/capacity?lose=b',
  nodes: '/clusters/demo/nodes',
  'nodes-zones': '/clusters/demo/nodes?view=zones',
  node: '/clusters/demo/nodes/w5',
  hosts: '/clusters/demo/hosts',
  host: '/clusters/demo/hosts/w1',
  'host-key-changed': '/clusters/demo/hosts/w7',
  workloads: '/clusters/demo/workloads',
  workload: '/clusters/demo/workloads/Deployment/shop/checkout',
  pods: '/clusters/demo/pods',
  pod: `/clusters/demo/pods/${ledger.namespace}/${ledger.name}`,
  operations: '/operations',
  'operation-planned': planned,
  'operation-done': done,
  'operation-done-pods': `${done}?tab=pods`,
  'operation-failed': failed,
  users: '/users',
  notfound: '/no/such/page',
};

await take('signin', '/', await browser.newContext({ ignoreHTTPSErrors: true }).then((c) => c.storageState()));
for (const [name, path] of Object.entries(pages)) await take(name, path, signedIn);
await takeDialogs(signedIn);
const { running, stop } = await startDrain(server);
await take('operation-running', running, signedIn);
await stop();

await browser.close();
if (complaints.length > 0) {
  console.error(complaints.join('\n'));
  process.exit(1);
}

/** One page in all its looks. */
async function take(name, path, storageState) {
  for (const look of dark.has(name) ? [...looks, ...darkLooks] : looks) {
    const { page, close } = await open(path, look, storageState);
    await picture(page, name, look);
    await close();
  }
}

/** What opens over a page. */
async function takeDialogs(storageState) {
  for (const look of looks) {
    const word = (en, ja) => (look.lang === 'ja' ? ja : en);
    const node = await open('/clusters/demo/nodes/w5', look, storageState);
    await node.page.getByRole('button', { name: word('Drain…', 'ドレイン…') }).click();
    await picture(node.page, 'dialog-drain', look, false);
    await node.page.keyboard.press('Escape');
    await node.page.keyboard.press('Control+k');
    await node.page.keyboard.type('drain w');
    await node.page.locator('.palette [role=option]').nth(3).waitFor();
    await picture(node.page, 'palette', look, false);
    await node.close();
    await takeMachineDialogs(look, word, storageState);
    const plan = await open(planned, look, storageState);
    await plan.page.getByRole('button', { name: word('Approve…', '承認…') }).click();
    await picture(plan.page, 'dialog-approve', look, false);
    await plan.close();
  }
}

/** The requests about machines. */
async function takeMachineDialogs(look, word, storageState) {
  const one = async (name, path, face, then) => {
    const { page, close } = await open(path, look, storageState);
    await page.getByRole('button', { name: face, exact: true }).click();
    await then?.(page, page.getByRole('dialog'));
    await picture(page, `dialog-${name}`, look, false);
    await close();
  };
  const options = (_, dialog) => dialog.getByText(word('Options', 'オプション'), { exact: true }).click();
  await one('stop', '/clusters/demo', word('Stop…', '停止…'), options);
  await one('recovery', '/clusters/demo', word('Turn on…', '有効にする…'));
  await one('restart', '/clusters/demo/nodes/w5', word('Restart…', '再起動…'));
  await one('remove-dead', '/clusters/demo/nodes/w5', word('Remove from the cluster…', 'クラスターから削除…'), (_, dialog) => dialog.getByLabel(word('The machine is dead', 'マシンが故障している')).check());
  await one('add-node', '/clusters/demo/hosts/spare-1', word('Add as a node…', 'ノードとして追加…'), options);
  await one('trust', '/clusters/demo/hosts/w7', word('Re-pin host key…', 'ホスト鍵を固定し直す…'), (_, dialog) => dialog.locator('.fingerprint').nth(1).waitFor());
  await one('add-host', '/clusters/demo/hosts', word('Add host…', 'ホストを追加…'), async (_, dialog) => {
    await dialog.getByLabel(word('Address', 'アドレス'), { exact: true }).fill('127.0.0.1');
    await dialog.getByLabel(word('Port', 'ポート')).fill('22022');
    await dialog.getByRole('button', { name: word('Show host key', 'ホスト鍵を取得') }).click();
    await dialog.locator('.fingerprint').waitFor();
  });
}

async function open(path, look, storageState) {
  const c = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    deviceScaleFactor: look.width < 500 ? 2 : 1,
    colorScheme: look.theme,
    reducedMotion: 'reduce',
    ignoreHTTPSErrors: true,
    storageState,
  });
  const page = await c.newPage();
  page.on('console', (m) => {
    // That nobody is signed in is answered 401, and the browser says so.
    if (['error', 'warning'].includes(m.type()) && !/\/kanrin\/v1\/session/.test(m.location().url) && !/ERR_NETWORK_CHANGED/.test(m.text())) complaints.push(`${path} ${look.lang}: ${m.text()}`);
  });
  page.on('pageerror', (e) => complaints.push(`${path} ${look.lang}: ${e.message}`));
  let cut = false;
  page.on('requestfailed', (r) => (cut ||= /ERR_NETWORK_CHANGED/.test(r.failure()?.errorText ?? '')));
  for (let again = true; again; ) {
    again = false;
    try {
      await page.goto(`${url}${path}${path.includes('?') ? '&' : '?'}lang=${look.lang}`);
      await page.locator('h1').first().waitFor({ timeout: 20_000 });
    } catch (failure) {
      // The machine got or lost a network interface, and the browser has cut its connections.
      if (!cut) throw failure;
      again = true;
      cut = false;
    }
  }
  await page.waitForFunction(() => document.querySelector('.skeleton, .waiting, .absent') === null);
  await page.evaluate(() => document.fonts.ready);
  return { page, close: () => c.close() };
}

/** The whole page where it has an end worth seeing; on a phone at most three screens. */
async function picture(page, name, look, whole = true) {
  const full = await page.evaluate(() => document.documentElement.scrollHeight);
  const height = whole ? Math.min(Math.max(full, look.height), look.width < 500 ? look.height * 3 : 2000) : look.height;
  await page.setViewportSize({ width: look.width, height });
  await page.waitForTimeout(150); // one frame for rows that came into view, and their answer
  await page.waitForFunction(() => document.querySelector('.absent') === null);
  await page.screenshot({ path: join(out, `${name}-${look.lang}-${look.width}${look.theme === 'dark' ? '-dark' : ''}.png`) });
}
