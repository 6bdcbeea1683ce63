import { describe, expect, it } from 'vitest';
import cases from '../../../internal/lang/testdata/cases.json';
import { bytes, duration, render } from '../../src/lang/render';

interface Case {
  sentence: string;
  params: Record<string, string>;
  en: string;
  ja: string;
}

describe('render, the same cases as the Go test of internal/lang', () => {
  for (const c of cases as unknown as Case[]) {
    it(`${JSON.stringify(c.sentence)} with ${JSON.stringify(c.params)}`, () => {
      expect(render('en', c.sentence, c.params)).toBe(c.en);
      expect(render('ja', c.sentence, c.params)).toBe(c.ja);
    });
  }
});

describe('numbers that come as numbers', () => {
  it('takes whole seconds', () => {
    expect(duration('en', 204.9)).toBe('3 min 24 s');
    expect(render('en', '{n} {n|pod|pods}', { n: 1 })).toBe('1 pod');
  });
  it('writes sizes', () => {
    expect(bytes(1.5 * 2 ** 30)).toBe('1.5 GiB');
  });
});
