/**
 * The numbers of a bucket's row: what is used is what its slots hold, whatever happens in which order.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter, type Permit } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { playClock, type PlayedClock } from '../../setup/played-clock.ts';

let serial = 0;
const chargesOf = (scope: string, max: number, cost: number): Charge[] => [
  { limit: { kind: 'window', name: 'minute', max: 5 * max, perMs: 60_000 }, key: `ring/minute/${scope}`, cost },
  { limit: { kind: 'window', name: 'second', max, perMs: 1_000 }, key: `ring/second/${scope}`, cost },
  { limit: { kind: 'inflight', name: 'flight', max: 2 * max }, key: `ring/flight/${scope}`, cost: 1 },
];

describe('a row after any calls, refunds, corrections and steps of the clock', () => {
  let database: TestDatabase;
  let limiter: Limiter;
  let clock: PlayedClock;
  beforeAll(async () => {
    database = await createTestDatabase();
    clock = await playClock(database.pool);
    limiter = createLimiter({ pool: database.pool });
  });
  afterAll(async () => {
    await limiter.stop();
    await database.drop();
  });

  it('has used what its slots hold, and never more than the limit', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('call' as const), cost: fc.integer({ min: 0, max: 3 }) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('end' as const), remaining: fc.integer({ min: 0, max: 9 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('not-sent' as const) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('wait' as const),
          ms: fc.constantFrom(1, 4, 9, 30, 250, 1_300, 70_000),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('step back' as const), ms: fc.constantFrom(3, 400, 5_000) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 20 }),
        fc.array(step, { minLength: 20, maxLength: 60 }),
        async (max, steps) => {
          const scope = `s${++serial}`;
          const out: Permit[] = [];
          for (const step of steps) {
            if (step.do === 'call') {
              const callKey = `ring-${++serial}`;
              const answer = await limiter.acquire({
                callKey,
                account: 'a',
                charges: chargesOf(scope, max, step.cost),
                maxWaitMs: 0,
              });
              if (answer.granted) out.push(answer.permit);
              else await limiter.abandon(callKey);
            } else if (step.do === 'wait') await clock.pass(step.ms);
            else if (step.do === 'step back') await clock.pass(-step.ms);
            else {
              const permit = out.shift();
              if (permit === undefined) continue;
              await limiter.report(
                permit,
                step.do === 'not-sent'
                  ? { result: 'not-sent' }
                  : { result: 'ok', quotas: [{ limit: 'minute', remaining: step.remaining, resetAfterMs: 20_000 }] },
              );
            }
            const { rows } = await database.pool.query<{ key: string; used: number; held: number; max: number }>(
              `select b.key, b.used, b.max, b.filling + (select sum(units) from unnest(b.ring) units) as held
               from sluice.limit_bucket b where b.key like 'ring/%/' || $1`,
              [scope],
            );
            for (const row of rows) {
              expect(row.used, row.key).toBe(row.held);
              expect(row.used, row.key).toBeGreaterThanOrEqual(0);
            }
            for (const row of rows.filter(({ key }) => !key.startsWith('ring/minute')))
              expect(row.used, row.key).toBeLessThanOrEqual(row.max);
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  it('does not take a slot that comes round for the old one of the same place', async () => {
    const limit = { kind: 'window', name: 'second', max: 10, perMs: 1_000 } as const;
    const isGranted = async (scope: number, cost: number) => {
      const callKey = `ring-${++serial}`;
      const charges = [{ limit, key: `ring/round/${scope}`, cost }];
      const { granted } = await limiter.acquire({ callKey, account: 'a', charges, maxWaitMs: 0 });
      if (!granted) await limiter.abandon(callKey);
      return granted;
    };
    // The ring of this window is some 1.4 s long.
    for (let laterMs = 1_100; laterMs < 1_700; laterMs += 4) {
      const scope = ++serial;
      expect(await isGranted(scope, 1)).toBe(true);
      await clock.pass(laterMs);
      expect(await isGranted(scope, 4)).toBe(true);
      await clock.pass(150);
      expect(await isGranted(scope, 6), `${laterMs} ms`).toBe(true);
      expect(await isGranted(scope, 1), `${laterMs} ms`).toBe(false);
    }
  }, 60_000);
});
