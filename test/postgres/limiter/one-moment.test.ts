import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Charge } from '../../../contracts/limits/limit.ts';
import { createLimiter, type Limiter } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

let database: TestDatabase;
let limiter: Limiter;
beforeAll(async () => {
  database = await createTestDatabase();
  limiter = createLimiter({ pool: database.pool });
});
afterAll(async () => {
  await limiter.stop();
  await database.drop();
});

it('serves all accounts that began to wait in one moment for what is given out one by one', async () => {
  const charge: Charge = {
    limit: { kind: 'window', name: 'even', max: 200, perMs: 10_000 },
    key: 'fair/even',
    cost: 1,
  };
  const ask = (account: string) =>
    limiter.acquire({ callKey: `even-${account}`, account, charges: [charge], maxWaitMs: 0 });
  const find = (sql: string) => database.pool.query(sql, [charge.key]);
  await ask('first');
  // As after several refusals.
  await find('update sluice.limit_bucket set rate = 20, burst = 1.5, tokens = 0, paced_us = last_us where key = $1');
  const accounts = Array.from({ length: 12 }, (_, n) => `a${n}`);
  const asked = await Promise.all(accounts.map(ask));
  const places = 'select count(*)::int as tickets, count(distinct (tag, created_us))::int as places';
  const waiting = await find(
    `${places} from sluice.limit_ticket join sluice.limit_bucket b on b.id = bucket_id where key = $1`,
  );
  expect(waiting.rows).toEqual([{ tickets: 12, places: 1 }]);
  const endsAt = performance.now() + 8_000;
  const served = await Promise.all(
    accounts.map(async (account, n) => {
      let answer = asked[n];
      while (answer?.granted === false && performance.now() < endsAt) {
        const { retryAfterMs } = answer;
        await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
        answer = await ask(account);
      }
      return answer?.granted;
    }),
  );
  expect(served).toEqual(accounts.map(() => true));
});
