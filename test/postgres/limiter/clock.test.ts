import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, LearnedLimit, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { playClock, type PlayedClock } from '../../setup/played-clock.ts';

// The database's clock is played by a table, so that hours pass in milliseconds and steps can be made.
let database: TestDatabase;
let limiter: Limiter;
let clock: PlayedClock;
let serial = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  clock = await playClock(database.pool);
  limiter = createLimiter({ pool: database.pool, maxRetryAfterMs: 1e9 });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const ask = (charges: Charge[], callKey = `call-${++serial}`) =>
  limiter.acquire({ callKey, account: 'a', charges, maxWaitMs: 0 });
/** Asks without leaving a ticket behind. */
const isGranted = async (charges: Charge[]) => {
  const { granted } = await ask(charges);
  if (!granted) await limiter.abandon(`call-${serial}`);
  return granted;
};
const windowOf = (max: number, perMs: number, guardMs = 100): WindowLimit => ({
  kind: 'window',
  name: 'window',
  max,
  perMs,
  guardMs,
});
const charge = (limit: WindowLimit, scope: string): Charge => ({ limit, key: `clock/window/${scope}`, cost: 1 });

function mostInAnyWindow(grantedAt: readonly number[], perMs: number): number {
  let first = 0;
  let most = 0;
  for (let last = 0; last < grantedAt.length; last++) {
    while (grantedAt[last]! - grantedAt[first]! >= perMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe('any arrivals at any window', () => {
  it('never put more than the limit into an interval of window and guard, and use nearly all of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(100, 777, 1_000, 60_000, 900_000, 86_400_000),
        fc.constantFrom(0, 100),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 12 })), {
          minLength: 10,
          maxLength: 40,
        }),
        async (max, perMs, guardMs, arrivals) => {
          const charges = [charge(windowOf(max, perMs, guardMs), `any-${++serial}`)];
          const grantedAt: number[] = [];
          let asked = 0;
          const startMs = clock.nowMs();
          for (const [gap, calls] of arrivals) {
            await clock.pass(gap * gap * perMs);
            for (let i = 0; i < calls; i++) {
              const answer = await ask(charges);
              asked++;
              if (answer.granted) grantedAt.push(clock.nowMs());
              else await limiter.abandon(`call-${serial}`);
            }
          }
          expect(mostInAnyWindow(grantedAt, perMs + guardMs)).toBeLessThanOrEqual(max);
          // Whatever could be granted in whole windows was granted.
          const wholeWindows = Math.floor((clock.nowMs() - startMs) / (perMs * 1.2 + guardMs));
          expect(grantedAt.length).toBeGreaterThanOrEqual(Math.min(max, asked));
          expect(grantedAt.length).toBeLessThanOrEqual(max * (wholeWindows * 1.3 + 2));
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it('are served at the time that was estimated, in the order in which they came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 6, max: 20 }), async (max, calls) => {
        const charges = [charge(windowOf(max, 60_000), `eta-${++serial}`)];
        const waiting: { key: string; atMs: number }[] = [];
        for (let i = 0; i < calls; i++) {
          const key = `eta-${++serial}`;
          const answer = await ask(charges, key);
          // The played clock stood still while the answer was on its way.
          if (!answer.granted) waiting.push({ key, atMs: clock.nowMs() + answer.retryAfterMs + 50 });
          await clock.pass(137);
        }
        for (const [i, { atMs }] of waiting.slice(1).entries()) expect(atMs).toBeGreaterThan(waiting[i]!.atMs - 500);
        let bounces = 0;
        for (const { key, atMs } of waiting) {
          await clock.set(Math.max(clock.nowMs(), atMs));
          for (let answer = await ask(charges, key); !answer.granted; answer = await ask(charges, key)) {
            bounces++;
            await clock.pass(answer.retryAfterMs);
          }
        }
        expect(bounces).toBeLessThanOrEqual(waiting.length * 0.2 + 1);
      }),
      { numRuns: 10 },
    );
  }, 120_000);
});

describe('a clock that is set back', () => {
  it('by five seconds never lets more through', async () => {
    const limit = windowOf(5, 60_000);
    const charges = [charge(limit, 'back-5')];
    // True time goes on while the database's clock steps back.
    const grantedAt: number[] = [];
    let trueMs = 0;
    const pass = async (ms: number, stepMs = 0) => {
      trueMs += ms;
      await clock.pass(ms + stepMs);
    };
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 3; i++) {
        const answer = await ask(charges);
        if (answer.granted) grantedAt.push(trueMs);
        else await limiter.abandon(`call-${serial}`);
      }
      await pass(4_000, round % 10 === 5 ? -5_000 : 0);
    }
    expect(mostInAnyWindow(grantedAt, 60_000)).toBeLessThanOrEqual(5);
    expect(grantedAt.length).toBeGreaterThan(10);
  });

  it('by a day stands still for no longer than the window', async () => {
    const limit = windowOf(2, 60_000);
    const charges = [charge(limit, 'back-day')];
    await ask(charges);
    await ask(charges);
    await clock.pass(-86_400_000);
    expect(await isGranted(charges)).toBe(false);
    await clock.pass(59_000);
    expect(await isGranted(charges)).toBe(false);
    await clock.pass(3_000);
    expect(await isGranted(charges)).toBe(true);
  });

  it('does not stop a learned limit', async () => {
    const limit: LearnedLimit = { kind: 'learned', name: 'token', startPerSecond: 10 };
    const charges: Charge[] = [{ limit, key: 'clock/token/back', cost: 1 }];
    expect(await isGranted(charges)).toBe(true);
    await clock.pass(-3_600_000);
    await isGranted(charges);
    await clock.pass(2_000);
    expect(await isGranted(charges)).toBe(true);
  });
});

describe('what is given back', () => {
  it('too late to matter changes nothing', async () => {
    const limit = windowOf(2, 1_000);
    const charges = [charge(limit, 'late')];
    const first = await ask(charges);
    if (!first.granted) throw new Error('not granted');
    await clock.pass(5_000);
    await ask(charges);
    await ask(charges);
    await limiter.report(first.permit, { result: 'not-sent' });
    await expect.poll(async () => (await limiter.show('clock/window/late'))?.used).toBe(2);
    expect((await ask(charges)).granted).toBe(false);
  });
});

describe('a crash of the database', () => {
  it('takes short windows for full, whose last grants may be lost, and of longer ones only what was reserved', async () => {
    const short = [charge(windowOf(10, 1_000), 'crash-short')];
    const long = [charge({ ...windowOf(100, 60_000), name: 'long' }, 'crash-long')];
    await ask(short);
    await ask(long);
    await database.pool.query('truncate sluice.limit_alive'); // what a crash does to an unlogged table
    expect((await ask(short)).granted).toBe(false);
    expect((await ask(long)).granted).toBe(true);
    // One before, one after, and the two that a commit had reserved.
    expect((await limiter.show('clock/window/crash-long'))?.used).toBe(4);
    await clock.pass(1_200);
    expect((await ask(short)).granted).toBe(true);
  });
});
