/** Refusals of limits of days in the real limiter, its clock played. The law: `test/quick/limiter/refusal-law.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, LimitSpec } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter, type Observation } from '../../../limiter/index.ts';
import { createCounter } from '../../../testing/fake-api/limits/limit-counters.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { playClock, type PlayedClock } from '../../setup/played-clock.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
let database: TestDatabase;
let limiter: Limiter;
let clock: PlayedClock;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  clock = await playClock(database.pool);
  limiter = createLimiter({ pool: database.pool, maxRetryAfterMs: 1e9, sweep: { everyMs: 0 } });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const charge = (limit: LimitSpec): Charge => ({ limit, key: `long/${limit.name}/app`, cost: 1 });
const show = (limit: LimitSpec) => limiter.show(`long/${limit.name}/app`);
const perDay = (name: string, max = 10_000): LimitSpec => ({ kind: 'calendar', name, max, per: 'day', zone: 'UTC' });

/** One call after the other, 20 ms each. @returns when each was accepted and refused, in milliseconds since the beginning. */
async function callFor(
  limit: LimitSpec,
  most: { readonly forMs: number; readonly calls?: number },
  answer: (nowMs: number) => Observation,
): Promise<{ accepted: number[]; refused: number[] }> {
  const startedMs = clock.nowMs();
  const at = { accepted: [] as number[], refused: [] as number[] };
  for (let callKey = `call-${++serial}`; clock.nowMs() < startedMs + most.forMs;) {
    if (at.accepted.length >= (most.calls ?? Number.POSITIVE_INFINITY)) break;
    const acquired = await limiter.acquire({ callKey, account: 'a', charges: [charge(limit)], maxWaitMs: 0 });
    if (!acquired.granted) {
      await clock.pass(acquired.retryAfterMs);
      continue;
    }
    callKey = `call-${++serial}`;
    const observation = answer(clock.nowMs());
    await clock.pass(20);
    await limiter.report(acquired.permit, observation);
    at[observation.result === 'refused' ? 'refused' : 'accepted'].push(clock.nowMs() - startedMs);
  }
  return at;
}

describe('a limit of a day that is refused with room', () => {
  it.each<[string, LimitSpec]>([
    ['calendar', perDay('hidden')],
    ['window', { kind: 'window', name: 'hidden-rolling', max: 10_000, perMs: day }],
  ])(
    'since a smaller one is hidden in it is given out at the pace of that, and not over the day: %s',
    async (_, limit) => {
      const counter = createCounter('sliding', () => ({ max: 5, perMs: 1_000 }), 0);
      const answer = (nowMs: number): Observation => {
        if (counter.room(nowMs) < 1) return { result: 'refused' };
        counter.take(nowMs, 1);
        return { result: 'ok' };
      };
      const { accepted, refused } = await callFor(limit, { forMs: 10 * minute }, answer);
      // All of the hidden limit would be 3,000; evenly over the day would be 70.
      expect(accepted.length).toBeGreaterThan(1_500);
      expect(refused.length).toBeLessThan(0.06 * accepted.length);
      // Its number was never the trouble.
      expect((await show(limit))?.max).toBe(10_000);
    },
  );

  it('and without a time is asked again when the day ends at the latest, and is not slow the day after', async () => {
    const limit = perDay('spent');
    await clock.set(Math.ceil(clock.nowMs() / day) * day + 15 * hour);
    const midnightMs = Math.ceil(clock.nowMs() / day) * day;
    // Others have used it up, after 100 calls of ours.
    let left = 100;
    const { refused } = await callFor(limit, { forMs: 9 * hour + minute, calls: 101 }, (nowMs) =>
      nowMs < midnightMs && left-- <= 0 ? { result: 'refused' } : { result: 'ok' },
    );
    expect(refused.length).toBeGreaterThan(3);
    expect(refused.length).toBeLessThan(25);
    expect(clock.nowMs() - midnightMs).toBeGreaterThan(0);
    expect(clock.nowMs() - midnightMs).toBeLessThan(5_000);
    const next = await callFor(limit, { forMs: hour, calls: 2_000 }, () => ({ result: 'ok' }));
    expect(next.accepted.at(-1)).toBeLessThan(10 * minute);
  });

  it('at the same number again and again gives out no more than that', async () => {
    const limit = perDay('declared-too-large', 1_000);
    await clock.set(Math.ceil(clock.nowMs() / day) * day + minute);
    const counter = createCounter('calendar', () => ({ max: 300, perMs: 1, per: 'day', zone: 'UTC' }), 0);
    const answer = (nowMs: number): Observation => {
      if (counter.room(nowMs) < 1) return { result: 'refused' };
      counter.take(nowMs, 1);
      return { result: 'ok' };
    };
    const first = await callFor(limit, { forMs: 3 * day }, answer);
    expect(first.accepted.length).toBeGreaterThan(850);
    const then = await callFor(limit, { forMs: 2 * day }, answer);
    expect(then.accepted.length).toBeGreaterThan(500);
    expect(then.refused.length).toBeLessThan(0.1 * then.accepted.length);
  });
});
