import { describe, expect, it } from 'vitest';
import { framesOf, thrown } from '../../../activities/call/thrown.ts';
import { unwritable } from '../../../contracts/answers/unwritable.ts';

describe('what JSON has no word for', () => {
  it.each<[what: string, value: unknown, said: string]>([
    ['NaN', { price: { net: Number.NaN } }, '`price.net` is NaN'],
    ['an infinite number', [1, [Number.NEGATIVE_INFINITY]], '`1.0` is -Infinity'],
    ['a BigInt', { id: 1n }, '`id` is a BigInt'],
    ['a function', { total: () => 1 }, '`total` is a function'],
    ['a symbol', Symbol('x'), 'it is a symbol'],
    ['a Map', { by: new Map([['a', 1]]) }, '`by` is a Map'],
    ['a Set', new Set([1]), 'it is a Set'],
    ['a promise', Promise.resolve(1), 'it is a promise'],
    ['a time that is none', { at: new Date('yesterday') }, '`at` is a time that is none (Invalid Date)'],
  ])('is told with its place: %s', (_, value, said) => {
    expect(unwritable(value)).toBe(`${said}, which JSON has no word for`);
  });

  it('is not what it keeps, drops by its own rules, or refuses itself', () => {
    const circle: Record<string, unknown> = {};
    circle['me'] = circle;
    const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => ({ inner }), 1);
    for (const value of [null, undefined, '', 0, -0, true, [], {}, { a: undefined }, new Date(0), circle, deep])
      expect(unwritable(value)).toBeUndefined();
    expect(unwritable(Object.assign(Object.create(null), { a: 1 }))).toBeUndefined();
    expect(unwritable({ toJSON: () => 'text' })).toBeUndefined();
  });
});

describe('what was thrown', () => {
  it('is words, whatever it is', () => {
    const evil = (): never => {
      throw new Error('again');
    };
    const hidden = (name: string): Error => Object.defineProperty(new Error('x'), name, { get: evil });
    for (const error of [
      null,
      undefined,
      Symbol('s'),
      1n,
      Object.create(null),
      { toString: evil },
      hidden('message'),
      hidden('stack'),
      hidden('name'),
      Object.assign(new Error('x'), { message: 5, name: {} }),
    ]) {
      const { name, message } = thrown(error);
      expect([typeof name, typeof message, typeof framesOf(error)]).toEqual(['string', 'string', 'string']);
    }
    expect(thrown(new TypeError('no such plan'))).toEqual({ name: 'TypeError', message: 'no such plan' });
  });
});
