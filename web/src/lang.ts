import { signal } from '@preact/signals';
import type console_ from '../../internal/lang/catalog/en/console.json';
import type backups from '../../internal/lang/catalog/en/console_backups.json';
import type { Catalogue } from './lang/merge';
import { type Lang, type Params, render } from './lang/render';

export type { Lang, Params } from './lang/render';

/** A key of the console's own area, without the prefix that keeps it apart from other areas' keys. */
export type Key = keyof (typeof console_ & typeof backups) extends infer K ? (K extends `console.${infer Own}` ? Own : never) : never;

const stored = 'kanrin.lang';

/** The language on screen, and its sentences. */
export const lang = signal<Lang>('en');
const catalogue = signal<Catalogue>({});

const loaders: Record<Lang, () => Promise<{ default: Catalogue }>> = {
  en: () => import('./lang/en'),
  ja: () => import('./lang/ja'),
};

function isLang(value: string | null | undefined): value is Lang {
  return value === 'en' || value === 'ja';
}

/** Chooses by ?lang=, then what was chosen before, then the browser's wish. */
export function preferred(): Lang {
  const asked = new URLSearchParams(location.search).get('lang');
  if (isLang(asked)) {
    remember(asked);
    return asked;
  }
  try {
    const kept = localStorage.getItem(stored);
    if (isLang(kept)) return kept;
  } catch {
    // storage is closed to us: ask the browser
  }
  return navigator.languages.some((l) => l.startsWith('ja')) ? 'ja' : 'en';
}

function remember(to: Lang): void {
  try {
    localStorage.setItem(stored, to);
  } catch {
    // it holds for this page then
  }
}

/** Loads a language and shows it. */
export async function speak(to: Lang): Promise<void> {
  const loaded = await loaders[to]();
  catalogue.value = loaded.default;
  lang.value = to;
  document.documentElement.lang = to;
}

/** Switches the language for good; a ?lang= in the address follows. */
export async function choose(to: Lang): Promise<void> {
  remember(to);
  const url = new URL(location.href);
  if (url.searchParams.has('lang')) {
    url.searchParams.set('lang', to);
    history.replaceState(history.state, '', url);
  }
  await speak(to);
}

/** A sentence of the console. */
export function t(key: Key, params: Params = {}): string {
  return text(key, params) ?? key;
}

/** A sentence of the console whose key is made from data, such as phase.<phase>; undefined when there is none. */
export function text(key: string, params: Params = {}): string | undefined {
  return sentence(`console.${key}`, params);
}

/** What the server says as code and parameters, in the language on screen; the server's own English when we have no words for it. */
export function said(area: string, code: string | undefined, params: Params | undefined, fallback = ''): string {
  if (code) {
    const found = sentence(`${area}.${code}`, params ?? {}) ?? text(`${area}.${code}`, params ?? {});
    // A placeholder that stayed means that the parameters are another version's: the server's sentence is the better one.
    if (found !== undefined && !/\{[a-zA-Z]+[:|}]/.test(found)) return found;
  }
  return fallback || code || '';
}

/** Sentences one after the other, set as the language sets them. */
export function sentences(...parts: (string | false | undefined)[]): string {
  return parts.filter(Boolean).join(lang.value === 'ja' ? '' : ' ');
}

/** A sentence of any area by its full key. */
export function sentence(key: string, params: Params): string | undefined {
  const found = catalogue.value[key];
  return found === undefined ? undefined : render(lang.value, found, params);
}
