/** Buckets, windows by the clock, days of a zone, costs that are told later, limits by plan: each against the very counter that plays it. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BucketLimit, CalendarLimit, Charge, LimitSpec, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type AcquireResult, type Limiter, type Permit } from '../../../limiter/index.ts';
import { createCounter, type LimitKind, type LimitNumbers } from '../../../testing/fake-api/limits/limit-counters.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { playClock, type PlayedClock } from '../../setup/played-clock.ts';

// The database's clock is played by a table, so that days pass in milliseconds.
let database: TestDatabase;
let limiter: Limiter;
let clock: PlayedClock;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  clock = await playClock(database.pool);
  limiter = createLimiter({ pool: database.pool, maxRetryAfterMs: 1e12, sweep: { everyMs: 0 } });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const hourMs = 3_600_000;
const charge = (limit: LimitSpec, scope: string, cost = 1): Charge => ({
  limit,
  key: `kinds/${limit.name}/${scope}`,
  cost,
});
const ask = (charges: Charge[], callKey = `call-${++serial}`): Promise<AcquireResult> =>
  limiter.acquire({ callKey, account: 'a', charges, maxWaitMs: 0 });
async function tryTake(charges: Charge[]): Promise<Permit | undefined> {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await ask(charges);
    if (answer.granted) return answer.permit;
    await limiter.abandon(`call-${serial}`);
    // On a busy machine a permit may be too old when it arrives; it has been given back then.
    if (answer.wait.cause !== 'queue') break;
  }
  return undefined;
}
/** How long a call that asks now has to wait, in milliseconds. It gives its place up again. */
async function waitMs(charges: Charge[]): Promise<number> {
  const answer = await ask(charges);
  await limiter.abandon(`call-${serial}`);
  return answer.granted ? 0 : answer.retryAfterMs;
}
/** Takes as many as there are now. */
async function drain(charges: Charge[], most = 100): Promise<number> {
  let taken = 0;
  while (taken < most && (await tryTake(charges))) taken++;
  return taken;
}
/** A process that was busy just now sends late, and leaves as much more of the burst unused. */
function expectBurst(taken: number, most: number): void {
  expect(taken).toBeGreaterThanOrEqual(most - 4);
  expect(taken).toBeLessThanOrEqual(most);
}
/** What a third party that counts like this says of calls that arrive at these times. */
function violations(
  kind: LimitKind,
  numbers: LimitNumbers,
  arrivals: readonly { atMs: number; cost: number }[],
): number {
  const counter = createCounter(kind, () => numbers, 0);
  let count = 0;
  for (const { atMs, cost } of arrivals.toSorted((a, b) => a.atMs - b.atMs)) {
    if (counter.room(atMs) < cost - 1e-6) count++;
    counter.take(atMs, cost);
  }
  return count;
}

describe('a bucket', () => {
  const bucket: BucketLimit = { kind: 'bucket', name: 'bucket', perSecond: 10, burst: 20 };

  it('gives its burst at once, less what may be on its way, and then its flow', async () => {
    const charges = [charge(bucket, 'burst')];
    expectBurst(await drain(charges), 19);
    await clock.pass(1_000);
    expect(await drain(charges)).toBe(10);
    await clock.pass(60_000);
    expectBurst(await drain(charges), 19);
  });

  it('of one call, as in one each two seconds, keeps its calls so far apart', async () => {
    const slow: BucketLimit = { kind: 'bucket', name: 'slow', perSecond: 0.5, burst: 1 };
    const charges = [charge(slow, 'one')];
    expect(await drain(charges)).toBe(1);
    await clock.pass(2_000);
    expect(await drain(charges)).toBe(0);
    await clock.pass(100);
    expect(await drain(charges)).toBe(1);
  });

  it('is never overdrawn at the third party, whatever calls cost and however differently they travel within the guard', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perSecond: fc.constantFrom(0.2, 1, 7, 50),
          burst: fc.integer({ min: 1, max: 40 }),
          guardMs: fc.constantFrom(0, 50, 200),
        }),
        fc.array(
          fc.record({
            gap: fc.double({ min: 0, max: 1, noNaN: true }),
            calls: fc.integer({ min: 1, max: 12 }),
            cost: fc.constantFrom(1, 1, 2, 0.5),
            travels: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
          { minLength: 5, maxLength: 25 },
        ),
        async ({ perSecond, burst, guardMs }, rounds) => {
          const limit: BucketLimit = { kind: 'bucket', name: 'any', perSecond, burst, guardMs };
          const kept = burst - (perSecond * guardMs) / 1_000;
          const scope = `any-${++serial}`;
          const arrivals: { atMs: number; cost: number }[] = [];
          for (const { gap, calls, cost, travels } of rounds) {
            await clock.pass(gap * gap * 4_000 * (burst / perSecond > 4 ? 4 : 1));
            if (cost > Math.max(1, kept)) continue;
            for (let call = 0; call < calls; call++)
              if (await tryTake([charge(limit, scope, cost)]))
                arrivals.push({ atMs: clock.nowMs() + travels * guardMs, cost });
          }
          expect(arrivals.length).toBeGreaterThan(0);
          expect(violations('token-bucket', { max: perSecond, perMs: 1_000, burst }, arrivals)).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('uses nearly all of the flow when it is asked for more', async () => {
    const charges = [charge(bucket, 'flow')];
    let taken = 0;
    for (let step = 0; step < 200; step++) {
      taken += await drain(charges);
      await clock.pass(300);
    }
    expect(taken).toBeGreaterThanOrEqual(0.99 * 10 * 60);
    expect(taken).toBeLessThanOrEqual(20 + 10 * 60);
  });

  it('says when there is enough again', async () => {
    const charges = [charge(bucket, 'eta')];
    await drain(charges);
    const answer = await ask(charges);
    expect(answer).toMatchObject({ granted: false, wait: { cause: 'full' } });
    expect((await limiter.explain(charges)).etaMs).toBeGreaterThan(0);
    expect((await limiter.explain(charges)).etaMs).toBeLessThan(400);
    expect(await limiter.show('kinds/bucket/eta')).toMatchObject({
      kind: 'bucket',
      state: 'full',
      max: 19,
      ratePerSecond: 10,
    });
  });

  it('takes back what a call did not cost, and believes the third party that there is less', async () => {
    const points: BucketLimit = { kind: 'bucket', name: 'points', perSecond: 50, burst: 1_000 };
    const charges = [charge(points, 'x', 900)];
    const permit = (await tryTake(charges))!;
    expect(await tryTake(charges)).toBeUndefined();
    await limiter.report(permit, { result: 'ok', actualCost: { points: 20 } });
    await expect.poll(async () => (await limiter.show('kinds/points/x'))?.used).toBeLessThan(30);
    const again = (await tryTake(charges))!;
    await limiter.report(again, { result: 'ok', quotas: [{ limit: 'points', max: 1_000, remaining: 10 }] });
    await expect.poll(async () => (await limiter.show('kinds/points/x'))?.used).toBeGreaterThan(980);
  });

  it('is empty after a crash of the database, which may have lost what was granted last', async () => {
    const charges = [charge(bucket, 'crash')];
    await drain(charges, 3);
    await database.pool.query('truncate sluice.limit_alive'); // what a crash does to an unlogged table
    expect(await drain(charges)).toBe(0);
    await clock.pass(1_000);
    expect(await drain(charges)).toBe(10);
  });

  it('can be overridden, and declared anew', async () => {
    const charges = [charge(bucket, 'over')];
    await drain(charges);
    await limiter.override('kinds/bucket/over', { ratePerSecond: 1 });
    await clock.pass(5_000);
    expect(await drain(charges)).toBe(5);
    await limiter.override('kinds/bucket/over', {});
    await clock.pass(1_000);
    expect(await drain(charges)).toBe(10);
    const wider = [charge({ ...bucket, burst: 50 }, 'over')];
    expect(await drain(wider)).toBe(0);
    await clock.pass(60_000);
    expectBurst(await drain(wider), 49);
  });

  it('may be made of what was a window, without a burst for what that had granted', async () => {
    const window: WindowLimit = { kind: 'window', name: 'bucket', max: 20, perMs: 2_000 };
    expect(await drain([charge(window, 'was')])).toBe(20);
    expect(await drain([charge(bucket, 'was')])).toBe(0);
    await clock.pass(500);
    expect(await drain([charge(bucket, 'was')])).toBe(5);
  });
});

describe('a window by the clock', () => {
  const minute: WindowLimit = { kind: 'window', name: 'minute', max: 10, perMs: 60_000, aligned: true };
  const at = (text: string): Promise<void> => clock.set(Date.parse(text));

  it('is whole again at each full minute, a second later for the sake of clocks that disagree', async () => {
    await at('2026-03-02T10:00:45Z');
    const charges = [charge(minute, 'x')];
    expect(await drain(charges)).toBe(10);
    expect((await waitMs(charges)) / 1_000).toBeCloseTo(16, 0);
    await at('2026-03-02T10:01:00.900Z');
    expect(await drain(charges)).toBe(0);
    await at('2026-03-02T10:01:01.100Z');
    expect(await drain(charges)).toBe(10);
  });

  it('counts calls that are made close to its end for the next one too', async () => {
    await at('2026-03-02T11:00:30Z');
    const charges = [charge(minute, 'edge')];
    await drain(charges, 4);
    await at('2026-03-02T11:00:59.500Z');
    expect(await drain(charges, 5)).toBe(5);
    await at('2026-03-02T11:01:05Z');
    expect(await drain(charges)).toBe(5);
    await at('2026-03-02T11:02:05Z');
    expect(await drain(charges)).toBe(10);
  });

  it('may begin at another moment than the full minute', async () => {
    await at('2026-03-02T12:00:10Z');
    const charges = [charge({ ...minute, name: 'shifted', offsetMs: 15_000 }, 'x')];
    await drain(charges);
    await at('2026-03-02T12:00:16.100Z');
    expect(await drain(charges)).toBe(10);
  });

  it('is never exceeded at a third party whose clock is apart by up to the guard', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(-900, -300, 0, 450, 1_000),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 8 })), {
          minLength: 5,
          maxLength: 30,
        }),
        async (max, apartMs, rounds) => {
          const limit = { ...minute, name: 'apart', max };
          const scope = `apart-${++serial}`;
          const arrivals: { atMs: number; cost: number }[] = [];
          for (const [gapMs, calls] of rounds) {
            await clock.pass(gapMs);
            for (let call = 0; call < calls; call++)
              if (await tryTake([charge(limit, scope)])) arrivals.push({ atMs: clock.nowMs() + apartMs, cost: 1 });
          }
          expect(violations('fixed', { max, perMs: 60_000 }, arrivals)).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('says what others used of it', async () => {
    await at('2026-03-02T14:00:30Z');
    const charges = [charge(minute, 'others')];
    const permit = (await tryTake(charges))!;
    await limiter.report(permit, { result: 'ok', quotas: [{ limit: 'minute', remaining: 2, resetAfterMs: 30_000 }] });
    await expect.poll(async () => (await limiter.show('kinds/minute/others'))?.used).toBe(8);
    expect(await drain(charges)).toBe(2);
    await at('2026-03-02T14:01:02Z');
    expect(await drain(charges)).toBe(10);
  });
});

describe('a day of a zone', () => {
  const daily: CalendarLimit = { kind: 'calendar', name: 'daily', max: 5, per: 'day', zone: 'Europe/Berlin' };

  it('ends at its midnight, also on the day on which summer time begins', async () => {
    // 24:00 in Berlin; the day that follows has 23 hours.
    await clock.set(Date.parse('2026-03-28T22:00:00Z'));
    const charges = [charge(daily, 'x')];
    expect(await drain(charges)).toBe(5);
    expect((await waitMs(charges)) / hourMs).toBeCloseTo(1, 2);
    await clock.set(Date.parse('2026-03-28T23:00:02Z'));
    expect(await drain(charges)).toBe(5);
    expect((await waitMs(charges)) / hourMs).toBeCloseTo(23, 2);
    await clock.set(Date.parse('2026-03-29T22:00:00.500Z'));
    expect(await drain(charges)).toBe(0);
    await clock.set(Date.parse('2026-03-29T22:00:01.500Z'));
    expect(await drain(charges)).toBe(5);
  });

  it.each([
    ['week', '2026-04-05T23:59:00Z', '2026-04-06T00:00:01.100Z'],
    ['month', '2026-04-30T23:59:00Z', '2026-05-01T00:00:01.100Z'],
  ] as const)('may be a %s, too', async (per, before, after) => {
    await clock.set(Date.parse(before));
    const charges = [charge({ ...daily, name: per, per, zone: 'UTC' }, 'x')];
    expect(await drain(charges)).toBe(5);
    await clock.set(Date.parse(after));
    expect(await drain(charges)).toBe(5);
  });

  it('is never exceeded at a third party that keeps the same calendar', async () => {
    const zone = 'America/New_York';
    const limit: CalendarLimit = { ...daily, name: 'any-day', zone };
    // Across the end of summer time there, on 1 November.
    await clock.set(Date.parse('2026-10-29T00:00:00Z'));
    const arrivals: { atMs: number; cost: number }[] = [];
    for (let step = 0; step < 60; step++) {
      await clock.pass(2 * hourMs + 777_000);
      for (let call = 0; call < 3; call++)
        if (await tryTake([charge(limit, 'x')])) arrivals.push({ atMs: clock.nowMs(), cost: 1 });
    }
    const counter = createCounter('calendar', () => ({ max: 5, perMs: 1, per: 'day', zone }), 0);
    for (const { atMs } of arrivals) {
      expect(counter.room(atMs)).toBeGreaterThanOrEqual(1);
      counter.take(atMs, 1);
    }
    expect(arrivals.length).toBeGreaterThanOrEqual(25);
  });
});

describe('no limit', () => {
  const none: Charge = { limit: { kind: 'none', name: 'unlimited' }, key: 'kinds/unlimited/a', cost: 1 };

  it('counts nothing, and is blocked by a refusal all the same', async () => {
    expect(await drain([none], 50)).toBe(50);
    const permit = (await tryTake([none]))!;
    expect(await limiter.show(none.key)).toMatchObject({ state: 'free', text: 'no limit is declared' });
    await limiter.report(permit, { result: 'refused', blockForMs: 60_000, reason: 'HTTP 429' });
    const answer = await ask([none]);
    expect(answer).toMatchObject({ granted: false, wait: { cause: 'blocked', key: none.key } });
    expect((await limiter.show(none.key))?.text).toMatch(/^no limit is declared, blocked for 60 s \(HTTP 429\)/);
    await clock.pass(70_000);
    expect(await tryTake([none])).toBeDefined();
  });
});

describe('a limit whose numbers are wrong', () => {
  it.each<[string, LimitSpec, RegExp]>([
    ['no number', { kind: 'window', name: 'w', max: Number.NaN, perMs: 1_000 }, /`max` is NaN; it must be at least 1/],
    [
      'a short aligned window',
      { kind: 'window', name: 'w', max: 1, perMs: 2_000, aligned: true },
      /longer than four times/,
    ],
    ['an offset of nothing', { kind: 'window', name: 'w', max: 1, perMs: 60_000, offsetMs: 5 }, /add `aligned: true`/],
    ['no flow', { kind: 'bucket', name: 'b', perSecond: 0, burst: 1 }, /`perSecond` is 0/],
    ['no zone', { kind: 'calendar', name: 'c', max: 1, per: 'day', zone: 'Mars/Base' }, /no time zone "Mars\/Base"/],
  ])('is refused with a sentence: %s', async (_name, limit, message) => {
    await expect(ask([charge(limit, 'wrong')])).rejects.toThrow(message);
    await expect(ask([charge(limit, 'wrong')])).rejects.toThrow(TypeError);
  });
});
