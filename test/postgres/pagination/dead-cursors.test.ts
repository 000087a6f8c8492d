import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  bodyField,
  deadCursor,
  defineProvider,
  defineSync,
  get,
  noAuth,
  rules,
  when,
  type Paginate,
} from '../../../providers/index.ts';
import type { FakeApi, ScriptStep } from '../../../testing/index.ts';
import { onListStage } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';
import type { Drive } from '../../../bench/common/drive.ts';

interface Row {
  readonly id: string;
  readonly n: number;
}
interface Body {
  readonly items: Row[];
  readonly next?: string | null | undefined;
  readonly total?: number | undefined;
}

describe('a cursor that dies in mid-list', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  /** What was asked for: the query of each call. */
  let asked: string[];
  let rows: Row[];

  const numbered = (count: number): Row[] => Array.from({ length: count }, (_, n) => ({ id: `r${n}`, n }));
  const syncOf = (options: Partial<Extract<Paginate<Body, Row>, { kind: 'cursor' }>> = {}, own = false) => {
    const provider = defineProvider({
      id: 'mortal',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 3,
      ...(own ? { classify: rules([when(bodyField('oops', 'lost'), deadCursor())]) } : {}),
    });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({
        items: z.array(z.object({ id: z.string(), n: z.number() })),
        next: z.string().nullish(),
        total: z.number().optional(),
      }),
      request: (_, page) => get('/rows', { limit: page.size, after: page.behind, cursor: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: (body) => body.items,
        next: (body) => body.next,
        pageSize: { start: 10 },
        ...options,
      },
    });
    return defineSync('mortal', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => row.id }),
    }));
  };

  onListStage((stage) => ({ api, db, drive, account } = stage));
  beforeEach(async () => {
    asked = [];
    rows = numbered(95);
    // Cursors are bound to the query that they came from.
    api.route('GET', '/rows', ({ query }) => {
      asked.push(query.toString());
      const limit = Number(query.get('limit'));
      const from = Number(query.get('after') ?? -1);
      const all = rows.filter(({ n }) => n > from);
      const at = Number(query.get('cursor')?.slice(1) ?? 0);
      const next = at + limit < all.length ? `c${at + limit}` : null;
      return { status: 200, body: { items: all.slice(at, at + limit), next, total: all.length } };
    });
  });

  const stored = async () =>
    (await db.pool.query('select 1 from sluice.record where account = $1', [account])).rowCount ?? 0;
  const pages = (count: number): ScriptStep[] => Array.from({ length: count }, () => 'ok' as const);
  const gone: ScriptStep = { status: 410, body: { error: 'gone' } };

  it.each<[string, ScriptStep]>([
    ['410', gone],
    [
      '400 in well-known words',
      { status: 400, body: { error: { code: 'invalid_request', message: 'Cursor has expired.' } } },
    ],
    ['404 in well-known words', { status: 404, body: { message: 'No search context found: unknown scroll_id' } }],
    ['422 with a code', { status: 422, body: { error: 'expired_page_token' } }],
    ['an error under 200', { status: 200, body: { ok: false, error: 'invalid_cursor' } }],
  ])('is told by %s: the list is read again from its beginning, once, and no row is missing', async (_, answer) => {
    api.script('GET /rows', [...pages(4), answer]);
    rows = numbered(95);
    const result = await drive.run(syncOf({ total: (body) => body.total }), { account });
    expect(result).toMatchObject({ state: 'done', complete: true, rows: 95, fetches: 4 + 1 + 10 });
    expect(await stored()).toBe(95);
  });

  it('finds the rows that came while it was read, and takes a second reading for no loop', async () => {
    api.script('GET /rows', [...pages(7), gone]);
    const sync = syncOf({ total: (body) => body.total });
    await drive.run(sync, { account, dieAfterCalls: 8 });
    rows = [{ id: 'new', n: -0.5 }, ...rows];
    expect(await drive.goOn(sync, drive.lastRunId(), { account })).toMatchObject({ complete: true, rows: 96 });
  });

  it('ends the list typed when it dies again, and the next run begins at the first page', async () => {
    const script = api.script('GET /rows', [...pages(4), gone, ...pages(3), gone]);
    const sync = syncOf();
    const result = await drive.run(sync, { account });
    expect(result).toMatchObject({
      state: 'incomplete',
      fetches: 9,
      flaws: [
        { kind: 'truncated', reason: expect.stringContaining('forgotten its own cursor twice: HTTP 410') as string },
      ],
    });
    expect(await stored()).toBe(40);
    script.stop();
    asked = [];
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 95 });
    expect(asked[0]).toBe('limit=10');
  });

  it('of a first page is none: what was asked for is gone', async () => {
    api.script('GET /rows', [gone]);
    expect((await drive.run(syncOf(), { account }))?.flaws).toMatchObject([{ kind: 'failed' }]);
    expect(asked).toEqual([]);
  });

  it('is not seen in the words of a page with rows, nor in another refusal', async () => {
    rows = [{ id: 'the cursor has expired', n: 0 }, ...numbered(20).map(({ id, n }) => ({ id, n: n + 1 }))];
    expect(await drive.run(syncOf(), { account })).toMatchObject({ complete: true, rows: 21, fetches: 3 });
    api.script('GET /rows', ['ok', { status: 400, body: { error: 'no such field' } }]);
    expect((await drive.run(syncOf(), { account: `${account}-b` }))?.flaws).toMatchObject([{ kind: 'failed' }]);
  });

  it('is what a rule of the provider says it is', async () => {
    api.script('GET /rows', [...pages(2), { status: 409, body: { oops: 'lost' } }]);
    expect(await drive.run(syncOf({}, true), { account })).toMatchObject({ complete: true, rows: 95 });
  });

  it('teaches no false number of rows: two readings of 600 have not gone beyond a cap of 1,000', async () => {
    rows = numbered(1_000);
    api.script('GET /rows', [...pages(60), gone]);
    const result = await drive.run(syncOf({ pageSize: { start: 10 } }), { account });
    expect(result?.flaws).toMatchObject([{ kind: 'capped' }]);
  });

  it('at a round number is believed once where it is told in words, and is a cap where it comes there again', async () => {
    rows = numbered(1_300);
    const dead: ScriptStep = { status: 404, body: { error: 'search_context_missing', status: 404 } };
    const paginate = { pageSize: { start: 250 } };
    api.script('GET /rows', [...pages(4), dead]);
    const once = await drive.run(syncOf(paginate), { account });
    expect(once).toMatchObject({ complete: true, rows: 1_300, fetches: 4 + 1 + 6 });
    account = `${account}-again`;
    api.script('GET /rows', [...pages(4), dead, ...pages(4), dead]);
    const twice = await drive.run(syncOf(paginate), { account });
    expect(twice).toMatchObject({ complete: false, flaws: [{ kind: 'capped' }] });
  });

  describe('of a list that is read on behind the last row', () => {
    const behind = { onDeadCursor: { behind: (row: Row) => row.n } };

    it('costs no page again, however often it dies on the way', async () => {
      api.script('GET /rows', [...pages(4), gone, ...pages(2), gone]);
      const result = await drive.run(syncOf({ ...behind, total: (body) => body.total }), { account });
      expect(result).toMatchObject({ complete: true, rows: 95, fetches: 10 + 2 });
      // The cursors that follow belong to what was asked for then.
      expect(asked.filter((query) => query.includes('after'))).toEqual([
        'limit=10&after=39',
        'limit=10&after=39&cursor=c10',
        'limit=10&after=59',
        'limit=10&after=59&cursor=c10',
        'limit=10&after=59&cursor=c20',
        'limit=10&after=59&cursor=c30',
      ]);
    });

    it('ends it typed when it dies before another row has come', async () => {
      api.script('GET /rows', [...pages(4), gone, { status: 200, body: { items: [], next: 'c10' } }, gone]);
      const result = await drive.run(syncOf(behind), { account });
      expect(result?.flaws).toMatchObject([
        { kind: 'truncated', reason: expect.stringContaining('behind the same row again') as string },
      ]);
    });
  });

  it('has a policy that is checked where it is defined', () => {
    expect(() => syncOf({ onDeadCursor: 'behind' as never })).toThrow(
      /onDeadCursor is "behind"; it must be "begin-again" or \{ behind: \(row\) => … \}/,
    );
  });

  describe('that nobody tells of: a page without rows where more was to follow', () => {
    const blank: ScriptStep = { status: 200, body: { items: [] } };
    const busy: ScriptStep = { status: 200, body: { items: [], note: 'shard 3 is being moved' } };

    it.each<[string, ScriptStep]>([
      ['without a word', blank],
      ['with words that nobody knows', busy],
    ])(
      'for a moment, %s, is no end: the page before is asked for again, and what it names is followed',
      async (_, answer) => {
        api.script('GET /rows', [...pages(4), answer]);
        expect(await drive.run(syncOf(), { account })).toMatchObject({ complete: true, rows: 95, fetches: 12 });
        expect(await stored()).toBe(95);
        expect(asked.slice(3, 6)).toEqual(['limit=10&cursor=c30', 'limit=10&cursor=c30', 'limit=10&cursor=c40']);
      },
    );

    it('from then on leads to a second reading, as one does that is told', async () => {
      const script = api.script('GET /rows', [...pages(4), blank, blank]);
      expect(await drive.run(syncOf(), { account })).toMatchObject({ complete: true, rows: 95, fetches: 6 + 10 });
      script.stop();
      api.script('GET /rows', [...pages(4), blank, blank, ...pages(2), blank, blank]);
      expect(await drive.run(syncOf(), { account })).toMatchObject({
        state: 'incomplete',
        flaws: [{ kind: 'truncated', reason: expect.stringContaining('came again without any') as string }],
      });
    });

    it('is no end where that page had failed just before, however short the one is that named it', async () => {
      rows = numbered(95);
      api.route('GET', '/rows', ({ query }) => {
        asked.push(query.toString());
        if (asked.length === 2) return { status: 503, body: {} };
        const at = Number((query.get('cursor') ?? 'c0').slice(1));
        const items = asked.length === 3 ? [] : rows.slice(at, at + 24);
        return { body: { items, next: items.length === 24 ? `c${at + 24}` : null } };
      });
      const sync = syncOf({ pageSize: { start: 100 } });
      expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 95 });
    });

    const behindRow = {
      next: (body: Body) => body.items.at(-1)?.id,
      hasMore: (body: Body) => body.next !== null,
    };
    /** As many vendors do: what follows a row that is not there any more is nothing. */
    const behindRows = (deleteAt: number, id: string): void =>
      void api.route('GET', '/rows', ({ query }) => {
        asked.push(query.toString());
        if (asked.length === deleteAt) rows = rows.filter((row) => row.id !== id);
        const behind = query.get('cursor');
        const at = behind === null ? 0 : rows.findIndex((row) => row.id === behind) + 1;
        const items = behind !== null && at === 0 ? [] : rows.slice(at, at + 10);
        return { status: 200, body: { items, next: items.length > 0 && at + 10 < rows.length ? 'more' : null } };
      });

    it('is found where the row was deleted behind which it begins', async () => {
      behindRows(4, 'r29');
      expect(await drive.run(syncOf(behindRow), { account })).toMatchObject({ complete: true, fetches: 12 });
      expect(await stored()).toBe(95);
      expect(asked.slice(2, 6)).toEqual([19, 29, 19, 30].map((n) => `limit=10&cursor=r${n}`));
    });

    it('is the end of a list of whole pages, which takes two calls more', async () => {
      rows = numbered(30);
      behindRows(0, '');
      expect(await drive.run(syncOf(behindRow), { account })).toMatchObject({ complete: true, fetches: 3 });
      const { next } = behindRow;
      expect(await drive.run(syncOf({ next }), { account })).toMatchObject({ complete: true, fetches: 4 + 2 });
      rows = numbered(25);
      expect(await drive.run(syncOf({ next }), { account })).toMatchObject({ complete: true, fetches: 4 });
    });

    it('is the end where a token for the next run comes with it, and where a third party keeps the place itself', async () => {
      rows = numbered(30);
      behindRows(0, '');
      const { next } = behindRow;
      const checkpoint = (body: Body) => (body.items.length === 0 ? 'token' : null);
      expect(await drive.run(syncOf({ next, checkpoint }), { account })).toMatchObject({ complete: true, fetches: 4 });
      const guards = { 'repeated-token': false };
      expect(await drive.run(syncOf({ next, guards }), { account })).toMatchObject({ complete: true, fetches: 4 });
    });
  });
});
