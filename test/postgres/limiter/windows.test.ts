import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Charge, WindowLimit } from '../../../contracts/limits/limit.ts';
import { createLimiter, type AcquireResult, type Limiter } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let database: TestDatabase;
let limiter: Limiter;
let serial = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  limiter = createLimiter({ pool: database.pool });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

const perMinute = (max: number, more: Partial<WindowLimit> = {}): WindowLimit => ({
  kind: 'window',
  name: 'minute',
  max,
  perMs: 60_000,
  ...more,
});
const charge = (limit: WindowLimit, scope: string, cost = 1): Charge => ({
  limit,
  key: `test/${limit.name}/${scope}`,
  cost,
});
const ask = (charges: Charge[], more: object = {}): Promise<AcquireResult> =>
  limiter.acquire({ callKey: `call-${++serial}`, account: 'a', charges, maxWaitMs: 0, ...more });
const granted = (results: AcquireResult[]): number => results.filter((result) => result.granted).length;

describe('known windows', () => {
  it('grants as much as the window holds, in one batch or in many, and no more', async () => {
    const limit = perMinute(10);
    const first = await Promise.all(Array.from({ length: 7 }, () => ask([charge(limit, 'w1')])));
    expect(granted(first)).toBe(7);
    const second = await Promise.all(Array.from({ length: 7 }, () => ask([charge(limit, 'w1')])));
    expect(granted(second)).toBe(3);
    const third = await ask([charge(limit, 'w1')]);
    expect(third).toMatchObject({ granted: false, wait: { key: 'test/minute/w1', limit: 'minute', cause: 'full' } });
    expect(!third.granted && third.retryAfterMs).toBeGreaterThan(55_000);
    expect(!third.granted && third.retryAfterMs).toBeLessThan(61_000);
  });

  it('charges several buckets together or none of them', async () => {
    const wide = perMinute(100, { name: 'app' });
    const narrow = perMinute(2);
    for (let i = 0; i < 4; i++) await ask([charge(wide, 'w2'), charge(narrow, 'w2')]);
    const { rows } = await database.pool.query(
      `select key, used from sluice.limit_bucket where key like '%/w2' order by key`,
    );
    expect(rows).toEqual([
      { key: 'test/app/w2', used: 2 },
      { key: 'test/minute/w2', used: 2 },
    ]);
  });

  it('waits in place until the window frees what was used, and not a moment less', async () => {
    const limit = perMinute(3, { name: 'short', perMs: 300, guardMs: 200 });
    const startedAt = performance.now();
    const results = await Promise.all(
      Array.from({ length: 6 }, () => ask([charge(limit, 'w3')], { maxWaitMs: 2_000 })),
    );
    expect(granted(results)).toBe(6);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(500);
    const waits = results.map((result) => (result.granted ? result.waitedMs : -1)).sort((a, b) => a - b);
    expect(waits[2]).toBeLessThan(490);
    expect(waits[3]).toBeGreaterThanOrEqual(495);
  });

  it('rounds costs to a grid on which sums are exact', async () => {
    const limit = perMinute(1);
    const results = await Promise.all(Array.from({ length: 12 }, () => ask([charge(limit, 'w4', 0.1)])));
    expect(granted(results)).toBe(9); // 0.1 is counted as 103/1024
    await expect(ask([charge(limit, 'w4', 2)])).rejects.toThrow(/can never be granted/);
  });

  it('leaves the reserved share to others', async () => {
    const limit = perMinute(10, { reserve: 0.3 });
    expect(granted(await Promise.all(Array.from({ length: 10 }, () => ask([charge(limit, 'w5')]))))).toBe(7);
  });

  it('gives back what was never sent', async () => {
    const limit = perMinute(1);
    const first = await ask([charge(limit, 'w6')]);
    expect(first.granted).toBe(true);
    expect((await ask([charge(limit, 'w6')], { callKey: 'w6-second' })).granted).toBe(false);
    if (first.granted) await limiter.report(first.permit, { result: 'not-sent' });
    expect(await ask([charge(limit, 'w6')], { callKey: 'w6-second', maxWaitMs: 0 })).toBeDefined();
    const { rows } = await database.pool.query(`select used from sluice.limit_bucket where key = 'test/minute/w6'`);
    expect(rows[0].used).toBeLessThanOrEqual(1);
  });

  it('blocks the key for everybody when the third party refuses, for as long as it says', async () => {
    const limit = perMinute(100);
    const first = await ask([charge(limit, 'w7')]);
    if (!first.granted) throw new Error('not granted');
    await limiter.report(first.permit, { result: 'refused', blockForMs: 20_000, reason: '429' });
    const other = createLimiter({ pool: database.pool });
    const second = await other.acquire({ callKey: 'w7-other', account: 'b', charges: [charge(limit, 'w7')] });
    expect(second).toMatchObject({ granted: false, wait: { cause: 'blocked' } });
    expect(!second.granted && second.retryAfterMs).toBeGreaterThan(19_000);
    await other.stop();
  });
});

describe('places in the queue', () => {
  it('keeps the order of one account over bounces', async () => {
    const limit = perMinute(2, { name: 'queue', perMs: 400, guardMs: 0 });
    const charges = [charge(limit, 'q1')];
    await ask(charges);
    await ask(charges);
    const keys = ['q1-a', 'q1-b', 'q1-c', 'q1-d'];
    for (const callKey of keys) expect((await ask(charges, { callKey })).granted).toBe(false);
    // The later ones come back first; the first two have the claim on the two units of the next window.
    const finished: string[] = [];
    await Promise.all(
      keys.toReversed().map(async (callKey) => {
        for (;;) {
          const result = await ask(charges, { callKey, maxWaitMs: 3_000 });
          if (result.granted) break;
        }
        finished.push(callKey);
      }),
    );
    expect(new Set(finished.slice(0, 2))).toEqual(new Set(['q1-a', 'q1-b']));
    expect(
      (
        await database.pool.query(
          'select count(*)::int n from sluice.limit_ticket where bucket_id = (select id from sluice.limit_bucket where key = $1)',
          ['test/queue/q1'],
        )
      ).rows[0].n,
    ).toBe(0);
  });

  it('estimates whole windows ahead', async () => {
    const limit = perMinute(10, { name: 'eta', guardMs: 0 });
    const results = await Promise.all(Array.from({ length: 35 }, () => ask([charge(limit, 'q2')])));
    const minutes = results.map((result) => (result.granted ? 0 : Math.round(result.retryAfterMs / 60_000)));
    expect(minutes.filter((n) => n === 0)).toHaveLength(10);
    expect(minutes.filter((n) => n === 1)).toHaveLength(10);
    expect(minutes.filter((n) => n === 2)).toHaveLength(10);
    expect(minutes.filter((n) => n === 3)).toHaveLength(5);
  });

  it('gives the place up when the call is abandoned', async () => {
    const limit = perMinute(1, { name: 'gone' });
    await ask([charge(limit, 'q3')]);
    await ask([charge(limit, 'q3')], { callKey: 'q3-gone' });
    await limiter.abandon('q3-gone');
    const { rows } = await database.pool.query(
      `select queue_len, queue_cost from sluice.limit_bucket where key = 'test/gone/q3'`,
    );
    expect(rows).toEqual([{ queue_len: 0, queue_cost: 0 }]);
  });
});
