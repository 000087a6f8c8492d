/** How many calls are left, from what was seen of a run. */
import { describe, expect, it } from 'vitest';
import { callsLeft, paceOf } from '../../../client/explain/forecast.ts';
import type { ForecastNode } from '../../../db/index.ts';

const node = (name: string, more: Partial<ForecastNode>): ForecastNode => ({
  name,
  parent: null,
  hasEnded: false,
  open: 0,
  ended: 0,
  rows: 0,
  calls: 0,
  begun: 0,
  openCalls: 0,
  sample: { lists: 0, averageCalls: 0, deviationOfCalls: 0, averageRows: 0, deviationOfRows: 0 },
  ...more,
});
const sample = { lists: 25, averageCalls: 4, deviationOfCalls: 2, averageRows: 30, deviationOfRows: 10 };
const facts = (nodes: readonly ForecastNode[], lastCalls: number | null = null) => ({
  elapsedMs: 1_000,
  nodes,
  lastCalls,
});

describe('the calls that are left', () => {
  it('of a tree of unknown depth are those of the last good run', () => {
    const blocks = node('blocks', { isTree: true, open: 3, ended: 25, rows: 750, calls: 112, sample });
    expect(callsLeft(facts([blocks]))).toBeUndefined();
    expect(callsLeft(facts([blocks], 400))).toMatchObject({ callsLeft: 288, from: 'last-run' });
  });

  it('are what open lists cost as those that have ended did, less what they have had', () => {
    const root = node('friends', { hasEnded: true, rows: 100, calls: 10 });
    const posts = node('posts', {
      parent: 'friends',
      open: 75,
      ended: 25,
      rows: 750,
      calls: 112,
      openCalls: 12,
      sample,
    });
    const left = callsLeft(facts([root, posts]));
    expect(left).toMatchObject({ callsLeft: 75 * 4 - 12, from: 'this-run' });
    // 2 × √(75 · 2² + 75² · 2²/25) of 288.
    expect(left?.errorShare).toBeCloseTo((2 * Math.sqrt(75 * 4 + (75 * 75 * 4) / 25)) / 288, 6);
  });

  it('count the lists that rows to come will bring, and are less exact for them', () => {
    const posts = node('posts', { open: 75, ended: 25, rows: 750, calls: 100, sample });
    const likes = node('likes', {
      parent: 'posts',
      open: 650,
      ended: 100,
      rows: 0,
      calls: 200,
      sample: { ...sample, averageCalls: 2 },
    });
    const left = callsLeft(facts([posts, likes]));
    expect(left?.callsLeft).toBe(75 * 4 + (650 + 75 * 30) * 2);
    const alone = callsLeft(
      facts([node('likes', { open: 2_900, ended: 100, sample: { ...sample, averageCalls: 2 } })]),
    );
    expect(left!.errorShare * left!.callsLeft).toBeGreaterThan(alone!.errorShare * alone!.callsLeft);
  });

  it('may be more by what lists differ, for each that is in hand: the short ones have ended first', () => {
    const error = (begun: number) => {
      const left = callsLeft(facts([node('posts', { open: 75, ended: 25, begun, sample })]));
      return left!.errorShare * left!.callsLeft;
    };
    expect(error(40) - error(0)).toBeCloseTo(40 * 2, 6);
  });

  it('are those of the last good run while too little was seen, and else not known', () => {
    const young = [node('friends', { open: 1, calls: 3, openCalls: 3 })];
    expect(callsLeft(facts(young))).toBeUndefined();
    expect(callsLeft(facts(young, 103))).toEqual({ callsLeft: 100, errorShare: 0.5, from: 'last-run' });
    expect(callsLeft(facts(young, 2))?.callsLeft).toBe(0);
  });
});

describe('the pace', () => {
  it('is the share of the tightest limit that is waited for, else that of the run so far', () => {
    const limits = [
      { perSecond: 10, share: 0.5 },
      { perSecond: 20, share: 0.1 },
    ];
    expect(paceOf({ calls: 900, elapsedMs: 1_000, limits })).toBe(2);
    expect(paceOf({ calls: 900, elapsedMs: 9_000, limits: [] })).toBe(100);
    expect(paceOf({ calls: 0, elapsedMs: 9_000, limits: [] })).toBeNull();
  });
});
