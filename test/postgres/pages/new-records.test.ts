import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitPage, nextUnits, openRun, type UnitFence } from '../../../db/index.ts';
import { readChanges } from '../../../db/stores/sync/record-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';

type Row = readonly [key: string, data: number];

type UnitOfRun = Pick<UnitFence, 'unit' | 'run' | 'node'>;

describe('a page that is expected to bring only new rows', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());

  const openList = async (account: string) => {
    const runId = randomUUID();
    const node = {
      name: 'list',
      endpoint: 'list',
      parent: null,
      resource: 'rows',
      pagination: 'cursor',
      window: 40,
      onChildError: { notFound: 'fail', forbidden: 'fail', maxSkippedShare: 0 },
      callTimeoutMs: 1_000,
    } as const;
    const plan = { sync: 's', provider: 'p', nodes: [node], maxHistoryEvents: 4_000 };
    await openRun(db.pool, { runId, workflowId: 'w', account, tenant: undefined, input: {}, plan, mode: 'full' });
    const [unit] = await nextUnits(db.pool, runId, [{ node: 'list', inHand: [], room: 1 }]);
    return { unit: unit!.id, run: runId, node: 'list' };
  };
  const store = async (of: UnitOfRun, account: string, pages: number, rows: readonly Row[], expectsNew: boolean) => {
    const list = { ...of, account, resource: 'rows' };
    const position = { cursor: String(pages + 1) };
    const committed = await commitPage(db.pool, pageToCommit(list, { pages, records: rows, position, expectsNew }));
    if (committed.stale) throw new Error('the page is stale');
    return committed;
  };
  const stored = async (account: string) => {
    const changes = await readChanges(db.pool, { account, resource: 'rows', limit: 1_000 });
    return new Map(changes.map(({ key, data }) => [key, data]));
  };

  it('stores, counts and tells the same as a page of which nothing is expected', async () => {
    const page = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }).map(String), fc.integer({ min: 0, max: 2 })), {
      maxLength: 8,
    });
    let allNew = 0;
    let notNew = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(page, { minLength: 1, maxLength: 6 }), async (pages) => {
        const told: unknown[][] = [];
        const accounts = [randomUUID(), randomUUID()] as const;
        for (const account of accounts) {
          const isExpected = account === accounts[0];
          // A second run meets the rows of the first.
          for (const unit of [await openList(account), await openList(account)]) {
            const answers: unknown[] = [];
            for (const [index, rows] of pages.entries()) {
              const { fresh, changed, isAllNew } = await store(unit, account, index, rows, isExpected);
              answers.push({ fresh, changed });
              if (isAllNew === true) allNew++;
              if (isAllNew === false) notNew++;
              if (!isExpected) expect(isAllNew).toBeNull();
            }
            told.push(answers);
          }
        }
        expect(told.slice(0, 2)).toEqual(told.slice(2));
        expect(await stored(accounts[0])).toEqual(await stored(accounts[1]));
        const { rows } = await db.pool.query<{ rows: number }>(
          'select n.rows from sluice.node n join sluice.run r on r.id = n.run_id where r.account = any ($1) order by r.started_at',
          [accounts],
        );
        expect(rows[0]).toEqual(rows[2]);
        expect(rows[1]).toEqual(rows[3]);
      }),
      { numRuns: 40 },
    );
    expect(allNew).toBeGreaterThan(20);
    expect(notNew).toBeGreaterThan(20);
  });

  it('loses no row and no place in the feed when two lists bring the same rows at the same time', async () => {
    const account = randomUUID();
    const units = await Promise.all(Array.from({ length: 6 }, () => openList(account)));
    const rows = Array.from({ length: 60 }, (_, n) => [`k${n}`, n] as const);
    const committed = await Promise.all(
      units.map((unit, n) => store(unit, account, 0, [...rows.slice(n * 5), ...rows.slice(0, n * 5)], true)),
    );
    expect(committed.filter(({ isAllNew }) => isAllNew)).toHaveLength(1);
    expect(committed.map(({ fresh }) => fresh)).toEqual(units.map(() => 60));
    expect(await stored(account)).toEqual(new Map(rows));
  });
});
