import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LearnedLimit } from '../../../contracts/limits/limit.ts';
import { initialLaw, stepLaw } from '../../../limiter/adaptive/step.ts';
import type { LawEvent, LawOutput } from '../../../limiter/adaptive/step.ts';

const spec: LearnedLimit = {
  kind: 'learned',
  name: 'hidden',
  startPerSecond: 2,
  floorPerSecond: 0.01,
  ceilingPerSecond: 500,
};
const startMs = 1_750_000_000_000;

/** What may be reported, with the time since the report before it (negative: the store's clock was set back). */
interface Heard extends Omit<LawEvent, 'atMs'> {
  readonly afterMs: number;
}

const heard: fc.Arbitrary<Heard> = fc.record(
  {
    afterMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 5000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 4_000_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 0 }) },
    ),
    ok: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2000 })),
    fresh: fc.integer({ min: 0, max: 5 }),
    refused: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 1000 }) },
    ),
    stale: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 1000 }) },
    ),
    failed: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 50 }) },
    ),
    retryAfterMs: fc.integer({ min: 0, max: 3_600_000 }),
    demand: fc.double({ min: 0, max: 1, noNaN: true }),
  },
  { requiredKeys: ['afterMs', 'ok', 'refused', 'stale', 'failed', 'demand'] },
);

const history = fc.array(heard, { minLength: 1, maxLength: 80 });

function play(
  list: readonly Heard[],
  each?: (before: LawOutput, event: LawEvent, after: LawOutput) => void,
): LawOutput {
  let law = initialLaw(spec, startMs);
  let atMs = startMs;
  for (const { afterMs, ...counts } of list) {
    atMs += afterMs;
    const event = { ...counts, atMs };
    const after = stepLaw(law.state, event, spec);
    each?.(law, event, after);
    law = after;
  }
  return law;
}

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}

describe('the control law, whatever it hears', () => {
  it('keeps the rate between floor and ceiling, the burst at one or more, and has no number that is not finite', () => {
    fc.assert(
      fc.property(history, (list) => {
        play(list, (_before, event, after) => {
          expect(after.ratePerSecond).toBeGreaterThanOrEqual(0.01);
          expect(after.ratePerSecond).toBeLessThanOrEqual(500);
          expect(after.burst).toBeGreaterThanOrEqual(1);
          if (after.window) {
            expect(after.window.max).toBeGreaterThanOrEqual(1);
            expect(after.window.perMs).toBeGreaterThan(0);
          }
          expect(numbersOf(after).filter((number) => !Number.isFinite(number))).toStrictEqual([]);
          if (after.mode === 'hold') expect(after.probeAtMs).toBeLessThan(event.atMs + 100_000_000);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('answers the same after its state went through JSON, and the same for the same history', () => {
    fc.assert(
      fc.property(history, (list) => {
        const outputs: LawOutput[] = [];
        play(list, (before, event, after) => {
          const copy: LawOutput['state'] = JSON.parse(JSON.stringify(before.state));
          expect(stepLaw(copy, event, spec)).toStrictEqual(after);
          outputs.push(after);
        });
        let index = 0;
        play(list, (_before, _event, after) => expect(after).toStrictEqual(outputs[index++]));
      }),
      { numRuns: 60 },
    );
  });

  it('does not change the state it was given', () => {
    fc.assert(
      fc.property(history, (list) => {
        let law = initialLaw(spec, startMs);
        let atMs = startMs;
        for (const { afterMs, ...counts } of list) {
          atMs += afterMs;
          const before = JSON.stringify(law.state);
          const next = stepLaw(law.state, { ...counts, atMs }, spec);
          expect(JSON.stringify(law.state)).toBe(before);
          law = next;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('starts at most one epoch at a step, and never one because of refusals from before the last decrease', () => {
    fc.assert(
      fc.property(history, (list) => {
        play(list, (before, event, after) => {
          expect(after.epoch - before.epoch).toBeGreaterThanOrEqual(0);
          expect(after.epoch - before.epoch).toBeLessThanOrEqual(1);
          if (event.refused === 0 && before.state.phase !== 'fill') expect(after.epoch).toBe(before.epoch);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('does not lower the estimate because calls failed', () => {
    const failing = fc.array(
      heard.map((event) => ({
        ...event,
        afterMs: Math.abs(event.afterMs),
        ok: 0,
        fresh: 0,
        refused: 0,
        stale: 0,
        failed: 1 + event.failed,
      })),
      { minLength: 1, maxLength: 200 },
    );
    fc.assert(
      fc.property(history, failing, (list, outage) => {
        // Whatever came before, the law is open when the outage begins.
        const before = play(list);
        if (before.mode === 'hold') return;
        let law = before;
        let atMs = before.state.nowMs;
        for (const { afterMs, ...counts } of outage) {
          atMs += afterMs;
          law = stepLaw(law.state, { ...counts, atMs }, spec);
        }
        expect(law.state.limit).toBeGreaterThanOrEqual(before.state.limit);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on from where it was when the clock is set back, instead of standing still', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 2000, max: 10_000_000 }), (list, backMs) => {
        const before = play(list.map((event) => ({ ...event, afterMs: Math.abs(event.afterMs) })));
        const quiet = { ok: 0, refused: 0, stale: 0, failed: 0, demand: 1 };
        const inTime = stepLaw(before.state, { ...quiet, atMs: before.state.nowMs }, spec);
        const setBack = stepLaw(before.state, { ...quiet, atMs: before.state.nowMs - backMs }, spec);
        expect(setBack.ratePerSecond).toBeCloseTo(inTime.ratePerSecond, 6);
        expect(setBack.mode).toBe(inTime.mode);
        if (inTime.mode === 'hold') expect((inTime.probeAtMs ?? 0) - (setBack.probeAtMs ?? 0)).toBeCloseTo(backMs, 0);
      }),
      { numRuns: 200 },
    );
  });
});

it('expects no climb to cost more than one at the present rate could, whatever earlier ones cost', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 10_000 }), (list, cost) => {
      const { state } = play(list);
      const quiet = { atMs: state.nowMs, ok: 1, refused: 0, stale: 0, failed: 0, demand: 1 };
      const { cost: after } = stepLaw({ ...state, climb: { ...state.climb, cost } }, quiet, spec).state.climb;
      expect(after).toBeLessThanOrEqual(Math.max(1, Math.min(cost, 2 + (3 * state.limit * state.rttMs) / 1000) * 1.01));
      expect(after).toBeGreaterThan(0);
    }),
  );
});

describe('one burst of refusals', () => {
  it('is one decrease for 1,000 calls in flight that 16 processes report one by one', () => {
    let law = initialLaw(spec, startMs);
    for (let i = 1; i <= 40; i += 1) {
      law = stepLaw(law.state, { atMs: startMs + i * 250, ok: 20, refused: 0, stale: 0, failed: 0, demand: 1 }, spec);
    }
    const before = law;
    let decreases = 0;
    for (let i = 0; i < 1000; i += 1) {
      const isCurrent = law.epoch === before.epoch;
      const counts = { ok: 0, refused: isCurrent ? 1 : 0, stale: isCurrent ? 0 : 1, failed: 0, demand: 1 };
      const after = stepLaw(law.state, { ...counts, atMs: startMs + 10_000 + Math.floor(i / 16) }, spec);
      if (after.epoch !== law.epoch) decreases += 1;
      law = after;
    }
    expect(decreases).toBe(1);
    expect(law.state.limit).toBe(
      stepLaw(before.state, { atMs: startMs + 10_000, ok: 0, refused: 1000, stale: 0, failed: 0, demand: 1 }, spec)
        .state.limit,
    );
  });
});

describe('a search whose callers come back late', () => {
  const perSecond = (ok: number): LawOutput => {
    let law = stepLaw(
      initialLaw({ ...spec, startPerSecond: 20 }, startMs).state,
      { ...quiet, atMs: startMs + 10 },
      spec,
    );
    for (let atMs = startMs + 500; atMs <= startMs + 2_500; atMs += 500)
      law = stepLaw(law.state, { ...quiet, atMs, ok: ok / 2 }, spec);
    return law;
  };
  const quiet = { ok: 0, refused: 0, stale: 0, failed: 0, demand: 1 };

  it('keeps more of what it gives out for them while it stands still, and doubles when they use it', () => {
    const unused = perSecond(2);
    expect(unused.ratePerSecond).toBe(20);
    expect(unused.burst).toBeGreaterThan(8);
    const used = perSecond(20);
    expect(used.ratePerSecond).toBeGreaterThanOrEqual(40);
    expect(used.burst).toBeLessThan(1 + 0.2 * used.ratePerSecond);
  });

  const afterStep = (sent: number, ok: number, onTheirWay: number): number => {
    let law = stepLaw(
      initialLaw({ ...spec, startPerSecond: 20 }, startMs).state,
      { ...quiet, atMs: startMs + 10, sent: onTheirWay },
      spec,
    );
    for (let atMs = startMs + 250; atMs <= startMs + 1_250; atMs += 250)
      law = stepLaw(law.state, { ...quiet, atMs, sent: sent / 4, ok: ok / 4 }, spec);
    return law.ratePerSecond;
  };

  it('doubles when all that was sent was accepted, although a part of what it gives out was not taken', () => {
    expect(afterStep(8, 8, 0)).toBe(40);
    expect(afterStep(4, 4, 0)).toBe(20);
  });

  it('waits for answers that are slow: many on their way are not callers who are late', () => {
    expect(afterStep(20, 12, 20)).toBe(20);
    expect(afterStep(20, 16, 20)).toBe(40);
  });
});

describe('a refusal below the estimate', () => {
  /** Cruises for ten seconds at 20/s, of which so many were taken and accepted, and is refused then. */
  const refusedAfter = (perSecond: number): number => {
    const counts = { refused: 0, stale: 0, failed: 0, demand: 1 };
    const { state } = initialLaw({ ...spec, startPerSecond: 20 }, startMs);
    let law = stepLaw(
      {
        ...state,
        phase: 'cruise',
        rate: 19.8,
        estimate: { ...state.estimate, sure: 2, isShallow: true },
        mark: { ...state.mark, loMs: startMs, hiMs: startMs },
        climb: { ...state.climb, nextAtMs: startMs + 60_000 },
      },
      { ...counts, atMs: startMs + 10, ok: 0, sent: 0 },
      spec,
    );
    for (let atMs = startMs + 500; atMs <= startMs + 10_000; atMs += 500)
      law = stepLaw(law.state, { ...counts, atMs, ok: perSecond / 2, sent: perSecond / 2 }, spec);
    law = stepLaw(law.state, { ...counts, atMs: startMs + 10_010, ok: 0, refused: 1, sent: 0 }, spec);
    return law.state.limit;
  };

  it('says what was accepted, where all that was given out was taken', () => {
    expect(refusedAfter(19)).toBeCloseTo(19, 0);
  });

  it('says less where callers left a part unused: the server may have had no room to keep it', () => {
    expect(refusedAfter(12)).toBeCloseTo(18, 0);
  });
});
