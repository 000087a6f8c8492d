import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  afterReport,
  CLOSED,
  gapMs,
  waitMs,
  type BreakerState,
} from '../../../limiter/circuit-breaker/transitions.ts';
import { seededRandom } from '../../../testing/fake-api/random.ts';

const failures = (state: BreakerState, times: number, nowMs = 0): BreakerState =>
  Array.from({ length: times }).reduce<BreakerState>((at) => afterReport(at, nowMs, { ok: 0, failed: 1 }), state);

/** One call after the other, `everyMs` apart, against a provider that fails in an interval; counts the calls made. */
function play(options: { fromMs: number; untilMs: number; endMs: number; callers: number }) {
  let state = CLOSED;
  let probes = 0;
  let sent = 0;
  let openedAtMs = 0;
  let closedAtMs = 0;
  const wakeAt = Array.from({ length: options.callers }, (_, caller) => caller);
  for (;;) {
    const caller = wakeAt.indexOf(Math.min(...wakeAt));
    const nowMs = wakeAt[caller]!;
    if (nowMs > options.endMs) break;
    const turn = admit(state, nowMs, 1);
    if (closedAtMs === 0 && openedAtMs > 0 && turn.state.phase === 'closed') closedAtMs = nowMs;
    state = turn.state;
    if (turn.admitted === 0) {
      wakeAt[caller] = nowMs + waitMs(state, nowMs, caller);
      continue;
    }
    const isDown = nowMs >= options.fromMs && nowMs < options.untilMs;
    if (isDown && state.phase === 'open') probes++;
    sent++;
    const outcome = turn.isProbe ? (isDown ? 'failed' : 'ok') : undefined;
    state = afterReport(state, nowMs + 50, {
      ok: outcome === undefined && !isDown ? 1 : 0,
      failed: outcome === undefined && isDown ? 1 : 0,
      ...(outcome === undefined ? {} : { probe: outcome }),
    });
    if (openedAtMs === 0 && state.phase === 'open') openedAtMs = nowMs;
    wakeAt[caller] = nowMs + 100;
  }
  return { probes, sent, openedAtMs, closedAtMs, state };
}

describe('a provider', () => {
  it('is taken for failing when half of five calls or more fail, and not before', () => {
    expect(failures(CLOSED, 4).phase).toBe('closed');
    expect(failures(CLOSED, 5).phase).toBe('open');
    const mixed = afterReport(CLOSED, 0, { ok: 4, failed: 4 });
    expect(mixed.phase).toBe('closed');
    expect(failures(mixed, 2).phase).toBe('open');
  });

  it('is taken for failing after seven failures in a row although hundreds of calls went well before', () => {
    const healthy = afterReport(CLOSED, 0, { ok: 500, failed: 0 });
    expect(failures(healthy, 6).phase).toBe('closed');
    expect(failures(healthy, 7).phase).toBe('open');
  });

  it('is taken for failing by failures that are told together with the answers before them', () => {
    const healthy = afterReport(CLOSED, 0, { ok: 500, failed: 0 });
    const turned = afterReport(healthy, 0, { ok: 30, failed: 4, failedLast: 4 });
    expect(turned.phase).toBe('closed');
    expect(failures(turned, 2).phase).toBe('closed');
    expect(failures(turned, 3).phase).toBe('open');
    // Failures before the last answer say nothing about now.
    expect(afterReport(failures(healthy, 6), 0, { ok: 1, failed: 6, failedLast: 0 }).phase).toBe('closed');
    expect(afterReport(healthy, 0, { ok: 30, failed: 9, failedLast: 7 }).phase).toBe('open');
  });

  it('is not taken for failing by random failures of a fifth of its calls', () => {
    const random = seededRandom(7);
    let state = afterReport(CLOSED, 0, { ok: 20, failed: 0 });
    let opened = 0;
    for (let call = 0; call < 20_000; call++) {
      const failed = random() < 0.2 ? 1 : 0;
      state = afterReport(state, call, { ok: 1 - failed, failed });
      if (state.phase === 'closed') continue;
      opened++;
      state = CLOSED;
    }
    expect(opened).toBeLessThanOrEqual(2);
  });
});

describe('an outage', () => {
  it('of an hour is found out about with at most 80 calls, and ends by itself within a minute and a half', () => {
    const hour = { fromMs: 60_000, untilMs: 60_000 + 3_600_000, endMs: 60_000 + 3_600_000 + 120_000, callers: 50 };
    const { probes, openedAtMs, closedAtMs } = play(hour);
    expect(openedAtMs).toBeGreaterThanOrEqual(hour.fromMs);
    expect(openedAtMs).toBeLessThan(hour.fromMs + 5_000);
    expect(probes).toBeGreaterThan(50);
    expect(probes).toBeLessThanOrEqual(80);
    expect(closedAtMs).toBeGreaterThan(hour.untilMs);
    expect(closedAtMs).toBeLessThan(hour.untilMs + 90_000);
  });

  it('lets one call through at a time, and another one when nothing was heard of it', () => {
    const open = failures(CLOSED, 5);
    const first = admit(open, 600, 10);
    expect(first).toMatchObject({ admitted: 1, isProbe: true });
    expect(admit(first.state, 700, 10)).toMatchObject({ admitted: 0 });
    expect(admit(first.state, 31_000, 10)).toMatchObject({ admitted: 1, isProbe: true });
    const given = afterReport(first.state, 700, { ok: 0, failed: 0, probe: 'none' });
    expect(admit(given, 701, 10)).toMatchObject({ admitted: 1, isProbe: true });
  });

  it('takes no answer of a call that was sent before it for a sign of life', () => {
    const open = failures(CLOSED, 5);
    expect(afterReport(open, 100, { ok: 50, failed: 0 })).toEqual(open);
  });

  it('goes on with the gaps that it had when the provider fails again as soon as calls come back', () => {
    let state = failures(CLOSED, 5);
    for (let probe = 0; probe < 6; probe++) state = afterReport(state, 0, { ok: 0, failed: 0, probe: 'failed' });
    expect(state.probeAtMs).toBe(gapMs(6));
    state = afterReport(state, 0, { ok: 0, failed: 0, probe: 'ok' });
    expect(state.phase).toBe('recovering');
    state = failures(state, 7, 1_000);
    expect(state).toMatchObject({ phase: 'open', probes: 6, probeAtMs: 1_000 + gapMs(6) });
  });
});

describe('the way back', () => {
  it('lets a few calls through at first, twice as many every two seconds, and after sixteen seconds everybody', () => {
    const open = admit(failures(CLOSED, 5), 600, 1).state;
    let state = afterReport(open, 1_000, { ok: 0, failed: 0, probe: 'ok' });
    const bySecond: number[] = [];
    for (let second = 0; second < 16; second++) {
      let passed = 0;
      for (let ms = 0; ms < 1_000; ms += 50) {
        const turn = admit(state, 1_000 + second * 1_000 + ms, 1_000);
        passed += turn.admitted;
        state = turn.state;
      }
      bySecond.push(passed);
    }
    expect(bySecond[0]).toBeLessThanOrEqual(4);
    for (let second = 3; second < 16; second++) expect(bySecond[second]! / bySecond[second - 2]!).toBeLessThan(2.6);
    expect(admit(state, 17_000, 1_000)).toMatchObject({ admitted: 1_000, state: { phase: 'closed' } });
  });
});

describe('any story', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('report' as const), ok: fc.nat(30), failed: fc.nat(30) }),
    fc.record({
      kind: fc.constant('probe' as const),
      end: fc.constantFrom('ok' as const, 'failed' as const, 'none' as const),
    }),
    fc.record({ kind: fc.constant('admit' as const), calls: fc.nat(100) }),
  );

  it('never lets a second probe out beside the first, never waits longer than a minute, and ends when the provider is back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -5_000, max: 40_000 }), event), { maxLength: 120 }), (story) => {
        let state = CLOSED;
        let nowMs = 1_000_000;
        for (const [passMs, what] of story) {
          nowMs += passMs;
          if (what.kind === 'report') state = afterReport(state, nowMs, what);
          else if (what.kind === 'probe') state = afterReport(state, nowMs, { ok: 0, failed: 0, probe: what.end });
          else {
            const turn = admit(state, nowMs, what.calls);
            expect(turn.admitted).toBeLessThanOrEqual(what.calls);
            expect(waitMs(turn.state, nowMs, 0)).toBeLessThanOrEqual(60_000);
            if (turn.isProbe) {
              expect(turn.admitted).toBe(1);
              // The one before has been heard of, or was given up; a clock set back does not prolong it.
              expect(Math.min(state.leaseMs, nowMs + 30_000)).toBeLessThanOrEqual(nowMs);
            }
            state = turn.state;
          }
          expect(Number.isFinite(state.ok + state.failed + state.probeAtMs)).toBe(true);
        }
        // From wherever it is, good answers lead back to where everybody goes.
        for (let step = 0; step < 40 && state.phase !== 'closed'; step++) {
          nowMs += 60_000;
          const turn = admit(state, nowMs, 1);
          state = turn.isProbe ? afterReport(turn.state, nowMs, { ok: 0, failed: 0, probe: 'ok' }) : turn.state;
        }
        expect(state.phase).toBe('closed');
      }),
      { numRuns: 500 },
    );
  });
});
