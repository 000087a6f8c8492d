import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mapAgain } from '../../../client/map-again.ts';
import { readChanges, type Pool } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';

interface Stored {
  readonly name: string;
}

describe('stored rows that are mapped anew', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  const account = 'a1';
  /** What the node's own `store` was given. */
  const written: Stored[] = [];
  const provider = defineProvider({ id: 'names', baseUrl: () => api.url, auth: noAuth(), limits: [] });
  const list = provider.endpoint('people', {
    input: z.object({}),
    response: z.object({ items: z.array(z.object({ id: z.string() })) }),
    request: () => get('/people'),
    paginate: { kind: 'single', items: (body) => body.items },
  });
  const sync = defineSync('names', { provider, input: z.object({}) }, (s) => ({
    people: s.one(list, {
      input: () => ({}),
      key: ({ id }) => id,
      map: ({ id }): Stored => ({ name: id }),
      store: async (_, rows) => void written.push(...rows),
    }),
  }));

  beforeAll(async () => {
    api = await startFakeApi();
    const items = Array.from({ length: 450 }, (_, n) => ({ id: `p${n}` }));
    api.route('GET', '/people', () => ({ status: 200, body: { items } }));
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 450 });
    written.length = 0;
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const feed = async (after?: string) =>
    readChanges(db.pool, { account, resource: 'names.people', after, limit: 1_000 });
  const upper = (stored: unknown): Stored => ({ name: (stored as Stored).name.toUpperCase() });

  it('come in the feed and in the own table, without a call; a second time nothing changes', async () => {
    const calls = api.report().calls;
    const before = (await feed()).at(-1)?.sequence as string;
    expect(await mapAgain(db.pool, sync.people, { account, map: upper })).toEqual({ rows: 450, changed: 450 });
    const changes = await feed(before);
    expect(changes).toHaveLength(450);
    expect(changes.every(({ key, data }) => (data as Stored).name === key.toUpperCase())).toBe(true);
    expect(written).toHaveLength(450);
    expect(await mapAgain(db.pool, sync.people, { account, map: upper })).toEqual({ rows: 450, changed: 0 });
    expect(written).toHaveLength(450);
    expect(api.report().calls).toBe(calls);
  });

  it('are left alone where a run has stored a newer one meanwhile, and where they are deleted', async () => {
    await db.pool.query(`update sluice.record set deleted_at = clock_timestamp() where account = $1 and key = 'p1'`, [
      account,
    ]);
    const map = (stored: unknown, key: string): Stored => {
      // As a page that comes between reading and writing.
      if (key === 'p2')
        newer = db.pool.query(`update sluice.record set data = '{"name":"newer"}' where account = $1 and key = 'p2'`, [
          account,
        ]);
      return { name: `${(stored as Stored).name}!` };
    };
    let newer: Promise<unknown> = Promise.resolve();
    const pool = {
      query: db.pool.query.bind(db.pool),
      connect: async () => {
        await newer;
        return db.pool.connect();
      },
    } as unknown as Pool;
    const first = await mapAgain(pool, sync.people, { account, map });
    expect(first).toEqual({ rows: 449, changed: 448 });
    const { rows } = await db.pool.query<{ key: string; data: Stored }>(
      `select key, data from sluice.record where account = $1 and key in ('p1', 'p2', 'p3') order by key`,
      [account],
    );
    expect(rows.map(({ data }) => data.name)).toEqual(['P1', 'newer', 'P3!']);
  });

  it('that can not be mapped are named, and what was not reached stays', async () => {
    const map = (): Stored => {
      throw new Error('no such field');
    };
    await expect(mapAgain(db.pool, sync.people, { account, map })).rejects.toThrow(
      '`map` threw at the row "p0": no such field',
    );
    await expect(mapAgain(db.pool, sync.people, { account: '', map: upper })).rejects.toThrow('`account`');
  });
});
