import { describe, expect, it } from 'vitest';
import { compilePagination } from '../../../providers/pagination/compile.ts';
import {
  goneBeyond,
  isJustAtCap,
  isSuspicious,
  isTooLong,
  suspiciousCounts,
} from '../../../providers/pagination/result-cap.ts';
import type { ListState } from '../../../providers/pagination/step.ts';

const listOf = (options: object = {}) =>
  compilePagination({ kind: 'cursor', items: () => [], next: () => undefined, ...options });
const byOffset = compilePagination({ kind: 'offset', items: () => [] });

describe('a number of rows at which a list ends', () => {
  const none = { beyond: 0 };

  it('is one at which third parties stop, and a rounder one where nothing says that it ends', () => {
    expect(suspiciousCounts(listOf(), none, 'told', undefined)).toEqual([1_000, 10_000, 100_000]);
    const all = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];
    for (const seen of ['blank', 'short'] as const)
      expect(suspiciousCounts(listOf(), none, seen, undefined)).toEqual(all);
    expect(isSuspicious(listOf(), none, 'told', undefined, 1_000)).toBe(true);
    expect(isSuspicious(listOf(), none, 'told', undefined, 1_001)).toBe(false);
  });

  it('is none that another list of the endpoint has gone beyond, nor one that a total confirms, but for 10,000', () => {
    expect(suspiciousCounts(listOf(), { beyond: 1_000 }, 'told', undefined)).toEqual([10_000, 100_000]);
    expect(suspiciousCounts(listOf(), none, 'told', 1_000)).toEqual([10_000, 100_000]);
    expect(suspiciousCounts(listOf(), none, 'told', 10_000)).toEqual([1_000, 10_000, 100_000]);
  });

  it('is what the definition says, or none', () => {
    const stated = listOf({ resultCap: 300 });
    expect(suspiciousCounts(stated, { beyond: 1_000 }, 'told', 300)).toEqual([300]);
    expect(isSuspicious(stated, none, 'told', undefined, 299)).toBe(false);
    expect(isSuspicious(stated, none, 'told', undefined, 300)).toBe(true);
    expect(isSuspicious(stated, none, 'told', undefined, 350)).toBe(true);
    expect([undefined, 300, 301].map((total) => isTooLong(stated, total))).toEqual([false, false, true]);
    expect(isJustAtCap(stated, 300, undefined)).toBe(true);
    expect(isJustAtCap(stated, 300, 300)).toBe(false);
    for (const options of [
      { resultCap: false },
      { guards: { 'result-cap': false } },
      { resultCap: 300, guards: { 'result-cap': false } },
    ])
      expect(isSuspicious(listOf(options), none, 'blank', undefined, 1_000)).toBe(false);
  });
});

describe('how far a list has gone', () => {
  const keys = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `k${from + n}`);
  const beyond = (p: typeof byOffset, at: Partial<ListState>, page: readonly string[]) =>
    goneBeyond(p, { position: null, rows: 0, guard: null, asked: { offset: 0, size: 100 }, ...at } as ListState, page);

  it('is the largest common number of rows behind which a row came', () => {
    expect(beyond(listOf(), { rows: 990 }, keys(10))).toBe(0);
    expect(beyond(listOf(), { rows: 990 }, keys(11))).toBe(1_000);
    expect(beyond(listOf(), { rows: 5_990 }, keys(11))).toBe(5_000);
    expect(beyond(listOf(), { rows: 5_990 }, [])).toBe(0);
  });

  it('counts rows once that come again with the next page, and none of a second reading', () => {
    expect(beyond(listOf(), { rows: 990, guard: { tail: 'k2' } }, keys(13))).toBe(0);
    expect(beyond(listOf(), { rows: 990, guard: { tail: 'k2' } }, keys(14))).toBe(1_000);
    expect(beyond(listOf(), { rows: 2_500, guard: { begunAgain: 1 } }, keys(10))).toBe(0);
  });

  it('is the place of its page where that has a number, or a name that counts', () => {
    const asked = { offset: 995, size: 100 } as ListState['asked'];
    const counted = { by: 'offset', name: '', first: 0, form: 'plain', before: '', behind: '' } as const;
    for (const guard of [null, { tail: 'k0' }, { begunAgain: 1 }]) {
      expect(beyond(byOffset, { rows: 500, asked, guard }, keys(6))).toBe(1_000);
      expect(beyond(listOf(), { rows: 500, asked, guard, position: { counted } }, keys(6))).toBe(1_000);
    }
    expect(beyond(byOffset, { rows: 2_500, asked }, keys(5))).toBe(0);
    // A row beside those that were asked for has no place.
    expect(beyond(byOffset, { rows: 2_500, asked: { ...asked, size: 5 } }, keys(6))).toBe(0);
  });
});
