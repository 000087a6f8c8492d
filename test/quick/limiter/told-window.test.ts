import { describe, expect, it } from 'vitest';
import type { LearnedLimit } from '../../../contracts/limits/limit.ts';
import { foundLimit, toldWindow } from '../../../limiter/adaptive/told-window.ts';
import { stepLaw, type LawEvent, type LawOutput } from '../../../limiter/adaptive/step.ts';

const spec: LearnedLimit = {
  kind: 'learned',
  name: 'hidden',
  startPerSecond: 2,
  floorPerSecond: 0.01,
  ceilingPerSecond: 500,
};
const startMs = 1_750_000_000_000;

describe('a limit of 60 a minute that answers tell, where none is declared', () => {
  let law: LawOutput;
  let atMs: number;
  const step = (event: Partial<LawEvent>) => {
    atMs += 1_000;
    law = stepLaw(law.state, { atMs, ok: 0, refused: 0, stale: 0, failed: 0, demand: 1, ...event }, spec);
  };
  /** All that is given out is called, and accepted. @returns the highest rate meanwhile. */
  const call = (seconds: number): number => {
    let highest = 0;
    for (let n = 0; n < seconds; n++) {
      step({ ok: law.ratePerSecond, fresh: 1 });
      highest = Math.max(highest, law.ratePerSecond);
    }
    return highest;
  };
  const begin = (max = 60, perMs = 60_000) => {
    atMs = startMs;
    law = toldWindow(spec, atMs, max, perMs);
  };
  const refuse = (retryAfterMs?: number) =>
    step({ refused: 1, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

  it('is given out as it is told, a tenth of it at once to those who come late', () => {
    begin();
    expect(law).toMatchObject({ mode: 'open', epoch: 1, burst: 7, window: { max: 60 } });
    expect(law.ratePerSecond).toBeCloseTo(1, 1);
    expect(law.window!.perMs).toBeGreaterThanOrEqual(60_000);
  });

  it('is waited for as answers tell where it is used up, and stays as it is', () => {
    begin();
    const { ratePerSecond } = law;
    for (let n = 0; n < 5; n++) {
      call(40);
      refuse(20_000);
      expect(law).toMatchObject({ mode: 'hold', epoch: 2 + n, probeAtMs: atMs + 20_050 });
      atMs += 20_000;
      call(1);
      expect(law).toMatchObject({ mode: 'open', burst: 7, ratePerSecond });
    }
  });

  it.each<[string, number, number | undefined]>([
    ['without a time', 30, undefined],
    ['soon after it was waited for', 15, 10_000],
  ])('is taken for another one where calls are refused %s: less is given out', (_, calls, retryAfterMs) => {
    begin();
    for (let n = 0; n < 10; n++) {
      call(calls);
      refuse(retryAfterMs);
      atMs += retryAfterMs ?? 30_000;
      call(1);
    }
    expect(law.mode).toBe('open');
    expect(law.burst).toBeLessThan(7);
    expect(law.ratePerSecond).toBeLessThan(0.8);
  });

  it('is looked for above what is told where nothing has been said to be used up for three minutes, and no sooner', () => {
    begin();
    const { ratePerSecond } = law;
    for (let n = 0; n < 10; n++) {
      step({ ok: 1, fresh: 1, retryAfterMs: 1_000 });
      expect(call(170)).toBe(ratePerSecond);
    }
    expect(call(130)).toBeGreaterThan(1.1 * ratePerSecond);
    // In the middle of a climb.
    step({ ok: 1, fresh: 1, retryAfterMs: 300_000 });
    expect(law.ratePerSecond).toBe(ratePerSecond);
    step({ ok: 1, fresh: 1, retryAfterMs: 1_000 });
    expect(call(880)).toBe(ratePerSecond);
    expect(call(60)).toBeGreaterThan(ratePerSecond);
  });

  it('is not looked for above within twelve seconds where it is one of seconds', () => {
    begin(10, 1_000);
    const { ratePerSecond } = law;
    for (let n = 0; n < 10; n++) {
      step({ ok: 1, fresh: 1, retryAfterMs: 500 });
      expect(call(8)).toBe(ratePerSecond);
    }
  });

  it('is one that has to be searched where answers tell none, whatever they say of when they would be used up', () => {
    atMs = startMs;
    law = foundLimit(spec, atMs);
    expect(law).toMatchObject({ ratePerSecond: 2, epoch: 1, mode: 'open' });
    for (let n = 0; n < 5; n++) step({ ok: Math.ceil(law.ratePerSecond), fresh: 1, retryAfterMs: 500 });
    expect(law.ratePerSecond).toBeGreaterThan(8);
  });

  it('is kept where it was found, and answers then tell that it is used up', () => {
    atMs = startMs;
    law = foundLimit(spec, atMs);
    for (let n = 0; n < 300 && law.state.phase !== 'climb'; n++) {
      const asked = law.mode === 'hold' ? 1 : law.ratePerSecond;
      step({ ok: Math.min(5, asked), fresh: 1, ...(asked > 5 ? { refused: 1 } : {}) });
    }
    expect(law.state).toMatchObject({ phase: 'climb', climb: { from: 0 } });
    step({ ok: 4, fresh: 1, retryAfterMs: 500 });
    expect(law.ratePerSecond).toBeGreaterThan(2);
  });
});
