import { describe, expect, it } from 'vitest';
import { cores, count, percent, quantity, share } from '../../src/format';
import { match } from '../../src/match';
import { shortReason } from '../../src/reason';

describe('quantities', () => {
  it.each([
    ['4', 4],
    ['3500m', 3.5],
    ['12Gi', 12 * 2 ** 30],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['1k', 1000],
    ['1e3', 1000],
    ['', 0],
    ['lots', 0],
  ])('%s', (text, n) => expect(quantity(text)).toBe(n));
  it('takes none for zero', () => expect(quantity(undefined)).toBe(0));
});

describe('numbers', () => {
  it('groups thousands', () => expect(count(10000)).toBe('10,000'));
  it.each([
    [250, '0.25'],
    [15800, '15.8'],
    [64000, '64'],
    [0, '0'],
    [3500, '3.5'],
  ])('%d millicores', (m, s) => expect(cores(m)).toBe(s));
  it.each([
    [0, '0 %'],
    [0.004, '< 1 %'],
    [0.5, '50 %'],
    [0.996, '99 %'],
    [1, '100 %'],
    [1.013, '101 %'],
    [Number.NaN, '–'],
  ])('share %d never claims what is not so', (n, s) => expect(percent(n)).toBe(s));
  it('has no share of nothing', () => expect(share(1, 0)).toBe(0));
});

describe('addresses', () => {
  it('finds what a pattern names', () => {
    expect(match('/clusters/:c/pods/:ns/:n', '/clusters/demo/pods/shop/web-1')).toEqual({ c: 'demo', ns: 'shop', n: 'web-1' });
    expect(match('/clusters/:c', '/clusters/a%2Fb')).toEqual({ c: 'a/b' });
    expect(match('/', '/')).toEqual({});
  });
  it('refuses what is another', () => {
    expect(match('/clusters/:c', '/clusters/demo/nodes')).toBeUndefined();
    expect(match('/clusters', '/users')).toBeUndefined();
    expect(match('/clusters/:c', '/clusters/%zz')).toEqual({ c: '%zz' });
  });
});

describe('a scheduler\'s reason', () => {
  it('loses its tail about preemption and nothing else', () => {
    expect(shortReason("0/12 nodes are available: 2 Insufficient cpu, 9 node(s) didn't match. no new claims to deallocate, preemption: 0/12 nodes are available: 12 Preemption is not helpful.")).toBe("0/12 nodes are available: 2 Insufficient cpu, 9 node(s) didn't match");
    expect(shortReason('0/12 nodes are available: 12 Insufficient cpu. preemption: 0/12 …')).toBe('0/12 nodes are available: 12 Insufficient cpu');
    expect(shortReason('gate "x" is closed')).toBe('gate "x" is closed');
  });
});
