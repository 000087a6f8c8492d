import { describe, expect, it } from 'vitest';
import { refusedShare, total } from '../../../bench/learned/measure.ts';
import { ourClient } from '../../../bench/learned/our-client.ts';
import type { OurClient } from '../../../bench/learned/our-client.ts';
import { hiddenServer, perSecond } from '../../../bench/learned/servers.ts';
import type { Answer, ServerSpec } from '../../../bench/learned/servers.ts';
import { run, runOn } from '../../../bench/learned/world.ts';
import type { Run } from '../../../bench/learned/world.ts';

const minute = 60_000;

/** Lets 64 workers that always want more meet a hidden limit, in virtual time. */
function meet(
  server: ServerSpec,
  minutes: number,
  more: { latencyMs?: number; stallMs?: number; seed?: number; ceilingPerSecond?: number } = {},
): { run: Run; client: OurClient } {
  const { latencyMs = 200, seed = 11, stallMs, ...limit } = more;
  const client = ourClient({ kind: 'learned', name: 'hidden', ...limit });
  const world = { server, durationMs: minutes * minute, workers: 64, seed, latencyMs, ...(stallMs ? { stallMs } : {}) };
  return { client, run: run(world, () => client) };
}

function steady(run: Run, server: ServerSpec, minutes: number): { used: number; refused: number } {
  const [fromS, toS] = [minutes * 30, minutes * 60];
  return {
    used: total(run.accepted, fromS, toS) / (perSecond(server) * (toS - fromS)),
    refused: refusedShare(run, fromS, toS),
  };
}

describe('the control law against a hidden limit, in virtual time', () => {
  it.each<[string, ServerSpec, number]>([
    ['a token bucket of 13/s', { kind: 'token', max: 13, perMs: 1000 }, 20],
    ['a token bucket of 3 a minute', { kind: 'token', max: 3, perMs: minute }, 400],
    ['a fixed window of 400 in 45 s', { kind: 'fixed', max: 400, perMs: 45_000 }, 30],
    ['a sliding window of 400 in 45 s', { kind: 'sliding', max: 400, perMs: 45_000 }, 30],
  ])('uses nearly all of %s in the steady half and is hardly ever refused', (_name, server, minutes) => {
    const { used, refused } = steady(meet(server, minutes).run, server, minutes);
    expect(used).toBeGreaterThan(0.94);
    expect(refused).toBeLessThan(0.006);
  });

  it('recognises a window of 15 calls in 15 minutes and keeps it exactly', () => {
    const server: ServerSpec = { kind: 'fixed', max: 15, perMs: 15 * minute };
    const { client, run } = meet(server, 300);
    const { used, refused } = steady(run, server, 300);
    expect(client.law().window?.max).toBeGreaterThanOrEqual(14);
    expect(client.law().window?.max).toBeLessThanOrEqual(15);
    expect((client.law().window?.perMs ?? 0) / (15 * minute)).toBeCloseTo(1, 1);
    expect(used).toBeGreaterThan(0.88);
    expect(refused).toBeLessThan(0.005);
  });

  it.each<[number, number]>([
    [10, minute],
    [15, minute],
    [30, 5 * minute],
  ])('uses a fixed window of %i in %i ms whose end is told nearly whole', (max, perMs) => {
    for (const seed of [1, 2, 3]) {
      const server: ServerSpec = { kind: 'fixed', max, perMs, retryAfter: true };
      expect(steady(meet(server, 90, { seed }).run, server, 90).used).toBeGreaterThan(0.93);
    }
  });

  it.each<[ServerSpec['kind'], number]>([
    ['sliding', 15],
    ['sliding', 40],
  ])('does not take the wait that a %s window of %i a minute always tells for its end', (kind, max) => {
    const server: ServerSpec = { kind, max, perMs: minute };
    for (const seed of [1, 2]) {
      const hidden = hiddenServer(server, seed);
      const arrive = (nowMs: number): Answer => {
        const answer = hidden.arrive(nowMs);
        return answer.kind === 'refused' ? { ...answer, retryAfterMs: minute } : answer;
      };
      const world = { server, durationMs: 60 * minute, workers: 6, seed, latencyMs: 200 };
      const run = runOn({ ...hidden, arrive }, world, () => ourClient({ kind: 'learned', name: 'hidden' }));
      expect(steady(run, server, 60).used).toBeGreaterThan(0.8);
    }
  });

  it('waits exactly as long as the server asks', () => {
    const server: ServerSpec = { kind: 'fixed', max: 20, perMs: 5 * minute, retryAfter: true };
    const { run } = meet(server, 60);
    // The first window's end is met by one probe: besides it only calls that were in flight at the end are refused.
    expect(total(run.refused, 0, 3600)).toBeLessThan(15);
    expect(steady(run, server, 60).used).toBeGreaterThan(0.9);
  });

  it('halves within seconds and doubles within a minute', () => {
    const halved = meet({ kind: 'token', max: 20, perMs: 1000, changes: [{ atMs: 600_000, factor: 0.5 }] }, 15).run;
    expect(refusedShare(halved, 620, 900)).toBeLessThan(0.01);
    expect(total(halved.accepted, 620, 900)).toBeGreaterThan(0.92 * 280 * 10);
    const doubled = meet({ kind: 'token', max: 20, perMs: 1000, changes: [{ atMs: 600_000, factor: 2 }] }, 15).run;
    expect(total(doubled.accepted, 665, 900)).toBeGreaterThan(0.9 * 235 * 40);
  });

  it('probes an outage of one hour at a trickle, keeps what it learned and comes back within seconds', () => {
    const outage = { fromMs: 10 * minute, toMs: 70 * minute };
    const { client, run } = meet({ kind: 'token', max: 20, perMs: 1000, outage }, 75);
    const backS = run.accepted.findIndex((count, second) => second > 4200 && count > 0);
    expect(total(run.failed, 610, 4200)).toBeLessThanOrEqual(70);
    expect(total(run.failed, 610, 4200)).toBeGreaterThan(50);
    expect(backS).toBeLessThan(4200 + 65);
    expect(total(run.accepted, backS + 5, backS + 15)).toBeGreaterThan(0.9 * 10 * 20);
    expect(client.law().state.limit).toBeGreaterThan(18);
  });

  it('does not grow while callers ask for less than it gives', () => {
    const client = ourClient({ kind: 'learned', name: 'hidden' });
    const world = {
      server: { kind: 'token', max: 1000, perMs: 1000 } as const,
      durationMs: 10 * minute,
      workers: 64,
      seed: 3,
      latencyMs: 200,
    };
    const result = run({ ...world, demandPerSecond: () => 5 }, () => client);
    expect(total(result.refused, 0, 600)).toBe(0);
    expect(client.law().ratePerSecond).toBeGreaterThan(5);
    expect(client.law().ratePerSecond).toBeLessThan(40);
  });

  it('never goes above its ceiling, and not into the limit when the ceiling is below it', () => {
    const { client, run } = meet({ kind: 'token', max: 50, perMs: 1000 }, 5, { ceilingPerSecond: 8 });
    expect(client.law().ratePerSecond).toBe(8);
    expect(total(run.refused, 0, 300)).toBe(0);
    expect(total(run.accepted, 100, 300)).toBeGreaterThan(0.95 * 200 * 8);
  });

  it.each<[string, ServerSpec, boolean]>([
    ['recognises a sliding window that is used unevenly', { kind: 'sliding', max: 450, perMs: 45_000 }, true],
    ['takes no token bucket for a window, however unevenly it is used', { kind: 'token', max: 10, perMs: 1000 }, false],
  ])('%s, and uses nearly all of it', (_name, server, isWindow) => {
    for (const seed of [1, 2, 3]) {
      const client = ourClient({ kind: 'learned', name: 'hidden' });
      // Little for some minutes, then more than can be had, in bursts of different lengths.
      const demandPerSecond = (nowMs: number): number => ((nowMs / minute) % 11 < 4 ? 3 : 16);
      const world = { server, durationMs: 90 * minute, workers: 256, latencyMs: 200, seed, demandPerSecond };
      const result = run(world, () => client);
      expect(client.law().window !== undefined).toBe(isWindow);
      if (isWindow) expect(Math.abs(client.law().state.window.hiMs / 45_000 - 1)).toBeLessThan(0.1);
      // After an hour: in the minutes of full demand ten calls a second can be had.
      const busy = (minuteNo: number): boolean => minuteNo % 11 >= 4;
      let accepted = 0;
      let could = 0;
      for (let no = 57; no < 90; no++)
        if (busy(no)) {
          accepted += total(result.accepted, no * 60, no * 60 + 60);
          could += 600;
        }
      expect(accepted / could).toBeGreaterThan(0.9);
      expect(refusedShare(result, 57 * 60, 90 * 60)).toBeLessThan(0.01);
    }
  });

  /** So much of the limit is asked for, two lengths of the window each: more than there is, less, little, and again. */
  const inWaves = (server: ServerSpec, seed: number): { client: OurClient; run: Run; toS: number } => {
    const client = ourClient({ kind: 'learned', name: 'hidden' });
    const share = (nowMs: number): number => [1.5, 0.6, 0.2][Math.floor(nowMs / (2 * server.perMs)) % 3] ?? 1;
    const durationMs = 30 * server.perMs;
    const demandPerSecond = (nowMs: number): number => perSecond(server) * share(nowMs);
    const world = { server, durationMs, workers: 256, latencyMs: 200, seed, demandPerSecond };
    return { client, run: run(world, () => client), toS: durationMs / 1000 };
  };

  it.each<[string, ServerSpec]>([
    ['78 calls in 23 min', { kind: 'fixed', max: 78, perMs: 1_372_000 }],
    ['300 calls in 15 min', { kind: 'fixed', max: 300, perMs: 15 * minute }],
  ])('knows a window that is hardly ever asked for all the time by its openings: %s', (_name, server) => {
    for (const seed of [1, 2, 3]) {
      const { client, run, toS } = inWaves(server, seed);
      const { max, hiMs } = client.law().state.window;
      expect(Math.abs(max / server.max - 1)).toBeLessThan(0.05);
      expect(Math.abs(hiMs / server.perMs - 1)).toBeLessThan(0.15);
      expect(refusedShare(run, toS / 2, toS)).toBeLessThan(0.02);
    }
  });

  it.each<[string, ServerSpec]>([
    ['900 calls in 15 min', { kind: 'sliding', max: 900, perMs: 15 * minute }],
    ['180 calls in 15 min', { kind: 'sliding', max: 180, perMs: 15 * minute }],
    ['450 calls in 2 min', { kind: 'sliding', max: 450, perMs: 2 * minute }],
  ])('knows a sliding window of few calls a second by a count that stays the same: %s', (_name, server) => {
    for (const seed of [1, 2, 3]) {
      const { client, run, toS } = inWaves(server, seed);
      expect(Math.abs(client.law().state.window.hiMs / server.perMs - 1)).toBeLessThan(0.15);
      const could = (perSecond(server) * (1 + 0.6 + 0.2) * (toS / 2)) / 3;
      expect(total(run.accepted, toS / 2, toS)).toBeGreaterThan(0.9 * could);
      expect(refusedShare(run, toS / 2, toS)).toBeLessThan(0.015);
    }
  });

  it('climbs out of an estimate that has fallen far below what was let through before', () => {
    const server: ServerSpec = { kind: 'sliding', max: 1886, perMs: 212_000 };
    for (const seed of [1, 2, 3]) {
      const { run, toS } = inWaves(server, seed);
      const could = (perSecond(server) * (1 + 0.6 + 0.2) * (toS / 2)) / 3;
      expect(total(run.accepted, toS / 2, toS)).toBeGreaterThan(0.85 * could);
    }
  });

  it('goes back to the rate from before when others who took a part of it have left, at few refusals', () => {
    const foreign = { share: 0.3, onMs: 4 * minute, offMs: 4 * minute };
    for (const seed of [1, 2, 3]) {
      const { run } = meet({ kind: 'fixed', max: 600, perMs: minute, foreign }, 48, { seed });
      // They are there in every second span of four minutes: on the average 85 % are left.
      expect(total(run.accepted, 240, 48 * 60)).toBeGreaterThan(0.87 * 0.85 * 10 * (48 * 60 - 240));
      expect(refusedShare(run, 240, 48 * 60)).toBeLessThan(0.01);
    }
  });

  it.each<[string, ServerSpec, number]>([
    ['7 calls in 60 s', { kind: 'sliding', max: 7, perMs: 60_000 }, 33],
    ['7 calls in 11 s', { kind: 'sliding', max: 7, perMs: 11_000 }, 264],
  ])('is not misled by a missed end of a sliding window of %s', (_name, server, latencyMs) => {
    for (const seed of [1, 2, 3]) {
      const { used, refused } = steady(meet(server, 60, { latencyMs, seed }).run, server, 60);
      expect(used).toBeGreaterThan(0.88);
      expect(refused).toBeLessThan(0.006);
    }
  });

  it('takes what a sliding window has let go of for no window of its own', () => {
    const demandPerSecond = (nowMs: number): number => [0.74, 0.355, 0.185][Math.floor(nowMs / 185_000) % 3] ?? 1;
    const server: ServerSpec = { kind: 'sliding', max: 30, perMs: minute };
    for (const seed of [1, 2, 3]) {
      const client = ourClient({ kind: 'learned', name: 'hidden' });
      run({ server, durationMs: 45 * minute, workers: 64, latencyMs: 41, seed, demandPerSecond }, () => client);
      expect(client.law().state.limit).toBeGreaterThan(0.43);
      expect(client.law().state.limit).toBeLessThan(0.53);
    }
  });

  it.each<[string, ServerSpec, number, number]>([
    ['a sliding window of 60 in 10 s', { kind: 'sliding', max: 60, perMs: 10_000 }, 25, 50],
    ['a fixed window of 40 in 2 s, which looks like a longer one', { kind: 'fixed', max: 40, perMs: 2000 }, 40, 75],
  ])('climbs at once from what it measured of %s', (_name, server, fromS, toS) => {
    for (const seed of [1, 2, 3, 4]) {
      const { run } = meet(server, 2, { latencyMs: 10, seed });
      expect(total(run.accepted, fromS, toS)).toBeGreaterThan(0.88 * perSecond(server) * (toS - fromS));
      expect(total(run.refused, 0, 120)).toBeLessThan(20);
    }
  });

  it('measures a slow bucket without losing the call that was on its way at the refusal', () => {
    const server: ServerSpec = { kind: 'token', max: 0.3, perMs: 1000 };
    for (const seed of [1, 2, 3]) {
      const { used, refused } = steady(meet(server, 34, { seed }).run, server, 34);
      expect(used).toBeGreaterThan(0.96);
      expect(refused).toBeLessThan(0.005);
    }
  });

  it('finds a fourfold limit although it took the bucket for a small window', () => {
    const server: ServerSpec = { kind: 'token', max: 1.6, perMs: 1000, depth: 4, changes: [{ atMs: 15 * minute, factor: 4 }] }; // prettier-ignore
    for (const seed of [1, 2, 3]) {
      const { run } = meet(server, 25, { latencyMs: 103, seed });
      expect(total(run.accepted, 1200, 1500)).toBeGreaterThan(0.9 * 300 * 6.4);
    }
  });

  it.each<[string, ServerSpec, number]>([
    ['a bucket of 20/s, 2 %', { kind: 'token', max: 20, perMs: 1000, sporadic: 0.02 }, 0.9],
    ['a bucket of 90/s, 0.5 %', { kind: 'token', max: 90, perMs: 1000, sporadic: 0.005 }, 0.8],
    ['a bucket of 200/s, 2 %', { kind: 'token', max: 200, perMs: 1000, sporadic: 0.02 }, 0.8],
    ['a window of 600 a minute, 0.5 %', { kind: 'fixed', max: 600, perMs: minute, sporadic: 0.005 }, 0.5],
    ['hardly any limit, 0.5 %', { kind: 'token', max: 5_000, perMs: 1000, sporadic: 0.005 }, 0.03],
  ])('is not made small by refusals that come by chance: %s', (_name, server, least) => {
    const runs = [1, 2, 3].map((seed) => steady(meet(server, 60, { seed }).run, server, 60));
    expect(runs.reduce((sum, { used }) => sum + used, 0) / runs.length).toBeGreaterThan(least);
    for (const { refused } of runs) expect(refused).toBeLessThan(0.06);
  });

  it.each<[string, ServerSpec]>([
    ['40 calls in 5 s', { kind: 'sliding', max: 40, perMs: 5_000 }],
    ['60 calls in 10 s', { kind: 'fixed', max: 60, perMs: 10_000 }],
    ['a bucket of 5/s', { kind: 'token', max: 5, perMs: 1000 }],
  ])('does not take a limit for another one where its own machine stands still now and then: %s', (_name, server) => {
    for (const stallMs of [1_500, 4_000])
      for (const seed of [1, 2, 3]) {
        const { used, refused } = steady(meet(server, 24, { seed, stallMs }).run, server, 24);
        expect(used).toBeGreaterThan(0.75);
        expect(used).toBeLessThanOrEqual(1.01);
        expect(refused).toBeLessThan(0.01);
      }
  });

  it('is the same run for the same seed', () => {
    const once = meet({ kind: 'fixed', max: 100, perMs: 20_000 }, 10);
    const again = meet({ kind: 'fixed', max: 100, perMs: 20_000 }, 10);
    expect(again.client.law()).toStrictEqual(once.client.law());
    expect(again.run.accepted).toStrictEqual(once.run.accepted);
  });
});
