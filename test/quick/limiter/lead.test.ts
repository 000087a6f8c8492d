import { describe, expect, it } from 'vitest';
import { leadOf } from '../../../limiter/acquire/acquire.ts';

describe('who is sent away and comes back before its turn', () => {
  it('waits in place long enough for late timers, half of what it may wait at most', () => {
    expect(leadOf(5_000, 5, 1_000)).toBe(500);
    expect(leadOf(5_000, 5, 10_000)).toBe(600);
    // The first of a queue, of which no rate is known.
    expect(leadOf(2_000, 0, 1_000)).toBe(500);
  });

  it('waits in place more briefly where the limit is fast, so that some ten calls do and not hundreds', () => {
    expect(leadOf(2_000, 80, 1_000)).toBe(250);
    expect(leadOf(10_000, 10_000, 1_000)).toBe(150);
  });
});
