import { Client, Pool as PgPool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInfrastructure } from '../../../activities/call/infrastructure.ts';
import { createPool, inTransaction, migrate } from '../../../db/index.ts';
import { createLimiter, defineLimits, inflight, learned, window } from '../../../limiter/index.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { startSilentProxy } from '../../setup/servers/silent-proxy.ts';

describe('a pool of ours', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());

  it('says how long a caller has waited for a connection, and for how many, in a query as in a transaction', async () => {
    const pool = createPool(db.url, { max: 2, waitMs: 300 });
    const busy = [await pool.connect(), await pool.connect()];
    try {
      const text =
        'No connection to Postgres became free within 0.3 s: all 2 of this process are in use, and 2 callers wait.';
      const waits = [pool.query('select 1'), pool.connect()];
      const ends = await Promise.allSettled(waits);
      expect(ends[0]).toMatchObject({ reason: { message: expect.stringContaining(text) as string } });
      expect(ends[1]).toMatchObject({ reason: { message: expect.stringContaining('1 caller waits') as string } });
      // It passes by itself, and costs nobody an attempt.
      for (const end of ends) expect(end.status === 'rejected' && isInfrastructure(end.reason)).toBe(true);
    } finally {
      for (const client of busy) client.release();
      await pool.end();
    }
  });

  it('is free of the connections of a server that says nothing more: its host is gone', async () => {
    const proxy = await startSilentProxy(db.url);
    const pool = createPool(proxy.url, { max: 2, statementTimeoutMs: 300, waitMs: 30_000 });
    try {
      await Promise.all([pool.query('select 1'), pool.query('select 1')]);
      proxy.silence();
      const ends = await Promise.allSettled([
        pool.query('select 1'),
        inTransaction(pool, (tx) => tx.query('select 1')),
      ]);
      for (const end of ends) expect(end.status === 'rejected' && isInfrastructure(end.reason)).toBe(true);
      proxy.speak();
      expect((await pool.query('select 2 as n')).rows).toEqual([{ n: 2 }]);
    } finally {
      await pool.end();
      await proxy.stop();
    }
  });

  it('says of a server that does not answer to a new connection that it may come back', async () => {
    const proxy = await startSilentProxy(db.url);
    proxy.silence();
    const pool = createPool(proxy.url, { max: 1 });
    try {
      const error: unknown = await pool.query('select 1').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        message: expect.stringContaining('did not answer to a new connection within 10 s') as string,
      });
      expect(isInfrastructure(error)).toBe(true);
    } finally {
      await pool.end();
      await proxy.stop();
    }
  });

  it('outlives a connection that Postgres ends between two statements of a transaction', async () => {
    const pool = createPool(db.url, { max: 1 });
    try {
      const ended = inTransaction(pool, async (tx) => {
        const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        const closed = new Promise((resolve) => tx.once('end', resolve));
        await db.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        await closed;
        await tx.query('select 1');
      });
      expect(isInfrastructure(await ended.catch((thrown: unknown) => thrown))).toBe(true);
      expect((await pool.query('select 2 as n')).rows).toEqual([{ n: 2 }]);
    } finally {
      await pool.end();
    }
  });

  it('lets a burst wait for its turn at a few connections', async () => {
    const pool = createPool(db.url, { max: 2, waitMs: 10_000 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => pool.query('select pg_sleep(0.02)')));
    expect(answers).toHaveLength(40);
    expect(pool.totalCount).toBeLessThanOrEqual(2);
    await pool.end();
  });

  it('reads bigints as numbers, and leaves those of the app as they are', async () => {
    const { rows } = await db.pool.query('select 1::bigint as n');
    expect(rows).toEqual([{ n: 1 }]);
    const theirs = new Client({ connectionString: db.url });
    await theirs.connect();
    expect((await theirs.query('select 1::bigint as n')).rows).toEqual([{ n: '1' }]);
    await theirs.end();
  });
});

describe('an empty database', () => {
  it('is migrated by many callers at once that have few connections together', async () => {
    const empty = await createEmptyDatabase({ max: 3 });
    try {
      const applied = await Promise.all(Array.from({ length: 30 }, () => migrate(empty.pool)));
      expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
      expect((await empty.pool.query('select count(*)::int as n from sluice.run')).rows).toEqual([{ n: 0 }]);
    } finally {
      await empty.drop();
    }
  });

  it('serves the limiter alone, on a pool that the app has made', async () => {
    const empty = await createEmptyDatabase();
    const pool = new PgPool({ connectionString: empty.url, max: 3 });
    await migrate(pool);
    const limiter = createLimiter({ pool });
    try {
      const charges = defineLimits('shop', [
        window('minute', { by: ['app'], max: 3, perMs: 60_000 }),
        inflight('open', { by: ['account'], max: 2 }),
        learned('token', { by: ['token'], startPerSecond: 1_000 }),
      ])({ account: 'a1' });
      const acquire = (callKey: string) => limiter.acquire({ callKey, account: 'a1', charges, maxWaitMs: 0 });
      const first = await acquire('one');
      const second = await acquire('two');
      const third = await acquire('three');
      expect([first.granted, second.granted, third.granted]).toEqual([true, true, false]);
      if (first.granted) await limiter.report(first.permit, { result: 'ok' });
      await expect.poll(async () => (await acquire('three')).granted).toBe(true);
      expect(await acquire('four')).toMatchObject({ granted: false, wait: { limit: expect.any(String) as string } });
      const [minute] = await limiter.list({ prefix: 'shop/minute' });
      expect(minute).toMatchObject({ key: 'shop/minute/app', used: 3 });
      expect(await limiter.pause('shop/*', 'maintenance')).toBeGreaterThan(0);
      expect((await limiter.explain(charges, 'a1')).text).toContain('maintenance');
    } finally {
      await limiter.stop();
      await pool.end();
      await empty.drop();
    }
  });

  it('is told all mistakes of declared limits at once', () => {
    const wrong = [window('a', { by: [], max: 0, perMs: 10 }), inflight('a', { by: ['nobody' as never], max: 0 })];
    expect(() => defineLimits('Shop', wrong)).toThrow(
      /use lower-case[\s\S]*`max` is 0[\s\S]*`perMs` is 10[\s\S]*`by` is empty[\s\S]*unknown scope "nobody"[\s\S]*declared twice/,
    );
  });
});
