import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Charge, WindowLimit } from '../../../contracts/limits/limit.ts';
import { bucketId, bucketRow, gateKey, gridCost } from '../../../limiter/buckets/bucket-row.ts';
import { matchQuota } from '../../../limiter/quota-headers/match-limit.ts';

const window = (name: string, max: number, perMs: number): WindowLimit => ({ kind: 'window', name, max, perMs });
const charge = (limit: WindowLimit): Charge => ({ limit, key: `p/${limit.name}/x`, cost: 1 });
const hour = charge(window('hour', 1_000, 3_600_000));
const second = charge(window('second', 10, 1_000));

describe('a quota hint', () => {
  it('belongs to the limit that it names', () =>
    expect(matchQuota([hour, second], { limit: 'hour', remaining: 5, resetAfterMs: 60_000 })).toEqual({
      charge: hour,
      remaining: 5,
      resetMs: 60_000,
    }));

  it('belongs to the limit whose window is as long', () =>
    expect(matchQuota([hour, second], { windowMs: 3_600_000, max: 900, remaining: 5 })).toEqual({
      charge: hour,
      remaining: 5,
      max: 900,
    }));

  it('belongs to the only limit that it repeats', () =>
    expect(matchQuota([hour, second], { max: 10, remaining: 3 })).toEqual({ charge: second, remaining: 3, max: 10 }));

  it('of a limit that nobody declared counts for nothing while something is left', () =>
    expect(matchQuota([hour], { max: 50, remaining: 3, resetAfterMs: 1_000 })).toBeUndefined());

  it('of a limit that nobody declared blocks the key when nothing is left, for as long as it says', () =>
    expect(matchQuota([hour], { max: 50, remaining: 0, resetAfterMs: 1_000 })).toMatchObject({
      charge: hour,
      blockMs: 1_000,
    }));

  it('of a declared limit does not close it, because the ring knows better when room comes back', () =>
    expect(matchQuota([hour], { limit: 'hour', remaining: 0, resetAfterMs: 1_000 })?.blockMs).toBeUndefined());

  it('never promises a reset further than two windows', () =>
    expect(matchQuota([second], { limit: 'second', remaining: 0, resetAfterMs: 1e9 })?.resetMs).toBe(2_000));
});

describe('a row', () => {
  it('has a ring that covers window and guard, and whose slots divide them with little over', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 2_678_400_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        (perMs, guardMs) => {
          const row = bucketRow('p/l/x', { ...window('l', 5, perMs), guardMs });
          const span = row.winUs + row.guardUs;
          const period = row.slotUs * (row.slots - 31);
          expect(period).toBeGreaterThan(span);
          // What a saturated window loses in each round.
          expect(period - span).toBeLessThanOrEqual(Math.max(0.006 * row.winUs, 2_500) + row.slots);
          expect(row.slots).toBeLessThanOrEqual(Math.ceil((span / row.winUs) * 120) + 32);
        },
      ),
    ));

  it('has a ring of a kilobyte, more or less, for any usual window', () => {
    for (const perMs of [1_000, 10_000, 60_000, 900_000, 3_600_000, 86_400_000]) {
      expect(bucketRow('p/l/x', window('l', 5, perMs)).slots).toBeLessThanOrEqual(165);
    }
  });

  it('leaves out the reserve, and never all of it', () => {
    expect(bucketRow('p/l/x', { ...window('l', 100, 1_000), reserve: 0.1 }).max).toBe(90);
    expect(bucketRow('p/l/x', { ...window('l', 1, 1_000), reserve: 0.9 }).max).toBe(1);
  });

  it('has an id that is exact in a number, and another one for another key', () => {
    const ids = new Set(Array.from({ length: 10_000 }, (_, i) => bucketId(`p/l/${i}`)));
    expect(ids.size).toBe(10_000);
    for (const id of ids) expect(Number.isSafeInteger(id)).toBe(true);
  });

  it('belongs to the gate of its provider', () => expect(gateKey('github/app-hour/7')).toBe('github/*'));
});

describe('costs', () => {
  it('are rounded up to a grid on which any order of adding and taking away is exact', () =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 50 }), (costs) => {
        const grid = costs.map(gridCost);
        for (const [i, cost] of costs.entries()) expect(grid[i]).toBeGreaterThanOrEqual(cost);
        const sum = grid.reduce((a, b) => a + b, 0);
        expect(grid.toReversed().reduce((left, cost) => left - cost, sum)).toBe(0);
      }),
    ));
});
