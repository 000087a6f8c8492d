/** A permit that is asked for before its call may be made. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAhead, mayBeAskedAhead } from '../../../limiter/acquire/ask-ahead.ts';
import { withPermit } from '../../../activities/call/with-permit.ts';
import type { Charge } from '../../../contracts/limits/limit.ts';
import { createLimiter, type AcquireRequest, type Limiter } from '../../../limiter/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

describe('a permit that is asked for ahead', () => {
  let db: TestDatabase;
  let limiter: Limiter;
  beforeAll(async () => {
    db = await createTestDatabase();
    limiter = createLimiter({ pool: db.pool });
  });
  afterAll(async () => {
    await limiter?.stop();
    await db?.drop();
  });

  const log = { warn: () => {}, error: () => {} };
  let keys = 0;
  const askOf = (max: number): AcquireRequest => {
    const key = `ahead-${keys++}/app`;
    const charges: Charge[] = [{ key, cost: 1, limit: { kind: 'window', name: 'app', max, perMs: 60_000 } }];
    return { callKey: key, account: 'a', charges, maxWaitMs: 50 };
  };
  const used = async ({ callKey }: AcquireRequest): Promise<number> => {
    const { rows } = await db.pool.query<{ used: number }>('select used from sluice.limit_bucket where key = $1', [
      callKey,
    ]);
    return rows[0]?.used ?? 0;
  };
  const sendWith = (ask: AcquireRequest, ahead: ReturnType<typeof askAhead>) =>
    withPermit(
      { limiter, log } as unknown as Parameters<typeof withPermit>[0],
      ask,
      undefined,
      () => Promise.resolve({ value: 'sent', observation: { result: 'ok' } }),
      ahead.take(ask),
    );

  it('is the one that the call is made with', async () => {
    const ask = askOf(1);
    const ahead = askAhead(limiter, ask);
    await expect.poll(() => used(ask)).toBe(1);
    expect(await sendWith(ask, ahead)).toMatchObject({ sent: true, value: 'sent' });
    ahead.giveBack();
    // It is taken once.
    expect(await sendWith(ask, ahead)).toMatchObject({ sent: false });
    expect(await used(ask)).toBe(1);
  });

  it('is given back when no call is made', async () => {
    const ask = askOf(1);
    const ahead = askAhead(limiter, ask);
    ahead.giveBack();
    expect(ahead.take(ask)).toBeUndefined();
    await expect.poll(() => sendWith(ask, ahead)).toMatchObject({ sent: true });
  });

  it('is given back when the call takes something else', async () => {
    const ask = askOf(1);
    const ahead = askAhead(limiter, ask);
    const dearer = { ...ask, charges: ask.charges.map((charge) => ({ ...charge, cost: 0.5 })) };
    expect(ahead.take(dearer)).toBeUndefined();
    await expect.poll(() => sendWith(ask, ahead)).toMatchObject({ sent: true });
  });

  it('is no place among calls in flight, which others could use meanwhile', () => {
    const { charges, ...ask } = askOf(1);
    const places: Charge = { key: 'x', cost: 1, limit: { kind: 'inflight', name: 'x', max: 4 } };
    expect(mayBeAskedAhead({ ...ask, charges })).toBe(true);
    expect(mayBeAskedAhead({ ...ask, charges: [...charges, places] })).toBe(false);
  });
});
