import { describe, expect, it } from 'vitest';
import { refusedShare, total } from '../../../bench/learned/measure.ts';
import { ourClient } from '../../../bench/learned/our-client.ts';
import { perSecond } from '../../../bench/learned/servers.ts';
import type { ServerSpec } from '../../../bench/learned/servers.ts';
import { run } from '../../../bench/learned/world.ts';
import type { Run } from '../../../bench/learned/world.ts';
import { setBack } from '../../../limiter/adaptive/set-back.ts';
import type { LawState } from '../../../limiter/adaptive/state.ts';
import { initialLaw } from '../../../limiter/adaptive/step.ts';
import { passFew } from '../../../limiter/adaptive/windows/few-calls.ts';
import type { FewCalls } from '../../../limiter/adaptive/windows/few-state.ts';

const minute = 60_000;
const seeds = [1, 2, 3];

/** Sixteen workers that always want more, for an hour or twenty windows. */
function meet(
  server: ServerSpec,
  seed: number,
  isInUse = false,
): { run: Run; seconds: number; refusedAtMs: number[]; isKept: boolean } {
  const limit = { kind: 'learned', name: 'hidden' } as const;
  const client = ourClient(limit, 4, initialLaw(limit, 0, undefined, isInUse));
  const durationMs = Math.max(60 * minute, 20 * server.perMs);
  const refusedAtMs: number[] = [];
  const result = run({ server, durationMs, workers: 16, seed, latencyMs: 200 }, () => ({
    ...client,
    answered(nowMs, worker, permit, answer) {
      if (answer.kind === 'refused') refusedAtMs.push(nowMs);
      return client.answered(nowMs, worker, permit, answer);
    },
  }));
  return { run: result, seconds: durationMs / 1000, refusedAtMs, isKept: client.law().window !== undefined };
}

/** Refused until the first hundred calls were accepted. */
function searchCost({ accepted, refused }: Run): number {
  let second = 0;
  while (total(accepted, 0, second) < 100) second += 1;
  return total(refused, 0, second);
}

const windows: readonly ServerSpec[] = [
  { kind: 'fixed', max: 15, perMs: minute },
  { kind: 'sliding', max: 15, perMs: minute },
  { kind: 'fixed', max: 30, perMs: 5 * minute },
  { kind: 'sliding', max: 30, perMs: 5 * minute },
  { kind: 'fixed', max: 15, perMs: 15 * minute },
  { kind: 'sliding', max: 15, perMs: 15 * minute },
];

describe('the search of a hidden window of few calls', () => {
  it.each<[string, { told: boolean; inUse: boolean; most: number }]>([
    ['whose end is not told', { told: false, inUse: false, most: 15 }],
    ['whose end is told', { told: true, inUse: false, most: 7.5 }],
    ['of which others had calls before', { told: false, inUse: true, most: 30 }],
  ])(
    'costs few refusals until the first hundred calls are accepted, and finds nearly all of it: %s',
    (_name, { told, inUse, most }) => {
      for (const window of windows) {
        const server = { ...window, retryAfter: told };
        const runs = seeds.map((seed) => meet(server, seed, inUse));
        const cost = runs.reduce((sum, each) => sum + searchCost(each.run), 0) / runs.length;
        expect(cost).toBeLessThanOrEqual(most);
        for (const { run: result, seconds, isKept } of runs) {
          expect(isKept).toBe(true);
          expect(refusedShare(result, seconds / 2, seconds)).toBeLessThan(0.01);
          const had = total(result.accepted, seconds / 2, seconds);
          expect(had / ((perSecond(server) * seconds) / 2)).toBeGreaterThan(0.9);
        }
      }
    },
  );

  it('finds one of any other length by shorter ones that it tries', () => {
    for (const perMs of [32_000, 116_000, 697_000, 1_451_000])
      for (const kind of ['fixed', 'sliding'] as const) {
        const server: ServerSpec = { kind, max: 20, perMs };
        const used = seeds.map((seed) => {
          const { run: result, seconds } = meet(server, seed);
          return total(result.accepted, seconds / 2, seconds) / ((perSecond(server) * seconds) / 2);
        });
        expect(used.reduce((sum, each) => sum + each, 0) / used.length).toBeGreaterThan(0.87);
      }
  });

  it('counts no calls of two windows where its end came in the middle of the ramp', () => {
    for (const [max, minutes, phaseMs] of [
      [60, 5, 2_500],
      [60, 5, 3_500],
      [20, 15, 2_500],
    ] as const) {
      const server: ServerSpec = { kind: 'fixed', max, perMs: minutes * minute, phaseMs };
      for (const seed of seeds) {
        const { run: result, seconds } = meet(server, seed);
        const had = total(result.accepted, seconds / 2, seconds);
        expect(had / ((perSecond(server) * seconds) / 2)).toBeGreaterThan(0.93);
      }
    }
  });

  it('looks for its end twice at once, and then only where windows usually end', () => {
    const { refusedAtMs } = meet({ kind: 'sliding', max: 15, perMs: 60 * minute }, 1);
    const [first = 0] = refusedAtMs;
    // Of the first search; what was on its way at the first refusal is refused with it.
    const probes = refusedAtMs.filter((atMs) => atMs > first + 400 && atMs < 59 * minute);
    const usualS = [10, 20, 60, 150, 300, 900, 1_800];
    expect(probes).toHaveLength(2 + usualS.length);
    for (const [index, endS] of usualS.entries()) {
      const afterS = (probes[2 + index] ?? 0) / 1000;
      expect(afterS).toBeGreaterThan(endS);
      expect(afterS).toBeLessThan(1.02 * endS + 3);
    }
  });
});

it('is not refused at each end of a small window that it took for a little too many calls', () => {
  const server: ServerSpec = { kind: 'sliding', max: 5, perMs: 10_333, retryAfter: true };
  for (const seed of seeds) {
    const { run: result } = meet(server, seed);
    expect(total(result.refused, 0, 3600)).toBeLessThan(30);
  }
});

describe('while a shorter length is tried', () => {
  const few: FewCalls = { times: [80_000, 81_000, 82_000], wasMs: minute, triedAtMs: 70_000, tries: 1, isKnown: false };
  const { state } = initialLaw({ kind: 'learned', name: 'hidden' }, 0);
  const tried = (changes: Partial<LawState>): LawState => ({
    ...state,
    phase: 'cruise',
    nowMs: 90_000,
    window: { ...state.window, max: 15, loMs: 20_000, hiMs: 35_000, few },
    ...changes,
  });

  it('is given up where callers ask for less than it gives: nothing is seen of it then', () => {
    const s = tried({ demand: 0.3 });
    passFew(s, few);
    expect(s.window).toMatchObject({ hiMs: minute, few: { wasMs: 0, isKnown: false } });
    expect(s.limit).toBeCloseTo(15 / 60);
  });

  it('is believed once it was accepted for longer than the length before', () => {
    const early = tried({ demand: 1 });
    passFew(early, few);
    expect(early.window.few).toBe(few);
    const late = tried({ demand: 1, nowMs: 70_000 + 64_000 });
    passFew(late, few);
    expect(late.window).toMatchObject({ hiMs: 35_000, few: { wasMs: 0, isKnown: false } });
  });

  it('is timed by the same clock when that is set back', () => {
    const s = tried({});
    setBack(s, 10_000);
    expect(s.window.few).toEqual({ ...few, times: [70_000, 71_000, 72_000], triedAtMs: 60_000 });
  });
});
