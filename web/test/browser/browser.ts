import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type ConsoleMessage, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { admin, Api, url } from './server';

const places = [process.env.KANRIN_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function launch(): Promise<Browser> {
  const executablePath = places.find((p) => p && existsSync(p));
  if (!executablePath) throw new Error('no Chromium found; install the Debian package chromium or set KANRIN_CHROMIUM');
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

interface Look {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  lang?: 'en' | 'ja';
}

/** What a page must not do, whatever is tested: collected while it is open, checked when it is closed. */
export interface Watched {
  page: Page;
  context: BrowserContext;
  api: Api;
  /** Sentences of the console that this test provokes on purpose. */
  expected: RegExp[];
  /** Whether the browser has cut connections since it was last asked, because the machine got or lost a network interface. */
  wasCut: () => boolean;
  close: () => Promise<void>;
}

export async function open(browser: Browser, look: Look = {}): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: look.height ?? 800 },
    colorScheme: look.theme ?? 'light',
    reducedMotion: 'reduce',
    locale: look.lang === 'ja' ? 'ja-JP' : 'en-US',
    ignoreHTTPSErrors: true,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const foreign: string[] = [];
  const expected: RegExp[] = [];
  page.on('console', (m: ConsoleMessage) => {
    if (m.type() === 'error' || m.type() === 'warning') complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`);
  });
  let cut = false;
  page.on('requestfailed', (r) => (cut ||= /ERR_NETWORK_CHANGED/.test(r.failure()?.errorText ?? '')));
  page.on('pageerror', (e) => complaints.push(`exception: ${e.message}`));
  page.on('request', (r) => {
    if (!r.url().startsWith(`${url}/`)) foreign.push(r.url());
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  return {
    page,
    context,
    api: new Api(context),
    expected,
    wasCut: () => {
      const was = cut;
      cut = false;
      return was;
    },
    close: async () => {
      await context.close();
      // Asking whether there is a session is answered 401 when there is none, and the browser says so.
      // The browser cuts its connections when the machine gets or loses a network interface; the console reads again.
      const always = [/401.*\/kanrin\/v1\/session\)/, /ERR_NETWORK_CHANGED/];
      expect(complaints.filter((c) => ![...always, ...expected].some((e) => e.test(c)))).toEqual([]);
      expect(foreign).toEqual([]);
    },
  };
}

/** Signs in through the form, at the address given. */
export async function signIn(w: Watched, path = '/', who = admin): Promise<void> {
  await w.page.goto(url + path);
  await w.page.locator('#user').fill(who.name);
  await w.page.locator('#password').fill(who.password);
  await w.page.locator('form button[type=submit]').click();
  await w.page.locator('.topbar').waitFor();
  await w.api.session();
}

/** Goes to a page and waits until it shows what it read. */
export async function visit(w: Watched, path: string): Promise<void> {
  for (;;) {
    w.wasCut();
    try {
      await w.page.goto(url + path);
      await w.page.locator('.topbar').waitFor();
      return await settled(w.page);
    } catch (failure) {
      // A page whose scripts did not arrive is loaded again, as a person would do.
      if (!w.wasCut()) throw failure;
    }
  }
}

export async function settled(page: Page): Promise<void> {
  await page.locator('main h1').waitFor();
  await page.waitForFunction(() => document.querySelector('.skeleton, .waiting, .absent') === null);
}
