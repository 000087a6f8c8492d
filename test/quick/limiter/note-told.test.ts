import { describe, expect, it } from 'vitest';
import type { Charge, QuotaHint } from '../../../contracts/limits/limit.ts';
import { createToldNotes } from '../../../limiter/report/note-told.ts';
import { emptyTally } from '../../../limiter/report/pending-report.ts';
import type { Permit } from '../../../limiter/types.ts';

const charge = (kind: 'none' | 'window'): Charge =>
  ({ limit: { kind, name: kind }, key: 'a', units: 1 }) as unknown as Charge;
const SOON_MS = 200;

describe('what answers tell of a limit where none is declared', () => {
  const notes = () => {
    const tally = emptyTally(1);
    const note = createToldNotes(
      { tallyOf: () => tally, isFirstAnswer: () => true, isSettled: () => false, collectMs: SOON_MS, releaseMs: 0 },
      () => 1,
    );
    const tell = (quota: QuotaHint, isRefused = false, kind: 'none' | 'window' = 'none') =>
      note({ charges: [charge(kind)], grantedAt: 7 } as unknown as Permit, quota, isRefused);
    return { tally, tell };
  };

  it('is sent once, and again where the limit is another one, or of a longer time', () => {
    const { tally, tell } = notes();
    const quota = { max: 100, remaining: 90, windowMs: 60_000 };
    expect(tell(quota)).toBe(SOON_MS);
    // Of what is left nothing was refused yet.
    expect(tally).toMatchObject({ max: 100, remaining: 100, askedAt: 7 });
    expect(tally.resetAt).toBeGreaterThan(performance.now() + 50_000);
    expect(tell(quota)).toBe(Infinity);
    expect(tell({ ...quota, windowMs: 61_000 })).toBe(Infinity);
    expect(tell({ ...quota, windowMs: 30_000 })).toBe(Infinity);
    expect(tell({ ...quota, windowMs: 62_000 })).toBe(SOON_MS);
    expect(tell({ ...quota, max: 50 })).toBe(SOON_MS);
    expect(tally.max).toBe(50);
  });

  it('is sent once more with each refusal that it explains', () => {
    const { tally, tell } = notes();
    const quota = { max: 100, resetAfterMs: 60_000 };
    tell({ ...quota, remaining: 10 });
    expect(tell({ ...quota, remaining: 10 }, true)).toBe(Infinity);
    expect(tell({ ...quota, remaining: 0 }, true)).toBe(SOON_MS);
    expect(tally.remaining).toBe(0);
    expect(tell({ ...quota, remaining: 0 })).toBe(Infinity);
  });

  it('is none where it counts one call or has no time, or where a limit is declared', () => {
    const { tell } = notes();
    expect(tell({ max: 1, windowMs: 60_000 })).toBe(Infinity);
    expect(tell({ max: 100 })).toBe(Infinity);
    expect(tell({ remaining: 5, windowMs: 60_000 })).toBe(Infinity);
    expect(tell({ max: 100, windowMs: 60_000 }, false, 'window')).toBe(Infinity);
  });
});
