import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import enConsole from '../../../internal/lang/catalog/en/console.json';
import enBackups from '../../../internal/lang/catalog/en/console_backups.json';
import jaConsole from '../../../internal/lang/catalog/ja/console.json';
import jaBackups from '../../../internal/lang/catalog/ja/console_backups.json';
import { launch, open, settled, signIn, visit, type Watched } from './browser';
import { pages } from './pages';
import { url } from './server';

const en = { ...enConsole, ...enBackups };
const ja = { ...jaConsole, ...jaBackups };

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

/** Whole sentences of the catalogue that differ between the languages and have no parameters: easy to tell apart. */
function only(of: Record<string, string>, other: Record<string, string>): Set<string> {
  const both = new Set(Object.values(other));
  return new Set(Object.entries(of).flatMap(([k, v]) => (v.includes('{') || both.has(v) || k === 'console.palette.language' ? [] : [v])));
}
const english = only(en, ja);
const japanese = only(ja, en);

/** Every text and label on screen. */
function words(): Promise<string[]> {
  return w.page.evaluate(() => {
    const found: string[] = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      if (!walk.currentNode.parentElement?.closest('[lang], pre, noscript')) found.push(walk.currentNode.textContent?.trim() ?? '');
    }
    for (const e of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      if (e.closest('[lang]')) continue;
      for (const a of ['aria-label', 'title', 'placeholder']) found.push(e.getAttribute(a) ?? '');
    }
    return found.filter((t) => t !== '');
  });
}

describe('both languages are complete on', () => {
  for (const [name, path] of Object.entries(pages)) {
    it(name, async () => {
      for (const lang of ['en', 'ja'] as const) {
        await visit(w, `${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
        const seen = await words();
        const keys = seen.filter((t) => Object.hasOwn(en, `console.${t}`) || Object.hasOwn(en, t));
        expect(keys, 'keys instead of sentences').toEqual([]);
        expect(
          seen.filter((t) => /\{[a-zA-Z]+([:|][^}]*)?\}/.test(t)),
          'placeholders without a parameter',
        ).toEqual([]);
        const wrong = seen.filter((t) => (lang === 'ja' ? english : japanese).has(t));
        expect(wrong, `sentences of the other language in ${lang}`).toEqual([]);
        expect(await w.page.evaluate(() => document.documentElement.lang)).toBe(lang);
      }
    });
  }
});

describe('the switch', () => {
  it('changes the language at once and for the next visit', async () => {
    await visit(w, '/?lang=en');
    await w.page.getByRole('button', { name: '日本語' }).click();
    await w.page.getByRole('heading', { name: '概要' }).waitFor();
    expect(new URL(w.page.url()).searchParams.get('lang')).toBe('ja');
    await w.page.goto(`${url}/operations`);
    await settled(w.page);
    await w.page.getByRole('heading', { name: 'オペレーション' }).first().waitFor();
    await w.page.getByRole('button', { name: 'EN' }).click();
    await w.page.getByRole('heading', { name: 'Operations' }).first().waitFor();
  });
});
