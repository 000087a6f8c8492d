import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Step } from '../../../providers/pagination/step.ts';
import { rowsOfPage } from '../../../activities/page/page-rows.ts';
import {
  commitPage,
  endUnit,
  finishRun,
  loadUnit,
  newChange,
  nextUnits,
  openRun,
  type UnitFence,
} from '../../../db/index.ts';
import { compilePagination } from '../../../providers/pagination/compile.ts';
import type { NumberedPages, PageRequest } from '../../../providers/pagination/options.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { pageToCommit } from '../../setup/page-to-commit.ts';

type Server = (asked: PageRequest) => readonly string[];

/** Random numbers below n, from one seed. */
type Pick = (n: number) => number;

describe('a list walked by several lanes', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db?.drop());

  const openList = async (kind: 'page' | 'offset') => {
    const runId = randomUUID();
    const node = {
      name: 'list',
      endpoint: 'list',
      parent: null,
      resource: `lanes.${runId}`,
      pagination: kind,
      window: 40,
      onChildError: { notFound: 'fail', forbidden: 'fail', maxSkippedShare: 0 },
      callTimeoutMs: 1_000,
    } as const;
    const plan = { sync: 'lanes', provider: 'p', nodes: [node], maxHistoryEvents: 4_000 };
    const run = { runId, workflowId: 'w', account: 'a', tenant: undefined, input: {}, plan, mode: 'full' } as const;
    await openRun(db.pool, run);
    return { runId, node };
  };
  const toCommit = (of: UnitFence, resource: string, next: Step, keys: readonly string[]) => {
    const rows = rowsOfPage(
      keys.map((key) => ({ key, data: key })),
      next.skip,
    );
    const records = rows.keys.map((key) => [key, { key }] as const);
    return pageToCommit({ ...of, account: 'a', resource }, { ...next, pages: of.pages, records, stalledLimit: 3 });
  };

  /** Walks one list; which lane is next, and which answer is lost by a killed worker, is drawn. */
  const walk = async (
    options: Partial<NumberedPages<unknown, string, unknown>> & { readonly kind: 'page' | 'offset' },
    serve: Server,
    pick: Pick,
    { losesEvery = 0, maxCalls = 300 } = {},
  ) => {
    const pagination = compilePagination({ ...options, items: () => [] });
    const { runId, node } = await openList(options.kind);
    let calls = 0;
    let most = 0;
    for (;;) {
      const open = await nextUnits(db.pool, runId, [{ node: 'list', inHand: [], room: 100 }]);
      if (open.length === 0) break;
      most = Math.max(most, open.length);
      if (calls >= maxCalls) return { calls, most, end: 'still going' as const, keys: [] };
      const { id } = open[pick(open.length)] as (typeof open)[number];
      const of = { unit: id, run: runId, node: 'list' };
      const unit = await loadUnit(db.pool, of, { parentResource: null, resource: node.resource, endpoint: 'list' });
      if (!unit) throw new Error('the unit is gone');
      const fence = { ...of, pages: unit.pages, change: newChange() };
      if (unit.endPosition !== null && (unit.position?.index ?? 0) >= unit.endPosition) {
        await endUnit(db.pool, fence, 'complete', '', 0);
        continue;
      }
      const asked = pagination.request(unit.position, pagination.pageSize.start, undefined);
      const keys = serve(asked);
      calls++;
      if (losesEvery > 0 && pick(losesEvery) === 0) continue; // the worker died before it could store the page
      const answer = {
        response: keys,
        headers: {},
        url: 'https://x.example/',
        input: {},
        itemCount: keys.length,
        keys,
        rowItems: [],
      };
      const next = pagination.advance({ ...unit, asked, isSizable: true }, answer);
      await commitPage(db.pool, toCommit(fence, node.resource, next, keys));
    }
    const result = await finishRun(db.pool, runId, {});
    if (!result) throw new Error('The run has gone.');
    const { rows } = await db.pool.query<{ key: string }>('select key from sluice.record where resource = $1', [
      node.resource,
    ]);
    return { calls, most, end: result.flaws[0] ?? 'complete', keys: rows.map(({ key }) => key) };
  };

  const picker = (seed: number): Pick => {
    let state = seed >>> 0;
    return (n) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
  };
  const slice = (count: number, from: number, to: number) =>
    Array.from({ length: Math.max(0, Math.min(to, count) - from) }, (_, n) => `r${from + n}`);

  it('brings every row, with no more calls than pages and one for each lane, in whatever order the lanes come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          kind: fc.constantFrom('page' as const, 'offset' as const),
          count: fc.nat({ max: 90 }),
          size: fc.integer({ min: 3, max: 20 }),
          cap: fc.option(fc.integer({ min: 2, max: 20 })),
          lanes: fc.integer({ min: 2, max: 6 }),
          total: fc.constantFrom('none', 'exact', 'too high', 'too low'),
          seed: fc.nat(),
          losesEvery: fc.constantFrom(0, 6),
        }),
        async ({ kind, count, size, cap, lanes, total, seed, losesEvery }) => {
          const served = Math.min(size, cap ?? size);
          const says = { none: undefined, exact: count, 'too high': count + 17, 'too low': Math.floor(count / 2) }[
            total
          ];
          let lost = 0;
          const pick = picker(seed);
          const { calls, end, keys, most } = await walk(
            {
              kind,
              lanes,
              pageSize: { start: size },
              ...(says === undefined ? {} : { total: () => says }),
              totalIs: total === 'exact' ? 'exact' : 'estimate',
            },
            ({ offset, size: asked }) => {
              const given = Math.min(asked, served);
              const from = kind === 'page' ? (offset / asked) * given : offset;
              return slice(count, from, from + given);
            },
            (n) => {
              const drawn = pick(n);
              if (losesEvery > 0 && n === losesEvery && drawn === 0) lost++;
              return drawn;
            },
            { losesEvery },
          );
          expect(end).toBe('complete');
          expect(keys.length).toBe(count);
          expect(most).toBeLessThanOrEqual(lanes);
          // Pages of offsets overlap by a row.
          const needed = Math.max(1, Math.ceil(count / (kind === 'offset' ? Math.max(1, served - 1) : served)));
          // Each lane may look past the end, and for the rest of a short page before.
          // With an exact total: one that sees the end behind a full page, or behind one that may be all that the server gives.
          if (total === 'exact' && kind === 'offset' && losesEvery === 0)
            expect(calls - lost).toBeLessThanOrEqual(needed + 1);
          // Page numbers without one are read in order: pages overlap by asking for slightly smaller ones.
          else if (kind === 'page') expect(calls - lost).toBeLessThanOrEqual(2 * needed + 6);
          else expect(calls - lost).toBeLessThanOrEqual(needed + 2 * lanes + 4);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is never green when the server repeats itself instead of ending, unless every row was there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          kind: fc.constantFrom('page' as const, 'offset' as const),
          count: fc.integer({ min: 1, max: 60 }),
          size: fc.integer({ min: 3, max: 15 }),
          lanes: fc.integer({ min: 2, max: 5 }),
          repeats: fc.constantFrom('last', 'first', 'always first'),
          seed: fc.nat(),
        }),
        async ({ kind, count, size, lanes, repeats, seed }) => {
          const { end, keys } = await walk(
            { kind, lanes, pageSize: { start: size } },
            ({ offset, size: asked }) => {
              if (repeats === 'always first') return slice(count, 0, asked);
              if (offset < count) return slice(count, offset, offset + asked);
              const last = Math.floor((count - 1) / asked) * asked;
              return slice(count, repeats === 'last' ? last : 0, repeats === 'last' ? last + asked : asked);
            },
            picker(seed),
          );
          expect(end).not.toBe('still going');
          if (end === 'complete') expect(keys.length).toBe(count);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is truncated when a page is blank before one that had rows', async () => {
    const { end } = await walk(
      { kind: 'offset', lanes: 4, pageSize: { start: 10 } },
      ({ offset, size }) => (offset === 27 ? [] : slice(80, offset, offset + size)),
      (n) => n - 1, // the lane that is farthest ahead is always the first
    );
    expect(end).toMatchObject({
      kind: 'truncated',
      reason: expect.stringMatching(/came blank|ended before page 3, but page \d had rows/),
    });
  });

  it('is read again, in order, where another page comes than was asked for, for a moment', async () => {
    let wrong = 0;
    const { end, keys } = await walk(
      { kind: 'offset', lanes: 4, pageSize: { start: 10 }, total: () => 80 },
      ({ offset, size }) => (offset === 18 && wrong++ === 0 ? slice(80, 0, size) : slice(80, offset, offset + size)),
      (n) => n - 1,
    );
    expect(end).toBe('complete');
    expect(keys).toHaveLength(80);
  });

  it('ends with the short page where that is how the third party ends its lists', async () => {
    const { calls, end } = await walk(
      { kind: 'offset', lanes: 2, pageSize: { start: 10 }, lastPage: 'short' },
      ({ offset, size }) => slice(15, offset, offset + size),
      () => 0,
    );
    expect(end).toBe('complete');
    expect(calls).toBe(2);
  });

  it('reads up to a declared cap, asks for nothing behind it, and says so once', async () => {
    const asked: number[] = [];
    const { end, keys } = await walk(
      { kind: 'offset', lanes: 4, pageSize: { start: 10 }, resultCap: 60, total: () => 200 },
      ({ offset, size }) => {
        asked.push(offset);
        return slice(200, offset, offset + size);
      },
      picker(7),
    );
    expect(end).toMatchObject({ kind: 'capped', count: 1, reason: expect.stringMatching(/200 items, but only 60/) });
    expect(keys.length).toBe(60);
    expect(asked.toSorted((a, b) => a - b)).toEqual([0, 9, 18, 27, 36, 45, 54]);
  });

  it('stores pages that share rows at their borders at the same time, without a deadlock', async () => {
    const pagination = compilePagination({
      kind: 'offset',
      items: () => [],
      lanes: 8,
      pageSize: { start: 20 },
      guards: { 'moved-rows': false },
    });
    const { runId, node } = await openList('offset');
    const names = { parentResource: null, resource: node.resource, endpoint: 'list' };
    const readOn = async (id: number): Promise<'more' | 'ended'> => {
      const of = { unit: id, run: runId, node: 'list' };
      const unit = await loadUnit(db.pool, of, names);
      if (!unit || unit.state === 'done') return 'ended';
      const asked = pagination.request(unit.position, 20, undefined);
      // Rows move while they are read: each page has four rows of the one before it and four of the next.
      const keys = slice(800, Math.max(0, asked.offset - 4), asked.offset + asked.size + 4).toReversed();
      const answer = {
        response: keys,
        headers: {},
        url: '',
        input: {},
        itemCount: Math.min(keys.length, asked.size),
        keys,
        rowItems: [],
      };
      const next = pagination.advance(
        { ...unit, asked, isSizable: true },
        asked.offset < 800 ? answer : { ...answer, itemCount: 0 },
      );
      const committed = await commitPage(
        db.pool,
        toCommit({ ...of, pages: unit.pages, change: newChange() }, node.resource, next, keys),
      );
      return !committed.stale && committed.ended ? 'ended' : 'more';
    };
    const [first] = await nextUnits(db.pool, runId, [{ node: 'list', inHand: [], room: 1 }]);
    await readOn(first?.id ?? 0);
    const open = await nextUnits(db.pool, runId, [{ node: 'list', inHand: [], room: 100 }]);
    expect(open).toHaveLength(8);
    await Promise.all(
      open.map(async ({ id }) => {
        while ((await readOn(id)) === 'more');
      }),
    );
    expect(await finishRun(db.pool, runId, {})).toMatchObject({ state: 'done' });
    const { rows } = await db.pool.query('select count(*)::int as n from sluice.record where resource = $1', [
      node.resource,
    ]);
    expect(rows).toEqual([{ n: 800 }]);
  });
});
