import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPageBatches } from '../../../activities/index.ts';
import { commitPage, createPool, nextUnits, openRun, setRunState } from '../../../db/index.ts';
import type { PageToCommit } from '../../../db/index.ts';
import { isPlainPage } from '../../../db/stores/sync/insert-only-pages.ts';
import { readChanges } from '../../../db/stores/sync/record-store.ts';
import type { CommittedPage } from '../../../db/stores/sync/page-store.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';

const node = (name: string, parent: string | null, resource: string) => ({
  name,
  endpoint: name,
  parent,
  resource,
  pagination: 'cursor' as const,
  window: 40,
  onChildError: { notFound: 'fail' as const, forbidden: 'fail' as const, maxSkippedShare: 0 },
  callTimeoutMs: 1_000,
});
/** Parents with two kinds of lists each, of different resources. */
const plan = {
  sync: 's',
  provider: 'p',
  nodes: [node('top', null, 'tops'), node('posts', 'top', 'posts'), node('likes', 'top', 'likes')],
  maxHistoryEvents: 4_000,
};
const LISTS = ['posts', 'likes'] as const;

interface List {
  readonly unit: number;
  readonly run: string;
  readonly node: (typeof LISTS)[number];
  readonly account: string;
}

describe('plain pages that are stored together', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());

  const page = (
    of: Pick<PageToCommit, 'unit' | 'run' | 'node' | 'account' | 'resource'>,
    more: Partial<PageToCommit>,
  ): PageToCommit => pageToCommit(of, { guard: { first: 'x' }, stalledLimit: 2, expectsNew: true, ...more });
  const pageOf = ({ unit, run, account, node }: List, keys: readonly string[], more: Partial<PageToCommit> = {}) =>
    page(
      { unit, run, node, account, resource: node },
      { records: keys.map((key) => [key, { id: key }] as const), ...more },
    );
  const keysOf = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

  /** A run with `parents` parents, whose lists are in hand: first all posts, then all likes. */
  const openLists = async (account: string, parents: number): Promise<List[]> => {
    const runId = randomUUID();
    await openRun(db.pool, { runId, workflowId: 'w', account, tenant: undefined, input: {}, plan, mode: 'full' });
    const [top] = await nextUnits(db.pool, runId, [{ node: 'top', inHand: [], room: 1 }]);
    const children = keysOf('parent', parents).flatMap((key) => LISTS.map((name) => [name, key, key] as const));
    await commitPage(
      db.pool,
      page({ unit: top!.id, run: runId, node: 'top', account, resource: 'tops' }, { children }),
    );
    const lists: List[] = [];
    for (const name of LISTS)
      for (const { id } of await nextUnits(db.pool, runId, [{ node: name, inHand: [], room: parents }]))
        lists.push({ unit: id, run: runId, node: name, account });
    expect(lists).toHaveLength(parents * LISTS.length);
    return lists;
  };
  const runOf = ({ run }: List): string => run;

  /** Every column of what an account has, but for times, ids, numbers of changes and places in the feed. */
  const tablesOf = async (account: string) => {
    const runs = `select id, row_number() over (order by started_at, id) as run from sluice.run where account = $1`;
    const { rows: units } = await db.pool.query(
      `select r.run, to_jsonb(u) - '{id,run_id,opened_at,changes}'::text[] as unit from sluice.unit u join (${runs}) r on r.id = u.run_id
       order by run, u.node, u.parent_key`,
      [account],
    );
    const { rows: nodes } = await db.pool.query(
      `select r.run, to_jsonb(n) - '{run_id}'::text[] as node from sluice.node n join (${runs}) r on r.id = n.run_id
       order by run, n.name`,
      [account],
    );
    const { rows: records } = await db.pool.query(
      `select r.run, u.node, u.parent_key, o.key, to_jsonb(o) - '{account,tx,seq,first_seen_at,last_seen_at,changed_at,run_id,unit_id}'::text[]
         as record, o.first_seen_at = o.changed_at as "isUnchanged"
       from sluice.record o join (${runs}) r on r.id = o.run_id join sluice.unit u on u.id = o.unit_id
       where o.account = $1 order by o.resource, o.key`,
      [account],
    );
    return { units, nodes, records };
  };
  const stored = async (account: string, resource: string): Promise<string[]> => {
    const { rows } = await db.pool.query<{ key: string }>(
      'select key from sluice.record where account = $1 and resource = $2 order by key',
      [account, resource],
    );
    return rows.map(({ key }) => key);
  };
  /** Keys by the transaction that stored them. */
  const transactions = async (account: string): Promise<string[][]> => {
    const { rows } = await db.pool.query<{ keys: string[] }>(
      `select array_agg(distinct split_part(key, '-', 1) order by split_part(key, '-', 1)) as keys
       from sluice.record where account = $1 group by tx order by 1`,
      [account],
    );
    return rows.map(({ keys }) => keys);
  };
  const unitRow = async ({ unit }: List) => {
    const { rows } = await db.pool.query<{ pages: number; rows: number; items: number; calls: number; state: string }>(
      'select pages, rows, items, calls, state from sluice.unit where id = $1',
      [unit],
    );
    return rows[0];
  };
  const allNew = (rows: number): CommittedPage => ({
    rows,
    fresh: rows,
    changed: rows,
    ended: null,
    reason: null,
    lanes: 0,
    isRunning: true,
    children: {},
    isAllNew: true,
  });

  it('leave the same rows, units and counters, and tell the same, as one by one', async () => {
    const round = fc.array(
      fc.record({
        list: fc.integer({ min: 0, max: 7 }),
        // Few keys: a list brings some of them again, and some twice in a page.
        keys: fc.array(fc.integer({ min: 0, max: 14 }), { minLength: 1, maxLength: 4 }),
        total: fc.option(fc.integer({ min: 0, max: 50 })),
        watermark: fc.option(fc.oneof(fc.integer(), fc.constant('2024-01-01T00:00:00Z'))),
        range: fc.option(fc.constant({ from: 1, to: 9 })),
        cursor: fc.option(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 5 })),
      }),
      { minLength: 1, maxLength: 8 },
    );
    let together = 0;
    let alone = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 5 }), async (rounds) => {
        const batches = createPageBatches(db.pool);
        const accounts = [randomUUID(), randomUUID()] as const;
        const told: unknown[][] = [[], []];
        for (const [which, account] of accounts.entries()) {
          // Two runs side by side, whose rows differ, and later one that meets the rows of the first.
          const runs = [await openLists(account, 2), await openLists(account, 2)];
          const walks = [
            { lists: runs.flat(), prefix: (list: number) => `${list}` },
            { lists: await openLists(account, 4), prefix: (list: number) => `${list % 4}` },
          ];
          for (const { lists, prefix } of walks) {
            const pages = new Map<number, number>();
            for (const all of rounds) {
              // One page of a list at a time, as a workflow asks for them.
              const steps = [...new Map(all.map((step) => [step.list, step])).values()];
              const toStore = steps.map(({ list, keys, cursor, ...rest }) => {
                const before = pages.get(list) ?? 0;
                pages.set(list, before + 1);
                const named = keys.map((key) => `${prefix(list)}-${key}`);
                const position = cursor === null ? null : { cursor };
                return pageOf(lists[list]!, named, {
                  ...rest,
                  pages: before,
                  position,
                  since: rest.watermark === null ? null : String(rest.watermark),
                });
              });
              const answers: CommittedPage[] = [];
              if (which === 0) answers.push(...(await Promise.all(toStore.map((each) => batches.store(each)))));
              else for (const each of toStore) answers.push(await commitPage(db.pool, each));
              told[which]!.push(...answers);
            }
          }
        }
        expect(told[0]).toEqual(told[1]);
        const tables = await Promise.all(accounts.map(tablesOf));
        expect(tables[0]).toEqual(tables[1]);
        expect(tables[0]!.records.length).toBeGreaterThan(0);
        for (const { length } of await transactions(accounts[0])) {
          if (length > 1) together++;
          else alone++;
        }
      }),
      { numRuns: 30 },
    );
    expect(together).toBeGreaterThan(10);
    expect(alone).toBeGreaterThan(10);
  });

  it('take one statement for lists of one node, of other nodes and of other runs', async () => {
    const account = randomUUID();
    const lists = [...(await openLists(account, 2)), ...(await openLists(account, 1))];
    const batches = createPageBatches(db.pool);
    const committed = await Promise.all(lists.map((list, n) => batches.store(pageOf(list, keysOf(`l${n}`, 3)))));
    expect(committed).toEqual(lists.map(() => allNew(3)));
    expect(await transactions(account)).toEqual([['l0', 'l1', 'l2', 'l3', 'l4', 'l5']]);
    for (const list of lists)
      expect(await unitRow(list)).toEqual({ pages: 1, rows: 3, items: 3, calls: 1, state: 'running' });
    const { nodes } = await tablesOf(account);
    expect(nodes.map(({ node: { name, pages, rows, calls } }) => [name, pages, rows, calls])).toEqual([
      ['likes', 2, 6, 2],
      ['posts', 2, 6, 2],
      ['top', 1, 0, 1],
      ['likes', 1, 3, 1],
      ['posts', 1, 3, 1],
      ['top', 1, 0, 1],
    ]);
  });

  it('tell which of them are stale, and store nothing of these', async () => {
    const account = randomUUID();
    const [good, ahead, ended, behind] = (await openLists(account, 2)) as [List, List, List, List];
    await commitPage(db.pool, pageOf(ended, ['ended-0'], { end: { kind: 'complete' } }));
    await commitPage(db.pool, pageOf(behind, ['behind-0']));
    const before = await tablesOf(account);
    const batches = createPageBatches(db.pool);
    const committed = await Promise.all([
      batches.store(pageOf(ahead, ['stale-0'], { pages: 2 })),
      batches.store(pageOf(ended, ['stale-1'], { pages: 1 })),
      batches.store(pageOf(good, ['good-0'])),
      batches.store(pageOf(behind, ['stale-2'], { pages: 0 })),
      batches.store(pageOf({ ...good, unit: 2 ** 40 }, ['stale-3'])),
    ]);
    expect(committed).toEqual([{ stale: true }, { stale: true }, allNew(1), { stale: true }, { stale: true }]);
    const after = await tablesOf(account);
    const keys = after.records.map(({ key }: { key: string }) => key);
    expect(keys.toSorted()).toEqual(['behind-0', 'ended-0', 'good-0']);
    const changed = after.units.filter((row, index) => JSON.stringify(row) !== JSON.stringify(before.units[index]));
    expect(changed).toMatchObject([{ unit: { node: good.node, parent_key: 'parent-0', pages: 1 } }]);
  });

  it('are not held up by one that has a known row, which is counted right', async () => {
    const account = randomUUID();
    const [first, known, other] = (await openLists(account, 3)) as [List, List, List];
    await commitPage(db.pool, pageOf(known, ['k-0', 'k-1']));
    const batches = createPageBatches(db.pool);
    const committed = await Promise.all([
      batches.store(pageOf(first, ['a-0', 'a-1'])),
      batches.store(pageOf(known, ['k-1', 'k-2', 'k-3'], { pages: 1 })),
      batches.store(pageOf(other, ['b-0'])),
    ]);
    expect(committed).toEqual([allNew(2), { ...allNew(3), fresh: 2, changed: 2, isAllNew: false }, allNew(1)]);
    expect(await stored(account, 'posts')).toEqual(['a-0', 'a-1', 'b-0', 'k-0', 'k-1', 'k-2', 'k-3']);
    expect(await unitRow(known)).toMatchObject({ pages: 2, rows: 4, items: 5, calls: 2 });
    expect(await unitRow(first)).toMatchObject({ pages: 1, rows: 2 });
  });

  it('are stored when one of them can’t be, which fails alone and with its own error', async () => {
    const account = randomUUID();
    const [first, bad, other, circular] = (await openLists(account, 4)) as [List, List, List, List];
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    const batches = createPageBatches(db.pool);
    const committed = await Promise.allSettled([
      batches.store(pageOf(first, ['a-0'])),
      batches.store(pageOf(bad, [], { records: [['bad', 'a\u0000b']] })),
      batches.store(pageOf(circular, [], { records: [['bad', loop]] })),
      batches.store(pageOf(other, ['b-0'])),
    ]);
    expect(committed).toEqual([
      { status: 'fulfilled', value: allNew(1) },
      // untranslatable_character
      { status: 'rejected', reason: expect.objectContaining({ code: '22P05' }) as unknown },
      { status: 'rejected', reason: expect.any(TypeError) as unknown },
      { status: 'fulfilled', value: allNew(1) },
    ]);
    expect(await stored(account, 'posts')).toEqual(['a-0', 'b-0']);
    expect(await unitRow(bad)).toMatchObject({ pages: 0, calls: 0 });
    // What comes later is stored together again.
    const later = await Promise.all(
      [first, other].map((list, n) => batches.store(pageOf(list, [`later${n}-0`], { pages: 1 }))),
    );
    expect(later).toEqual([allNew(1), allNew(1)]);
    expect(await transactions(account)).toContainEqual(['later0', 'later1']);
  });

  it('of one unit are stored once: the second is stale', async () => {
    const account = randomUUID();
    const [twice, other] = (await openLists(account, 2)) as [List, List];
    const batches = createPageBatches(db.pool);
    const committed = await Promise.all([
      batches.store(pageOf(twice, ['a-0', 'a-1'])),
      batches.store(pageOf(twice, ['a-0', 'a-1'])),
      batches.store(pageOf(other, ['b-0'])),
    ]);
    // They may be stored side by side.
    expect(committed.slice(0, 2)).toEqual(expect.arrayContaining([allNew(2), { stale: true }]));
    expect(committed[2]).toEqual(allNew(1));
    expect(await unitRow(twice)).toMatchObject({ pages: 1, rows: 2, calls: 1 });
    expect(await stored(account, 'posts')).toEqual(['a-0', 'a-1', 'b-0']);
  });

  it('tell that their run was paused, and that of the others was not', async () => {
    const account = randomUUID();
    const [going] = (await openLists(account, 1)) as [List];
    const [paused] = (await openLists(account, 1)) as [List];
    await setRunState(db.pool, runOf(paused), 'paused');
    const batches = createPageBatches(db.pool);
    const committed = await Promise.all([
      batches.store(pageOf(going, ['a-0'])),
      batches.store(pageOf(paused, ['b-0'])),
    ]);
    expect(committed).toEqual([allNew(1), { ...allNew(1), isRunning: false }]);
    expect(await transactions(account)).toEqual([['a', 'b']]);
  });

  it('are at most a thousand rows, or a single page', async () => {
    const account = randomUUID();
    const lists = await openLists(account, 3);
    const batches = createPageBatches(db.pool);
    const sizes = [600, 500, 1_500, 400, 10, 90];
    const committed = await Promise.all(
      lists.map((list, n) => batches.store(pageOf(list, keysOf(`s${sizes[n]}`, sizes[n] as number)))),
    );
    expect(committed).toEqual(sizes.map(allNew));
    // What fits goes before what does not.
    expect(await transactions(account)).toEqual([['s10', 's500', 's90'], ['s1500'], ['s400', 's600']]);
  });

  it('all have a place in the feed, in the order of their keys within a statement', async () => {
    const account = randomUUID();
    const lists = await openLists(account, 4);
    const batches = createPageBatches(db.pool);
    for (let pages = 0; pages < 3; pages++)
      await Promise.all(
        lists.map((list, n) => batches.store(pageOf(list, keysOf(`p${pages}l${n}`, 5).toReversed(), { pages }))),
      );
    for (const resource of LISTS) {
      const seen: string[] = [];
      const sequences: string[] = [];
      for (let after: string | undefined; ; after = sequences.at(-1)) {
        const changes = await readChanges(db.pool, { account, resource, after, limit: 7 });
        if (changes.length === 0) break;
        seen.push(...changes.map(({ key }) => key));
        sequences.push(...changes.map(({ sequence }) => sequence));
      }
      const all = await stored(account, resource);
      expect(all).toHaveLength(60);
      expect(seen).toEqual(all);
      expect(new Set(sequences).size).toBe(60);
    }
  });

  it('lock nodes after rows, as single pages do', async () => {
    const account = randomUUID();
    const [list, other] = (await openLists(account, 2)) as [List, List];
    const runId = runOf(list);
    const client = await db.pool.connect();
    try {
      // Somebody else is storing a row of the page.
      await client.query('begin');
      await client.query('select sluice.store_records($1, $2, $3, $4, $5)', [
        account,
        list.node,
        JSON.stringify([['k-1', {}]]),
        runId,
        other.unit,
      ]);
      const storing = createPageBatches(db.pool).store(pageOf(list, ['k-0', 'k-1', 'k-2']));
      const waiters = () =>
        db.pool
          .query<{ n: number }>(
            `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          )
          .then(({ rows }) => rows[0]?.n);
      await expect.poll(waiters, { interval: 10 }).toBe(1);
      // The next thing that a single page locks after its rows: were it taken here, both would wait for each other.
      const nodes = client.query('select 1 from sluice.node where run_id = $1 for no key update nowait', [runId]);
      await expect(nodes).resolves.toMatchObject({ rowCount: 3 });
      await client.query('commit');
      expect(await storing).toMatchObject({ rows: 3, isAllNew: false });
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  it('of two processes that bring the same rows in opposite orders all end, with every row once', async () => {
    const PAGES = 15;
    const deadlocks = async () => {
      const { rows } = await db.pool.query<{ n: number }>(
        'select deadlocks as n from pg_stat_database where datname = current_database()',
      );
      return rows[0]!.n;
    };
    const before = await deadlocks();
    const account = randomUUID();
    const lists = await openLists(account, 12);
    const pools = [createPool(db.url), createPool(db.url)] as const;
    try {
      const processes = pools.map((pool) => createPageBatches(pool));
      const walk = async (list: List, n: number, which: number) => {
        for (let pages = 0; pages < PAGES; pages++) {
          // Pages of neighbours share rows, whose lists another process walks.
          const keys = Array.from({ length: 20 }, (_, k) => `p${pages}-${(n % 6) * 10 + k}`);
          const toStore = pageOf(list, which === 0 ? keys : keys.toReversed(), { pages, stalledLimit: null });
          expect(await processes[which]!.store(toStore)).toMatchObject({ rows: 20, ended: null });
        }
      };
      await Promise.all(lists.map((list, n) => walk(list, n, n % 2)));
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
    const all = Array.from({ length: PAGES }, (_, p) => keysOf(`p${p}`, 70)).flat();
    for (const resource of LISTS) expect(await stored(account, resource)).toEqual(all.toSorted());
    for (const list of lists)
      expect(await unitRow(list)).toMatchObject({ pages: PAGES, items: PAGES * 20, calls: PAGES, state: 'running' });
    const { nodes } = await tablesOf(account);
    const counted = nodes
      .filter(({ node: { name } }) => name !== 'top')
      .map(({ node: { rows, calls } }) => [rows, calls]);
    expect(counted).toEqual([
      [all.length, PAGES * 12],
      [all.length, PAGES * 12],
    ]);
    // Each would have cost a second.
    expect((await deadlocks()) - before).toBe(0);
  });

  it('are only those that bring nothing but new rows', () => {
    const plain = page(
      { unit: 1, run: randomUUID(), node: 'posts', account: 'a', resource: 'r' },
      { records: [['k', {}]] },
    );
    expect(isPlainPage(plain, false)).toBe(true);
    expect(isPlainPage(plain, true)).toBe(false);
    const start = { lanes: 2, size: 10, stride: 10, next: 1, plannedEnd: null, capped: null, last: null };
    const move = {
      index: 0,
      hasRows: true,
      isCellDone: false,
      endAt: null,
      plannedEnd: null,
      first: null,
      last: null,
    };
    const range = { from: 1, to: 2 };
    const others: readonly Partial<PageToCommit>[] = [
      { expectsNew: false },
      { end: { kind: 'complete' } },
      { split: [range, range] },
      { start },
      { move },
      { isMember: true },
      { isReread: true },
      { calls: 2 },
    ];
    for (const other of others) expect(isPlainPage({ ...plain, ...other }, false)).toBe(false);
  });
});
