import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  defineSync,
  get,
  noAuth,
  rules,
  shrinkPage,
  status,
  when,
  type Paginate,
  type PageSize,
  type Sync,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi, type ListOptions } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';

const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
type Page = z.output<typeof Page>;
type Kind = 'cursor' | 'page' | 'offset' | 'link';

describe('page sizes', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let counter = 0;
  let path: string;
  let account: string;
  /** `from+size` of each call, in order. */
  let asked: string[];

  const serve = (kind: Kind, rows: number, options: Partial<ListOptions<string, object>> = {}) =>
    api.list(path, {
      items: (_, call) => {
        const { query } = call;
        asked.push(`${query.get('offset') ?? query.get('page') ?? query.get('cursor') ?? ''}+${query.get('limit')}`);
        return Array.from({ length: rows }, (__, n) => ({ id: `r${n}`, n, updatedAt: '' }));
      },
      pagination: kind === 'link' ? 'next-url' : kind,
      ...options,
    });

  const syncOf = (kind: Kind, pageSize: PageSize, more: object = {}, maxAttempts = 10): Sync => {
    const provider = defineProvider({
      id: 'social',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts,
      timeouts: { totalMs: 300 },
      classify: rules([when(status(400), shrinkPage())]),
    });
    const common = { items: (body: Page) => body.items, pageSize, ...more };
    const paginate: Paginate<Page, { id: string }> =
      kind === 'cursor' || kind === 'link'
        ? { ...common, kind, next: (body) => body.next }
        : { ...common, kind, lanes: 4 };
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: Page,
      request: (_, page) =>
        get(path, {
          limit: page.size,
          cursor: page.cursor,
          ...(kind === 'page' ? { page: page.number } : {}),
          ...(kind === 'offset' ? { offset: page.offset } : {}),
        }),
      paginate,
    });
    return defineSync('sized', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
    }));
  };

  const sizeKept = async () => {
    const { rows } = await db.pool.query<{ size: number }>('select size from sluice.page_size where account = $1', [
      account,
    ]);
    return rows[0]?.size;
  };

  beforeAll(async () => {
    api = await startFakeApi();
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  beforeEach(() => {
    path = `/list-${++counter}`;
    account = `acct-${counter}`;
    asked = [];
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  for (const kind of ['cursor', 'page', 'offset', 'link'] as const) {
    it(`${kind}: a size that the third party refuses is halved at the same position, and kept for the next run`, async () => {
      serve(kind, 230, { pageSize: { max: 30, overMax: 'error413' } });
      const sync = syncOf(kind, { start: 100 });
      expect(await drive.run(sync, { account })).toMatchObject({ state: 'done', rows: 230 });
      expect(asked.slice(0, 3).map((one) => one.split('+')[1])).toEqual(['100', '50', '25']);
      // After five full pages it tries a larger one, which is refused too, and goes back.
      expect([25, 38, 57]).toContain(await sizeKept());
      expect(asked.filter((one) => Number(one.split('+')[1]) > 30).length).toBeLessThanOrEqual(3);
      asked = [];
      const second = await drive.run(sync, { account });
      expect(second).toMatchObject({ state: 'done' });
      expect(asked[0]).toMatch(/\+(25|38|57)$/);
      expect(asked.filter((one) => Number(one.split('+')[1]) > 30).length).toBeLessThanOrEqual(2);
    });
  }

  for (const kind of ['page', 'offset'] as const) {
    it(`${kind}: a page of a lane that is too large is read in smaller bites, no row twice and none left out`, async () => {
      // Rows from 200 on are fat: only 30 of them fit into an answer.
      serve(kind, 430, { pageSize: { max: (_, start) => (start >= 200 ? 30 : 100), overMax: 'error413' } });
      expect(await drive.run(syncOf(kind, { start: 100 }), { account })).toMatchObject({ state: 'done', rows: 430 });
      const { rows } = await db.pool.query(
        `select sum(items - again)::int as items from sluice.unit where run_id = $1`,
        [drive.lastRunId()],
      );
      expect(rows).toEqual([{ items: 430 }]);
    });
  }

  for (const kind of ['cursor', 'page', 'offset', 'link'] as const) {
    it.each([230, 250, 40])(
      `${kind}: a \`hasMore\` that counts rows is no word of a third party that gives fewer than it is asked for: %i rows`,
      async (rows) => {
        const lastPage = kind === 'cursor' || kind === 'link' ? ('cursor-then-empty' as const) : undefined;
        serve(kind, rows, { pageSize: { max: 50 }, ...(lastPage ? { lastPage } : {}) });
        const hasMore = ({ items }: Page): boolean => items.length === 100;
        // Other lists of it have brought larger pages.
        await db.pool.query('delete from sluice.endpoint');
        const sync = syncOf(kind, { start: 100 }, { hasMore, ...(lastPage ? {} : { lanes: 1 }) });
        expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows });
        // A page more than there are at most, and two that overlap.
        expect(asked.length).toBeLessThanOrEqual(Math.ceil(rows / 50) + 3);
      },
    );
  }

  it('cursor: a `hasMore` that counts rows says nothing against an answer that names a next page in another field', async () => {
    serve('cursor', 230, { pageSize: { max: 50 }, fields: { next: 'after', hasMore: 'has_more' } });
    await db.pool.query('delete from sluice.endpoint');
    const sync = syncOf('cursor', { start: 100 }, { hasMore: ({ items }: Page): boolean => items.length === 100 });
    const result = await drive.run(sync, { account });
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toContain('more follows');
  });

  it('offset: fewer rows than asked for, without a word and only from some place on, are no end', async () => {
    serve('offset', 430, { pageSize: { max: (_, start) => (start >= 200 ? 30 : 100) } });
    expect(await drive.run(syncOf('offset', { start: 100 }), { account })).toMatchObject({ state: 'done', rows: 430 });
  });

  it('a page that times out is asked for again with half the size', async () => {
    serve('offset', 120, { pageSize: { max: 30, overMax: 'silent' } });
    const result = await drive.run(syncOf('offset', { start: 100 }), { account });
    expect(result).toMatchObject({ state: 'done', rows: 120 });
    expect(asked.slice(0, 3)).toEqual(['0+100', '0+50', '0+25']);
  });

  it.each([500, 504])(
    'a page that the server answers with %i again and again is asked for in ever smaller sizes',
    async (code) => {
      serve('cursor', 60, { pageSize: { max: 100 } });
      const tooMuch = { status: code, body: { error: 'internal' } };
      // The first time it may be an accident.
      api.script(
        `GET ${path}`,
        Array.from({ length: 4 }, () => tooMuch),
      );
      const recorded = api.report().calls;
      const result = await drive.run(syncOf('cursor', { start: 100 }), { account });
      expect(result).toMatchObject({ state: 'done', rows: 60 });
      expect(api.report().calls - recorded).toBe(4 + 5);
      expect(asked.map((one) => one.split('+')[1])).toEqual(Array.from({ length: 5 }, () => '12'));
    },
    60_000,
  );

  it.each([3, 7])(
    'a page that fails in smaller sizes too, in %i attempts, leaves the size as it was',
    async (attempts) => {
      serve('cursor', 60, { pageSize: { max: 100 } });
      api.script(
        `GET ${path}`,
        Array.from({ length: attempts }, () => ({ status: 500, body: { error: 'internal' } })),
      );
      const result = await drive.run(syncOf('cursor', { start: 100 }, {}, attempts), { account, skipsBackoffs: true });
      expect(result?.flaws).toMatchObject([{ kind: 'failed' }]);
      expect(await sizeKept()).toBe(100);
    },
    60_000,
  );

  it('grows by half after five full pages in a row, and is twice as careful after it grew too far', async () => {
    serve('cursor', 3_000, { pageSize: { max: 60, overMax: 'error400' } });
    const sync = syncOf('cursor', { start: 10, max: 100 });
    expect(await drive.run(sync, { account })).toMatchObject({ state: 'done', rows: 3_000 });
    const sizes = asked.map((one) => Number(one.split('+')[1]));
    const runs: [size: number, calls: number][] = [];
    for (const size of sizes) {
      const last = runs.at(-1);
      if (last?.[0] === size) last[1]++;
      else runs.push([size, 1]);
    }
    expect(runs.slice(0, 8)).toEqual([
      [10, 5],
      [15, 5],
      [23, 5],
      [35, 5],
      [53, 5],
      [80, 1],
      [53, 10],
      [80, 1],
    ]);
    expect(runs[8]).toEqual([53, 20]);
  });

  it('fails where not even the smallest page is small enough', async () => {
    serve('cursor', 50, { pageSize: { max: 3, overMax: 'error413' } });
    const result = await drive.run(syncOf('cursor', { start: 20, min: 5 }), { account });
    expect(result).toMatchObject({ state: 'failed' });
    expect(result?.flaws[0]?.reason).toMatch(/already at the smallest page, 5/);
    expect(asked.map((one) => one.split('+')[1])).toEqual(['20', '10', '5']);
  });

  it('rewrites the size in next links where it is told the name of the parameter', async () => {
    // Fat rows from 100 on: the link that leads there asks for 100.
    serve('link', 250, { pageSize: { max: (_, start) => (start >= 100 ? 30 : 100), overMax: 'error413' } });
    const stuck = await drive.run(syncOf('link', { start: 100 }), { account });
    expect(stuck).toMatchObject({ state: 'failed' });
    const result = await drive.run(syncOf('link', { start: 100 }, { sizeParam: 'limit' }), { account: 'other' });
    expect(result).toMatchObject({ state: 'done', rows: 250 });
  });

  for (const [name, paginate, nextOf] of [
    [
      'in next links that hold more than a number',
      { kind: 'link', sizeParam: 'limit' },
      (number: number, size: number, last: string) => `${path}?limit=${size}&page=${number}&from=PA${last}`,
    ],
    ['that are followed as they are', { kind: 'cursor', guards: { 'moved-rows': false } }, String],
    [
      'in cursors that hold more',
      { kind: 'cursor' },
      (number: number, _: number, last: string) => `${last}:page=${number}`,
    ],
  ] as const)
    it(`page numbers ${name} are asked for in one size: a larger one would leap over rows`, async () => {
      const ids = Array.from({ length: 730 }, (_, n) => `r${n}`);
      api.route('GET', path, ({ query }) => {
        const size = Number(query.get('limit'));
        const number = Number(query.get('page') ?? /\d+$/.exec(query.get('cursor') ?? '')?.[0] ?? 0);
        asked.push(`${number}+${size}`);
        const rows = ids.slice(number * size, (number + 1) * size);
        const more = (number + 1) * size < ids.length;
        const next = more ? nextOf(number + 1, size, rows.at(-1) ?? '') : null;
        return { body: { items: rows.map((id) => ({ id })), next } };
      });
      const sync = syncOf(paginate.kind, { start: 50, max: 200 }, paginate);
      expect(await drive.run(sync, { account })).toMatchObject({ state: 'done', complete: true, rows: 730 });
      expect(new Set(asked.map((one) => one.split('+')[1]))).toEqual(new Set(['50']));
      // The next list begins with the size that has grown meanwhile.
      asked = [];
      expect(await drive.run(sync, { account })).toMatchObject({ state: 'done', complete: true });
      expect(asked[0]).toBe('0+113');
    });
});
