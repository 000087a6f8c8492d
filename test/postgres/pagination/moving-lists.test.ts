/** Lists whose rows come, go and move while they are read: nothing that was there all the time is missing from a green end. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type NumberedPages } from '../../../providers/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';
import { isLongForm } from '../../setup/long-form.ts';

/** Of each kind; `SLUICE_LONG_TESTS=1` draws ten times as many, anew each time. */
const LISTS = isLongForm ? 600 : 60;

type Change = 'insert-head' | 'delete-head' | 'insert' | 'delete' | 'bump';

interface Scenario {
  readonly kind: 'page' | 'offset';
  readonly count: number;
  readonly size: number;
  /** The server gives no more than this, whatever is asked for. */
  readonly cap: number | null;
  readonly total: 'none' | 'exact' | 'too low' | 'too high' | 'of the page';
  readonly lanes: number | undefined;
  readonly lastPage: 'blank' | 'short' | undefined;
  readonly changes: readonly Change[];
  /** Changes before each of the first so many calls. */
  readonly everyCall: number;
  readonly quietAfter: number;
  readonly seed: number;
}

interface Row {
  readonly id: string;
}

function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

describe('lists that change while they are read', () => {
  let db: TestDatabase;
  let drive: Drive;
  let server: Server;
  let answer: (query: URLSearchParams) => unknown = () => ({});
  let serial = 0;
  beforeAll(async () => {
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://x');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(url.searchParams)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await drive.end();
    await db.drop();
    await new Promise((resolve) => server.close(resolve));
  });

  const read = async (scenario: Scenario) => {
    const { kind, count, size, cap, total, lanes, lastPage } = scenario;
    const pick = random(scenario.seed);
    let rows: Row[] = Array.from({ length: count }, (_, n) => ({ id: `r${n}` }));
    let made = count;
    let calls = 0;
    const change = (what: Change): void => {
      const at = pick(rows.length + 1);
      const [first] = rows;
      if (what === 'insert-head') rows.unshift({ id: `r${made++}` });
      else if (what === 'insert') rows.splice(at, 0, { id: `r${made++}` });
      else if (what === 'delete-head') rows.shift();
      else if (what === 'delete') rows.splice(pick(Math.max(1, rows.length)), 1);
      else if (first) rows = [rows[pick(rows.length)] as Row, ...rows].filter((row, n, all) => all.indexOf(row) === n);
    };
    answer = (query) => {
      if (calls > 0 && calls <= scenario.quietAfter)
        for (let n = 0; n < scenario.everyCall; n++) change(scenario.changes[pick(scenario.changes.length)] as Change);
      calls++;
      const given = Math.min(Number(query.get('limit')), cap ?? Infinity);
      const from = kind === 'page' ? (Number(query.get('page')) - 1) * given : Number(query.get('offset'));
      const items = rows.slice(from, from + given);
      const says = {
        none: undefined,
        exact: rows.length,
        'too low': Math.floor(rows.length / 2),
        'too high': rows.length + 7,
        'of the page': items.length,
      }[total];
      return { items, total: says };
    };
    const { port } = server.address() as AddressInfo;
    const name = `moving${++serial}`;
    const provider = defineProvider({ id: name, baseUrl: `http://127.0.0.1:${port}`, auth: noAuth(), limits: [] });
    const options: NumberedPages<{ items: Row[]; total?: number | undefined }, Row, unknown> = {
      kind,
      items: (body) => body.items,
      pageSize: { start: size },
      ...(total === 'none' ? {} : { total: (body: { total?: number | undefined }) => body.total }),
      ...(lanes === undefined ? {} : { lanes }),
      ...(lastPage === undefined ? {} : { lastPage }),
    };
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), total: z.number().optional() }),
      request: (_, page) =>
        get('/rows', { limit: page.size, ...(kind === 'page' ? { page: page.number } : { offset: page.offset }) }),
      paginate: options,
    });
    const sync = defineSync('moving', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
    }));
    const result = await drive.run(sync, { account: name, maxCalls: 400 });
    const stored = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [name]);
    const keys = new Set(stored.rows.map(({ key }) => key));
    const stayed = rows.filter(({ id }) => Number(id.slice(1)) < count);
    return {
      end: result ? (result.flaws[0]?.kind ?? 'complete') : 'still going',
      reason: result?.flaws[0]?.reason,
      missing: stayed.filter(({ id }) => !keys.has(id)).map(({ id }) => id),
      calls,
    };
  };

  const shape = {
    kind: fc.constantFrom('page' as const, 'offset' as const),
    count: fc.integer({ min: 0, max: 120 }),
    size: fc.integer({ min: 5, max: 25 }),
    cap: fc.option(fc.integer({ min: 4, max: 25 })),
    lanes: fc.constantFrom(undefined, undefined, 1, 4),
    lastPage: fc.constantFrom(undefined, undefined, 'short' as const),
    seed: fc.nat(),
  };
  const still = { changes: [], everyCall: 0, quietAfter: 0 };

  it('when they stand still are read whole, whatever their total says, with few calls too many', async () => {
    let made = 0;
    let fewest = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({ ...shape, total: fc.constantFrom('none', 'exact', 'too low', 'of the page' as const) }),
        async (drawn) => {
          const { end, missing, calls, reason } = await read({ ...drawn, ...still });
          expect({ end, missing }, reason).toEqual({ end: 'complete', missing: [] });
          made += calls;
          const served = Math.min(drawn.size, drawn.cap ?? drawn.size);
          fewest += Math.max(1, Math.ceil(drawn.count / served)) + 1;
        },
      ),
      { numRuns: LISTS },
    );
    // The end of each list has to be seen, and pages by number overlap by more than a row when they are as small as these.
    expect(made / fewest).toBeLessThan(1.6);
  }, 300_000);

  const moving = (changes: readonly (readonly Change[])[]) =>
    fc.record({
      ...shape,
      // Of fewer than eight rows some pages by number can't overlap.
      size: fc.integer({ min: 8, max: 25 }),
      cap: fc.option(fc.integer({ min: 8, max: 25 })),
      count: fc.integer({ min: 20, max: 150 }),
      total: fc.constantFrom('none', 'exact' as const),
      changes: fc.constantFrom(...changes),
      everyCall: fc.integer({ min: 1, max: 3 }),
      quietAfter: fc.integer({ min: 1, max: 30 }),
    });

  it('bring every row that stayed where it was among the others, or say that some may be missing', async () => {
    let complete = 0;
    // The same rows go over the borders of pages in each of two readings.
    const twice = {
      kind: 'page',
      count: 52,
      size: 8,
      cap: null,
      lanes: undefined,
      lastPage: undefined,
      seed: 0,
      total: 'none',
      changes: ['delete-head'],
      everyCall: 2,
      quietAfter: 18,
    } as const;
    await fc.assert(
      fc.asyncProperty(
        moving([['insert-head'], ['delete-head'], ['insert', 'delete'], ['delete']]),
        async (scenario) => {
          const { end, missing } = await read(scenario);
          expect(end).not.toBe('still going');
          if (end !== 'complete') return;
          complete++;
          expect(missing).toEqual([]);
        },
      ),
      { numRuns: LISTS, examples: [[twice]] },
    );
    expect(complete).toBeGreaterThan(LISTS / 2);
  }, 600_000);

  it('lose next to none of the rows that jump to the front several times a page', async () => {
    let complete = 0;
    let wrong = 0;
    await fc.assert(
      fc.asyncProperty(
        moving([['bump'], ['insert-head', 'delete-head', 'insert', 'delete', 'bump']]),
        async (scenario) => {
          const { end, missing } = await read(scenario);
          if (end === 'complete') complete++;
          if (end === 'complete' && missing.length > 0) wrong++;
        },
      ),
      { numRuns: LISTS },
    );
    // A row that jumps while another before it is removed leaves no trace, in lists that no total counts.
    expect(wrong / complete).toBeLessThan(0.03);
  }, 600_000);

  it('by number, some pages of which can overlap, keep in mind the total that the first ones told', async () => {
    let rows = Array.from({ length: 17 }, (_, n) => ({ id: `r${n}` }));
    const asked: string[] = [];
    answer = (query) => {
      const [page, size] = [Number(query.get('page')), Number(query.get('size'))];
      asked.push(`${page}/${size}`);
      // A row goes, and a page later none shows that it was there; in the end another one has come.
      if (page === 3 && rows.length === 17 && asked.length < 5) rows = rows.filter(({ id }) => id !== 'r4');
      if (page === 1 && asked.length > 1 && rows.length === 16) rows = [...rows, { id: 'r17' }];
      return { items: rows.slice((page - 1) * size, page * size), total: rows.length };
    };
    const provider = defineProvider({
      id: `moving-${serial++}`,
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      auth: noAuth(),
      limits: [],
    });
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), total: z.number() }),
      request: (_, page) => get('/list', { page: page.number, size: page.size }),
      paginate: { kind: 'page', items: (body) => body.items, total: (body) => body.total, pageSize: { start: 3 } },
    });
    const sync = defineSync('moving', { provider, input: z.object({}) }, (s) => ({
      list: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const account = `moving-${serial}`;
    const result = await drive.run(sync, { account });
    const { rows: stored } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      account,
    ]);
    const missing = rows.filter(({ id }) => !stored.some(({ key }) => key === id));
    expect({ complete: result?.complete, missing }).toEqual({ complete: true, missing: [] });
  });
});
