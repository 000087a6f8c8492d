import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  afterReport,
  CLOSED,
  gapMs,
  waitMs,
  type BreakerState,
  type Caller,
} from '../../../limiter/circuit-breaker/transitions.ts';
import { seededRandom } from '../../../testing/fake-api/random.ts';

/** Callers of one endpoint, each for an account of its own. */
const callers = (count: number): Caller[] =>
  Array.from({ length: count }, (_, i) => ({ endpoint: 'items', account: `a${i}` }));

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
    const turn = admit(state, nowMs, [callers(options.callers)[caller]!]);
    if (closedAtMs === 0 && openedAtMs > 0 && turn.state.phase === 'closed') closedAtMs = nowMs;
    state = turn.state;
    const isProbe = turn.probe !== undefined;
    if (turn.admitted === 0 && !isProbe) {
      wakeAt[caller] = nowMs + waitMs(state, nowMs, caller, callers(options.callers)[caller]!);
      continue;
    }
    const isDown = nowMs >= options.fromMs && nowMs < options.untilMs;
    if (isDown && state.phase === 'open') probes++;
    sent++;
    const outcome = isProbe ? (isDown ? 'failed' : 'ok') : undefined;
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
    const first = admit(open, 600, callers(10));
    expect(first).toMatchObject({ admitted: 0, probe: expect.any(Number) });
    expect(admit(first.state, 700, callers(10))).toEqual({ admitted: 0, state: first.state });
    expect(admit(first.state, 31_000, callers(10))).toMatchObject({ admitted: 0, probe: expect.any(Number) });
    const given = afterReport(first.state, 700, { ok: 0, failed: 0, probe: 'none' });
    expect(admit(given, 701, callers(10))).toMatchObject({ admitted: 0, probe: expect.any(Number) });
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

describe('a provider as a whole', () => {
  const one = (state: BreakerState, endpoint: string, isUnreachable = false): BreakerState =>
    afterReport(state, 0, {
      ok: 0,
      failed: 1,
      failedLast: 1,
      unreachableLast: isUnreachable ? 1 : 0,
      endpoints: { [endpoint]: 1 },
    });
  const answer = (state: BreakerState): BreakerState => afterReport(state, 0, { ok: 1, failed: 0 });

  it('is not failing because one endpoint fails, however often, nor because several do while another answers', () => {
    let state = CLOSED;
    for (let call = 0; call < 100; call++) state = one(state, 'broken');
    expect(state.phase).toBe('closed');
    for (let call = 0; call < 200; call++) {
      state = one(one(one(state, 'broken'), 'down'), 'broken');
      state = answer(state);
    }
    expect(state.phase).toBe('closed');
  });

  it('is failing when calls of two endpoints fail in a row, or when five in a row find no connection', () => {
    let state = answer(CLOSED);
    for (let call = 0; call < 6; call++) state = one(state, call % 2 ? 'items' : 'users');
    expect(state.phase).toBe('closed');
    expect(one(state, 'items').phase).toBe('open');
    state = answer(CLOSED);
    for (let call = 0; call < 4; call++) state = one(state, 'items', true);
    expect(state.phase).toBe('closed');
    expect(one(state, 'items', true).phase).toBe('open');
  });

  it('whatever the order, stays closed while every other call of it is answered', () => {
    const endpoints = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 200 });
    fc.assert(
      fc.property(endpoints, (list) => {
        let state = CLOSED;
        for (const endpoint of list) {
          state = answer(one(state, endpoint));
          expect(state.phase).toBe('closed');
        }
      }),
    );
  });
});

describe('probes', () => {
  const who = (endpoint: string, account: string): Caller => ({ endpoint, account });
  const prober = (state: BreakerState, nowMs: number, list: Caller[]): Caller | undefined => {
    const { probe } = admit(state, nowMs, list);
    return probe === undefined ? undefined : list[probe];
  };

  it('take turns between endpoints, then between accounts', () => {
    const list = [who('items', 'a'), who('items', 'b'), who('users', 'a')];
    let state = failures(CLOSED, 5);
    const probed: Caller[] = [];
    for (let nowMs = 600; probed.length < 6; nowMs += 60_000) {
      const turn = admit(state, nowMs, list);
      probed.push(list[turn.probe!]!);
      state = afterReport(turn.state, nowMs, { ok: 0, failed: 0, probe: 'failed' });
    }
    expect(probed.map(({ endpoint }) => endpoint)).toEqual(['items', 'users', 'items', 'users', 'items', 'users']);
    const accounts = [who('items', 'a'), who('items', 'b')];
    let both = admit(failures(CLOSED, 5), 600, accounts).state;
    both = afterReport(both, 600, { ok: 0, failed: 0, probe: 'failed' });
    expect(prober(both, 60_000, accounts)).toEqual(who('items', 'b'));
  });

  it('are left to others for a moment by whoever made the last one, and made all the same when nobody comes', () => {
    const first = admit(failures(CLOSED, 5), 600, [who('items', 'a')]).state;
    let state = afterReport(first, 600, { ok: 0, failed: 0, probe: 'failed' });
    for (let probe = 0; probe < 8; probe++) state = afterReport(state, 600, { ok: 0, failed: 0, probe: 'failed' });
    const dueMs = state.probeAtMs;
    expect(prober(state, dueMs, [who('items', 'a')])).toBeUndefined();
    expect(prober(state, dueMs, [who('items', 'a'), who('users', 'b')])).toEqual(who('users', 'b'));
    expect(prober(state, dueMs + 1_000, [who('items', 'a')])).toEqual(who('items', 'a'));
    expect(waitMs(state, dueMs - 100, 0, who('items', 'a'))).toBe(1_100);
    expect(waitMs(state, dueMs - 100, 0, who('users', 'a'))).toBe(100);
  });
});

describe('the way back', () => {
  it('lets a few calls through at first, twice as many every two seconds, and after sixteen seconds everybody', () => {
    const open = admit(failures(CLOSED, 5), 600, callers(1)).state;
    let state = afterReport(open, 1_000, { ok: 0, failed: 0, probe: 'ok' });
    const bySecond: number[] = [];
    for (let second = 0; second < 16; second++) {
      let passed = 0;
      for (let ms = 0; ms < 1_000; ms += 50) {
        const turn = admit(state, 1_000 + second * 1_000 + ms, callers(1_000));
        passed += turn.admitted;
        state = turn.state;
      }
      bySecond.push(passed);
    }
    expect(bySecond[0]).toBeLessThanOrEqual(4);
    for (let second = 3; second < 16; second++) expect(bySecond[second]! / bySecond[second - 2]!).toBeLessThan(2.6);
    expect(admit(state, 17_000, callers(1_000))).toMatchObject({ admitted: 1_000, state: { phase: 'closed' } });
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

  it('never lets a second probe out beside the first, never waits longer than a minute and a second, and ends when the provider is back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -5_000, max: 40_000 }), event), { maxLength: 120 }), (story) => {
        let state = CLOSED;
        let nowMs = 1_000_000;
        for (const [passMs, what] of story) {
          nowMs += passMs;
          if (what.kind === 'report') state = afterReport(state, nowMs, what);
          else if (what.kind === 'probe') state = afterReport(state, nowMs, { ok: 0, failed: 0, probe: what.end });
          else {
            const turn = admit(state, nowMs, callers(what.calls));
            expect(turn.admitted).toBeLessThanOrEqual(what.calls);
            expect(waitMs(turn.state, nowMs, 0, callers(1)[0]!)).toBeLessThanOrEqual(61_000);
            if (turn.probe !== undefined) {
              expect(turn.admitted).toBe(0);
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
          const turn = admit(state, nowMs, callers(1));
          state =
            turn.probe !== undefined ? afterReport(turn.state, nowMs, { ok: 0, failed: 0, probe: 'ok' }) : turn.state;
        }
        expect(state.phase).toBe('closed');
      }),
      { numRuns: 500 },
    );
  });
});
