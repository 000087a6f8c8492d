import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type Paginate } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

interface Row {
  readonly id: string;
}
interface Body {
  readonly items: Row[];
  readonly next: string;
}

describe('a list that stops at a round number', () => {
  it('is not cleared by the blank pages that lanes read behind it', async () => {
    const api = await startFakeApi();
    const db = await createTestDatabase();
    const drive = await createDrive(db.pool);
    try {
      const all = Array.from({ length: 1_000 }, (_, n) => ({ id: `r${n}` }));
      api.route('GET', '/rows', ({ query }) => {
        const at = Number(query.get('at'));
        return { status: 200, body: { items: all.slice(at, at + Number(query.get('limit'))) } };
      });
      const provider = defineProvider({ id: 'capped', baseUrl: () => api.url, auth: noAuth(), limits: [] });
      const list = provider.endpoint('rows', {
        input: z.object({}),
        response: z.object({ items: z.array(z.object({ id: z.string() })) }),
        request: (_, page) => get('/rows', { limit: page.size, at: page.offset }),
        paginate: { kind: 'offset', items: (body) => body.items, lanes: 8 },
      });
      const sync = defineSync('capped', { provider, input: z.object({}) }, (s) => ({
        rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
      }));
      for (const account of ['a1', 'a2'])
        expect((await drive.run(sync, { account }))?.flaws).toMatchObject([{ kind: 'capped' }]);
    } finally {
      await drive.end();
      await db.drop();
      await api.stop();
    }
  });
});

describe('a list with a pinned row on each page', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  it.each([
    ['by offset', 'offset', 10, false],
    ['by offset, in large pages', 'offset', 100, false],
    ['by offset, which stands alone behind the end', 'offset', 10, true],
    ['by page number', 'page', 10, false],
    ['by page number, which stands alone behind the end', 'page', 10, true],
  ] as const)('%s, is complete, and takes few calls more than any other', async (_, kind, size, isAlone) => {
    const { api, drive, account } = stage;
    const rows = Array.from({ length: 430 }, (__, n) => ({ id: `r${n}` }));
    api.route('GET', '/posts', ({ query }) => {
      const from = Number(query.get('at'));
      const some = rows.slice(from, from + size);
      return { body: { items: some.length > 0 || isAlone ? [{ id: 'pinned' }, ...some] : [] } };
    });
    const provider = defineProvider({ id: 'pinned', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('posts', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (__, page) => get('/posts', { at: kind === 'offset' ? page.offset : (page.number - 1) * size }),
      paginate: { kind, items: (body) => body.items, pageSize: { start: size } },
    });
    const sync = defineSync('pinned', { provider, input: z.object({}) }, (s) => ({
      posts: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    expect(result).toMatchObject({ complete: true, rows: 431 });
    expect(result?.calls).toBeLessThan(1.3 * (430 / size) + 3);
  });
});

describe('a list of which a row comes on all pages, beside those that were asked for', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** 20 rows a page, and the first row of all on those behind the first. */
  const listOf = (count: number, most: number, paginate: 'offset' | 'page') => {
    const { api, account } = stage;
    const rows = Array.from({ length: count }, (_, n) => ({ id: `r${n}` }));
    api.route('GET', '/posts', ({ query }) => {
      const size = Math.min(20, Number(query.get('limit') ?? 20));
      const from = paginate === 'offset' ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * size;
      const items = rows.slice(from, Math.min(from + size, most));
      return { body: { items: from > 0 && items.length > 0 ? [rows[0], ...items] : items } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('posts', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })) }),
      request: (__, page) =>
        get('/posts', paginate === 'offset' ? { offset: page.offset, limit: page.size } : { page: page.number }),
      paginate: {
        kind: paginate,
        items: (body) => body.items,
        ...(paginate === 'offset' ? { lastPage: 'short' as const } : {}),
      },
    });
    return defineSync('posts', { provider, input: z.object({}) }, (s) => ({
      posts: s.one(list, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
  };

  it('has no longer pages because of it: one without it is not taken for the last in the next run', async () => {
    const sync = listOf(430, 430, 'offset');
    for (const _ of [1, 2])
      expect(await stage.drive.run(sync, { account: stage.account })).toMatchObject({ complete: true, rows: 430 });
  });

  it('has not gone on behind a cap because of it', async () => {
    const sync = listOf(1_030, 1_000, 'page');
    for (const _ of [1, 2])
      expect(await stage.drive.run(sync, { account: stage.account })).toMatchObject({
        complete: false,
        rows: 1_000,
        flaws: [{ kind: 'capped' }],
      });
  });
});

describe('a list with one new row a page for ever', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;

  beforeAll(async () => {
    api = await startFakeApi();
    let calls = 0;
    api.route('GET', '/rows', () => ({ status: 200, body: { items: [{ id: `r${++calls}` }], next: `c${calls}` } }));
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const items = (body: Body) => body.items;
  const kinds: readonly Paginate<Body, Row>[] = [
    { kind: 'cursor', items, next: (body) => body.next, pageSize: { start: 10 } },
    { kind: 'page', items, pageSize: { start: 10 } },
    { kind: 'offset', items, pageSize: { start: 10 } },
    { kind: 'offset', items, pageSize: { start: 100 }, overlap: 0 },
  ];
  it.each(kinds)('by $kind, stops after some 200 of them, typed', async (paginate) => {
    const provider = defineProvider({ id: 'endless', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string() }),
      request: (_, page) => get('/rows', { limit: page.size, cursor: page.cursor, at: page.offset }),
      paginate,
    });
    const sync = defineSync('endless', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
    }));
    const result = await drive.run(sync, { account: JSON.stringify(paginate), maxCalls: 300 });
    expect(result).toMatchObject({
      state: 'incomplete',
      flaws: [{ kind: 'looped', reason: expect.stringContaining('hardly a row each') as string }],
    });
    expect(result?.fetches).toBeLessThan(210);
  });
});
