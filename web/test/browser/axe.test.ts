import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, open, signIn, visit, type Watched } from './browser';
import { pages } from './pages';
import { url } from './server';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

async function violations(w: Watched, within = 'html'): Promise<string[]> {
  const result = await new AxeBuilder({ page: w.page }).include(within).withTags(rules).analyze();
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} — ${n.failureSummary ?? ''}`).join('; ')}`);
}

for (const theme of ['light', 'dark'] as const) {
  describe(`accessible in ${theme}`, () => {
    let w: Watched;
    beforeAll(async () => {
      w = await open(browser, { theme });
      await w.page.goto(url);
      await w.page.locator('#user').waitFor();
    });
    afterAll(() => w.close());

    it('sign-in', async () => {
      expect(await violations(w)).toEqual([]);
      await signIn(w);
    });

    for (const [name, path] of Object.entries(pages)) {
      it(name, async () => {
        await visit(w, path);
        expect(await violations(w)).toEqual([]);
      });
    }

    it('dialogs, menus and the palette', async () => {
      await visit(w, '/clusters/demo/nodes/w1');
      await w.page.getByRole('button', { name: 'Drain…' }).click();
      await w.page.getByText('Options').click();
      expect(await violations(w)).toEqual([]);
      await w.page.keyboard.press('Escape');
      await w.page.keyboard.press('Control+k');
      await w.page.getByRole('option').first().waitFor();
      expect(await violations(w)).toEqual([]);
      await w.page.keyboard.press('Escape');
      await w.page.keyboard.press('?');
      expect(await violations(w)).toEqual([]);
      await w.page.keyboard.press('Escape');
      await w.page.getByRole('button', { name: /^admin/ }).click();
      // Only the menu: what it lies over is partly covered, which is what a menu does.
      expect(await violations(w, '.menu-panel')).toEqual([]);
    });
  });
}

describe('accessible on a phone', () => {
  it('overview, nodes and pods', async () => {
    const w = await open(browser, { width: 390, height: 844 });
    await signIn(w);
    for (const path of ['/', '/clusters/demo/nodes', '/clusters/demo/pods', '/clusters/demo/capacity']) {
      await visit(w, path);
      expect(await violations(w)).toEqual([]);
      const sideways = await w.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(sideways, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
    }
    await w.close();
  });
});
