/** A reader of the change feed, while the database behind it is restarted, put back to an earlier moment, or another one. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitPage, CursorLost, openRun, readChanges, readFeedLag, type Pool } from '../../../db/index.ts';
import { feedLagLines } from '../../../cli/text/feed-lag.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';
import {
  dumpInto,
  passTransactions,
  startRestorablePostgres,
  type RestorablePostgres,
} from '../../setup/servers/restorable-postgres.ts';

const RESOURCE = 's.items';
const plan = {
  sync: 's',
  provider: 'p',
  nodes: [
    {
      name: 'items',
      endpoint: 'items',
      parent: null,
      resource: RESOURCE,
      pagination: 'cursor' as const,
      window: 40,
      onChildError: { notFound: 'fail' as const, forbidden: 'fail' as const, maxSkippedShare: 0 },
      callTimeoutMs: 1_000,
    },
  ],
  maxHistoryEvents: 4_000,
};

/** Stores a page with these rows, by a run of its own. */
async function store(pool: Pool, account: string, rows: Readonly<Record<string, number>>): Promise<void> {
  const run = randomUUID();
  await openRun(pool, { runId: run, workflowId: run, account, tenant: undefined, input: {}, plan, mode: 'full' });
  const { rows: units } = await pool.query<{ id: number }>('select id from sluice.unit where run_id = $1', [run]);
  const of = { unit: units[0]?.id ?? 0, run, node: 'items', account, resource: RESOURCE };
  const records = Object.entries(rows).map(([key, version]) => [key, { version }] as const);
  expect(await commitPage(pool, pageToCommit(of, { records }))).not.toHaveProperty('stale');
}

/** What a consumer keeps: the rows that it was told of, and how far it is. */
interface Reader {
  readonly account: string;
  readonly rows: Map<string, number>;
  after?: string | undefined;
}
const readerOf = (account: string): Reader => ({ account, rows: new Map() });

async function read(pool: Pool, reader: Reader, limit = 1_000): Promise<string[]> {
  const { account, after } = reader;
  const changes = await readChanges(pool, { account, resource: RESOURCE, after, limit });
  for (const { key, data } of changes) reader.rows.set(key, (data as { version: number }).version);
  reader.after = changes.at(-1)?.sequence ?? after;
  return changes.map(({ key }) => key);
}

describe('a cursor of the change feed', () => {
  let postgres: RestorablePostgres;
  beforeAll(async () => {
    postgres = await startRestorablePostgres();
  });
  afterAll(() => postgres?.end());

  it('stays good when the server is started again', async () => {
    const reader = readerOf('restarted');
    await store(postgres.pool(), 'restarted', { a: 1, b: 1 });
    expect(await read(postgres.pool(), reader)).toEqual(['a', 'b']);
    await store(postgres.pool(), 'restarted', { c: 1 });
    await postgres.restart();
    await store(postgres.pool(), 'restarted', { a: 2 });
    expect(await read(postgres.pool(), reader)).toEqual(['c', 'a']);
    expect(await read(postgres.pool(), reader)).toEqual([]);
  });

  it('goes on behind what it had read before the moment to which the database is put back', async () => {
    const reader = readerOf('early');
    await store(postgres.pool(), 'early', { a: 1, b: 1 });
    await read(postgres.pool(), reader);
    await postgres.save();
    await passTransactions(postgres.pool(), 50);
    await store(postgres.pool(), 'early', { lost: 1 });
    await postgres.restore();
    // Its transactions have the numbers of those that were lost.
    await store(postgres.pool(), 'early', { c: 1 });
    expect(await read(postgres.pool(), reader)).toEqual(['c']);
  });

  it('is refused when it was handed out after that moment, also when as many changes have come again', async () => {
    const pool = () => postgres.pool();
    const reader = readerOf('late');
    const slow = readerOf('late');
    await store(pool(), 'late', { a: 1, b: 1, c: 1 });
    await read(pool(), readerOf('late'));
    await postgres.save();
    await store(pool(), 'late', { a: 2, d: 1 });
    await read(pool(), reader);
    // It has read only what is there still; but not `a`, which is behind it again after the restore.
    expect(await read(pool(), slow, 1)).toEqual(['b']);
    await postgres.restore();
    await expect(read(pool(), reader)).rejects.toThrow(CursorLost);
    await passTransactions(pool(), 200);
    await store(pool(), 'late', { e: 1 });
    for (let again = 0; again < 5; again++) await read(pool(), readerOf('late'));
    await expect(read(pool(), reader)).rejects.toThrow('put back to an earlier moment');
    await expect(read(pool(), slow)).rejects.toThrow(CursorLost);
    const anew = readerOf('late');
    await read(pool(), anew);
    expect(Object.fromEntries(anew.rows)).toEqual({ a: 1, b: 1, c: 1, e: 1 });
  });

  it('is refused by the feed of another account, which would pass over changes', async () => {
    const reader = readerOf('one');
    await store(postgres.pool(), 'one', { a: 1 });
    await store(postgres.pool(), 'two', { a: 1 });
    await read(postgres.pool(), reader);
    await read(postgres.pool(), readerOf('two'));
    await expect(read(postgres.pool(), { ...reader, account: 'two' })).rejects.toThrow('another node or account');
  });

  it('goes on in a copy of the database on another server, whose transactions have smaller numbers', async () => {
    const reader = readerOf('moved');
    const ahead = readerOf('moved');
    await passTransactions(postgres.pool(), 5_000);
    await store(postgres.pool(), 'moved', { a: 1, b: 1 });
    await read(postgres.pool(), reader);
    await store(postgres.pool(), 'moved', { c: 1 });
    const copy = await createTestDatabase();
    try {
      await dumpInto(postgres.pool(), copy.pool);
      // The old server goes on for a moment, and a reader with it: what it has seen there is not in the copy.
      await store(postgres.pool(), 'moved', { lost: 1 });
      await read(postgres.pool(), ahead);

      await store(copy.pool, 'moved', { a: 2 });
      expect(await read(copy.pool, reader)).toEqual(['c', 'a']);
      await store(copy.pool, 'moved', { d: 1 });
      expect(await read(copy.pool, reader)).toEqual(['d']);
      const anew = readerOf('moved');
      await read(copy.pool, anew);
      expect(Object.fromEntries(anew.rows)).toEqual({ a: 2, b: 1, c: 1, d: 1 });
      await expect(read(copy.pool, ahead)).rejects.toThrow(CursorLost);
    } finally {
      await copy.drop();
    }
  });
});

describe('the lag of the change feed', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());

  it('is told with the transaction that holds it back, and is none when that has ended', async () => {
    const reader = readerOf('held');
    const held = await db.pool.connect();
    try {
      await held.query(`set application_name = 'a report of hours'`);
      await held.query('begin');
      await held.query('select pg_current_xact_id()');
      await store(db.pool, 'held', { a: 1 });
      expect(await read(db.pool, reader)).toEqual([]);
      const lag = await readFeedLag(db.pool);
      expect(lag).toMatchObject({ heldBy: { application: 'a report of hours', state: 'idle in transaction' } });
      expect(lag.behindMs).toBeGreaterThan(0);
      expect(feedLagLines({ ...lag, behindMs: 3_600_000 })[0]).toMatch(
        /shows what was stored until 1 h ago: .*"?a report of hours/,
      );
      expect(feedLagLines(lag)).toEqual([]);
      await held.query('commit');
      await expect.poll(() => readFeedLag(db.pool)).toEqual({ behindMs: 0, heldBy: null });
      expect(await read(db.pool, reader)).toEqual(['a']);
    } finally {
      held.release(true);
    }
  });
});
