import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

// Every string that the console shows is in the catalogue, in both languages, with the same parameters; and every string of the
// console's own area is shown somewhere.

const root = join(import.meta.dirname, '../../..');
const catalogue = { en: read('en'), ja: read('ja') };

function read(lang: string): Map<string, string> {
  const folder = join(root, 'internal/lang/catalog', lang);
  const all = new Map<string, string>();
  for (const file of readdirSync(folder)) {
    const entries = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>;
    for (const [k, v] of Object.entries(entries)) {
      if (all.has(k)) throw new Error(`${lang}/${file}: key ${k} stands twice`);
      all.set(k, v);
    }
  }
  return all;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && /\.tsx?$/.test(e.name))
    .map((e) => readFileSync(join(e.parentPath, e.name), 'utf8'));
}

const code = sources(join(root, 'web/src')).join('\n');
const literal = new Set([...code.matchAll(/\bt\(\s*'([^']+)'/g), ...code.matchAll(/[?:]\s*'([a-zA-Z]+\.[a-zA-Z.]+)'/g)].map((m) => m[1] as string));
/** t(`phase.${p}`) and said('member', …): any key below that beginning may be used. */
const beginnings = [
  ...[...code.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((m) => m[1] as string),
  ...[...code.matchAll(/\bsaid\('([a-zA-Z]+)'/g)].map((m) => `${m[1]}.`),
];

function parameters(sentence: string): string[] {
  return [...new Set([...sentence.matchAll(/\{([a-zA-Z]+)(?::[a-z]+|\|[^{}]*)?\}/g)].map((m) => m[1] as string))].sort();
}

describe('catalogue', () => {
  it('finds keys in the source at all', () => {
    expect(literal.size).toBeGreaterThan(300);
    expect(beginnings).toContain('phase.');
  });

  for (const lang of ['en', 'ja'] as const) {
    it(`has every key that the source uses, in ${lang}`, () => {
      const missing = [...literal].filter((key) => code.includes(`t('${key}'`) && !catalogue[lang].has(`console.${key}`));
      expect(missing).toEqual([]);
      const nothing = beginnings.filter((b) => ![...catalogue[lang].keys()].some((k) => k.startsWith(`console.${b}`) || k.startsWith(b)));
      // Areas of other programs may still be empty; the console's own are not.
      expect(nothing.filter((b) => !['finding.', 'way.', 'step.', 'wait.', 'status.', 'log.', 'report.', 'summary.', 'cluster.'].includes(b))).toEqual([]);
    });
  }

  it('has the same keys in both languages', () => {
    expect([...catalogue.en.keys()].filter((k) => !catalogue.ja.has(k))).toEqual([]);
    expect([...catalogue.ja.keys()].filter((k) => !catalogue.en.has(k))).toEqual([]);
  });

  it('has the same parameters in both languages', () => {
    const differ = [...catalogue.en].filter(([k, v]) => {
      const ja = parameters(catalogue.ja.get(k) ?? '');
      // A plural form needs its number in English only.
      return JSON.stringify(parameters(v)) !== JSON.stringify(ja);
    });
    expect(differ.map(([k]) => k)).toEqual([]);
  });

  it('has no key of the console that nothing uses', () => {
    const unused = [...catalogue.en.keys()].filter((k) => {
      if (!k.startsWith('console.')) return false;
      const key = k.slice('console.'.length);
      return !literal.has(key) && !beginnings.some((b) => key.startsWith(b));
    });
    expect(unused).toEqual([]);
  });

  it('keeps Japanese Japanese and English English', () => {
    const own = [...catalogue.en].filter(([k]) => k.startsWith('console.') && k !== 'console.palette.language');
    expect(own.filter(([, v]) => /[぀-ヿ一-鿿]/.test(v)).map(([k]) => k)).toEqual([]);
  });
});
