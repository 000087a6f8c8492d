import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  defineSync,
  get,
  noAuth,
  type PageRequest,
  type Paginate,
  type RequestSpec,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createDrive, type Drive } from '../../../bench/common/drive.ts';

interface Row {
  readonly id: string | number | bigint;
}
interface Body {
  readonly data?: { readonly me: { readonly items: Row[] } };
  readonly hits?: { readonly hits: Row[] };
  readonly items: Row[];
  readonly next?: string | null;
}

describe('an answer that is easily misread', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  let counter = 0;
  let asked: string[];

  beforeAll(async () => {
    api = await startFakeApi();
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  beforeEach(() => {
    account = `acct-${counter++}`;
    asked = [];
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });

  const read = async (
    serve: (query: URLSearchParams, headers: Readonly<Record<string, unknown>>) => FakeAnswer,
    paginate: Paginate<Body, Row> | null = { kind: 'single', items: (body) => body.items },
    places: (page: PageRequest) => NonNullable<RequestSpec['query']> = ({ number, cursor }) => ({
      page: number,
      cursor,
    }),
    // oxlint-disable-next-line typescript/no-explicit-any -- what a definition in a hurry has
    response: z.ZodType<any> = z.any(),
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const path = `/of/${account}`;
    api.route('GET', path, ({ query, headers }) => {
      asked.push(query.toString());
      return serve(query, headers);
    });
    const provider = defineProvider({ id: 'hard', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 3 });
    const list = provider.endpoint('rows', {
      input: z.object({ since: z.string().optional() }),
      response,
      request: ({ since }, page) => ({
        ...get(path, places(page)),
        headers: { ...headers, ...(since === undefined ? {} : { 'if-modified-since': since }) },
      }),
      ...(paginate ? { paginate } : {}),
    });
    const sync = defineSync('hard', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: (row) => row.id as string,
        incremental: { field: (row) => (row as unknown as { at?: string }).at ?? null, lookbackMs: 0 },
      }),
    }));
    const run = () => drive.run(sync, { account });
    const stored = async () =>
      (
        await db.pool.query<{ key: string; data: unknown }>(
          'select key, data from sluice.record where account = $1 order by key',
          [account],
        )
      ).rows;
    return { run, stored };
  };

  it('in another charset is stored as it was meant', async () => {
    const { run, stored } = await read(() => ({
      status: 200,
      headers: { 'content-type': 'application/json; charset=iso-8859-1' },
      body: Buffer.from('{"items":[{"id":"Müller"}]}', 'latin1'),
    }));
    expect(await run()).toMatchObject({ complete: true, rows: 1 });
    expect(await stored()).toEqual([{ key: 'Müller', data: { id: 'Müller' } }]);
  });

  it('with numbers of 64 bits keeps each of them, as key and as data', async () => {
    const ids = ['9007199254740993', '9007199254740992', '9223372036854775807', '-9007199254740995'];
    const { run, stored } = await read(() => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"items":[${ids.map((id) => `{"id":${id}}`).join(',')}]}`,
    }));
    expect(await run()).toMatchObject({ complete: true, rows: 4 });
    expect((await stored()).map(({ key }) => key).toSorted()).toEqual(ids.toSorted());
    expect((await stored()).map(({ data }) => String((data as Row).id)).toSorted()).toEqual(ids.toSorted());
  });

  it('with two different rows under one key is flawed, and says which', async () => {
    const items = [{ id: 'a', n: 1 }, { id: 'b' }, { id: 'a', n: 2 }];
    const { run } = await read(() => ({ status: 200, body: { items } }));
    expect((await run())?.flaws).toMatchObject([
      { kind: 'flawed', reason: expect.stringContaining('key "a"') as string },
    ]);
  });

  it.each<[what: string, answer: FakeAnswer]>([
    ['its Link header', { body: [{ id: 'a' }], headers: { link: '<https://x.example/rows?page=2>; rel="next"' } }],
    [
      'a last page in its Link header',
      { body: [{ id: 'a' }], headers: { link: '</rows?page=1>; rel="first", </rows?page=5>; rel="last"' } },
    ],
    ['its Content-Range', { status: 206, body: [{ id: 'a' }], headers: { 'content-range': 'items 0-0/45' } }],
    ['a status of 206', { status: 206, body: [{ id: 'a' }] }],
    ['a count in a header', { body: [{ id: 'a' }], headers: { 'x-total-count': '45' } }],
    ['a flag', { body: { items: [{ id: 'a' }], pagination: { has_more: true } } }],
    ['a token', { body: { items: [{ id: 'a' }], nextPageToken: 'x' } }],
    ['a link', { body: { items: [{ id: 'a' }], _links: { next: { href: '/rows?page=2' } } } }],
    ['a list of links', { body: { items: [{ id: 'a' }], links: [{ rel: 'next', href: '/rows?page=2' }] } }],
    [
      'a list of links by another word',
      { body: { items: [{ id: 'a' }], links: [{ rel: 'nextPage', href: '/rows?page=2' }] } },
    ],
    ['a key', { body: { items: [{ id: 'a' }], LastEvaluatedKey: { id: { S: 'a' } } } }],
    ['a flag that is 1', { body: { items: [{ id: 'a' }], has_more: 1 } }],
    ['a flag of another name', { body: { items: [{ id: 'a' }], moreDataAvailable: 'Y' } }],
    ['a word that they are not done', { body: { items: [{ id: 'a' }], paging: { done: false } } }],
    ['a word that this is not its end', { body: { items: [{ id: 'a' }], meta: { endOfResults: 'false' } } }],
    ['a limit that it has reached', { body: { items: [{ id: 'a' }], limitReached: true } }],
    ['a limit of its transfer', { body: { items: [{ id: 'a' }], exceededTransferLimit: true } }],
    ['a most that it has reached', { body: { items: [{ id: 'a' }], max_results_reached: true } }],
    ['a word that it was cut', { body: { items: [{ id: 'a' }], resultsTruncated: true } }],
    ['a count of pages in digits', { body: { items: [{ id: 'a' }], page: '1', pages: '4' } }],
    ['a place that is no number', { body: { items: [{ id: 'a' }], offset: 'itr/rec1' } }],
    ['an address of more records', { body: { items: [{ id: 'a' }], done: false, nextRecordsUrl: '/query/01g-2000' } }],
    ['a total beside its page', { body: { items: [{ id: 'a' }], page: 1, total: 45 } }],
    ['pages in a header', { body: [{ id: 'a' }], headers: { 'x-total-pages': '4' } }],
    ['a cursor beside it', { body: { items: [{ id: 'a' }], cursor: 'abc' } }],
    ['a flag in its own words', { body: { items: [{ id: 'a' }], info: { more_records: true } } }],
    [
      'a flag far from it',
      { body: { items: [{ id: 'a' }], additional_data: { page: { more_items_in_collection: true } } } },
    ],
    ['an end that is none', { body: { items: [{ id: 'a' }], end_of_stream: false } }],
    ['a list of relations', { body: { items: [{ id: 'a' }], link: [{ relation: 'next', url: '/rows?page=2' }] } }],
    ['its number of pages', { body: { items: [{ id: 'a' }], page_info: { page: 1, total_page: 5 } } }],
    ['a total and how exact it is', { body: { hits: { total: { value: 45, relation: 'eq' }, hits: [{ id: 'a' }] } } }],
    ['page info deep in it', { body: { data: { me: { items: [{ id: 'a' }], pageInfo: { hasNextPage: true } } } } }],
  ])('of which one page alone is read is truncated where it tells of more: by %s', async (_, answer) => {
    const items = (body: Body) =>
      Array.isArray(body) ? (body as Row[]) : (body.items ?? body.hits?.hits ?? body.data?.me.items ?? []);
    const { run, stored } = await read(() => answer, { kind: 'single', items });
    expect((await run())?.flaws).toMatchObject([
      { kind: 'truncated', reason: expect.stringContaining('reads one page alone') as string },
    ]);
    expect(await stored()).toHaveLength(1);
    account = `acct-${counter++}`;
    const wanted = await read(() => answer, { kind: 'single', items, guards: { 'more-told': false } });
    expect(await wanted.run()).toMatchObject({ complete: true, rows: 1 });
  });

  it.each([
    ['which are not all that there are for all anyone knows', { limit: 50 }, {}, false],
    ['by a page size', { 'page[size]': 50 }, {}, false],
    ['and the answer says that these are all', { limit: 50 }, { next: null }, true],
    ['and the answer counts as many', { limit: 50 }, { total: 50 }, true],
    ['fewer than it asked for', { limit: 100 }, {}, true],
    ['whatever it asked for', {}, {}, true],
  ])('of one page that brings as many rows as its request asks for, %s', async (_, asks, says, complete) => {
    const items = Array.from({ length: 50 }, (__, n) => ({ id: `r${n}` }));
    const { run } = await read(
      () => ({ body: { items, ...says } }),
      { kind: 'single', items: (body) => body.items },
      () => asks,
    );
    const result = await run();
    expect(result?.complete).toBe(complete);
    if (!complete) expect(result?.flaws[0]?.reason).toMatch(/^as many rows came as .* asks for, 50/);
  });

  const next = (body: Body): string | null | undefined => (body as { cursor?: string }).cursor;
  const cursor: Paginate<Body, Row> = { kind: 'cursor', items: (body) => body.items, next };
  const inData: Paginate<Body, Row> = { ...cursor, items: (body) => (body as unknown as { data: Body }).data.items };
  const link: Paginate<Body, Row> = { kind: 'link', items: (body) => body.items };
  const rows = [{ id: 'a' }];
  it.each<[what: string, paginate: Paginate<Body, Row>, answer: FakeAnswer]>([
    ['a cursor of another name', cursor, { body: { items: rows, next_cursor: 'x' } }],
    ['a cursor in another place', cursor, { body: { items: rows, meta: { next: 'x' } } }],
    ['a token beside the list itself', inData, { body: { data: { items: rows, nextToken: 'x' } } }],
    ['a flag', cursor, { body: { items: rows, is_truncated: 'true' } }],
    ['a total', cursor, { body: { items: rows, total_count: 45 } }],
    ['an address in the body', link, { body: { items: rows, links: { next: '/rows?page=2' } } }],
    ['a header of its own', link, { body: { items: rows }, headers: { 'x-next-page': '2' } }],
    ['a token in a header', cursor, { body: { items: rows }, headers: { 'x-ms-continuationtoken': 'a7' } }],
    ['a count in a header', link, { body: { items: rows }, headers: { 'x-total-count': '45' } }],
    ['a Link header of no standard', link, { body: { items: rows }, headers: { link: '/rows?page=2; rel="next"' } }],
  ])('that `paginate` takes for the last is truncated where it tells of more: by %s', async (_, paginate, answer) => {
    const { run, stored } = await read(() => answer, paginate);
    expect((await run())?.flaws).toMatchObject([
      { kind: 'truncated', reason: expect.stringContaining('has found no next page in it') as string },
    ]);
    expect(await stored()).toHaveLength(1);
  });

  it.each<[what: string, answer: FakeAnswer]>([
    ['a status of 206', { status: 206, body: { items: [{ id: 'b' }] } }],
    ['a word that it is not the end', { body: { items: [], eof: false } }],
  ])('behind others is truncated where it tells of more: by %s', async (_, answer) => {
    const { run } = await read(
      (query) => (query.get('cursor') ? answer : { body: { items: rows, cursor: 'x' } }),
      cursor,
    );
    expect((await run())?.flaws).toMatchObject([{ kind: 'truncated' }]);
  });

  it.each<[what: string, body: object]>([
    ['that it was the last', { items: rows, has_more: false, next_cursor: 'x', cursor: null }],
    ['no next one in the usual words for none', { items: rows, next_cursor: '-1', next_token: 'none', next_page: 0 }],
    ['what a thing is', { items: rows, id: 7, done: false, complete: 0 }],
    ['the numbers of its pages', { items: rows, current: 0, last: 0, page: 0, pages: 1 }],
    ['what is not about this list', { items: rows, others: { nodes: [1, 2], hasNextPage: true }, total: 4_500 }],
  ])('without a next page is complete where it tells %s', async (_, body) => {
    const { run } = await read(() => ({ body }), cursor);
    expect(await run()).toMatchObject({ complete: true, rows: 1 });
  });

  it('whose rows stand in lists inside of rows is flawed where one of these goes on', async () => {
    const repo = (id: string, hasNextPage: boolean) => ({
      id,
      issues: { nodes: [{ id: `${id}1` }, { id: `${id}2` }], pageInfo: { hasNextPage } },
    });
    const flat = {
      ...cursor,
      items: (body: Body) =>
        (body as unknown as { repos: { issues: { nodes: Row[] } }[] }).repos.flatMap(({ issues }) => issues.nodes),
    };
    const { run } = await read(() => ({ body: { repos: [repo('a', false), repo('b', true)] } }), flat);
    expect(await run()).toMatchObject({ complete: false, rows: 4, flaws: [{ kind: 'flawed' }] });
    account = `acct-${counter++}`;
    const whole = await read(() => ({ body: { repos: [repo('a', false), repo('b', false)] } }), flat);
    expect(await whole.run()).toMatchObject({ complete: true, rows: 4 });
  });

  it('whose rows stand in a list inside of a row that is gone on with is complete, and flawed where another goes on', async () => {
    const all = Array.from({ length: 7 }, (_, n) => ({ id: `i${n}` }));
    // As `boards(ids: [1]) { items_page { cursor items } }`, or `nodes(ids: [1]) { … }`.
    const connection = (at: number) => {
      const endCursor = at + 3 < all.length ? `after ${all[at + 2]?.id}` : null;
      return { nodes: all.slice(at, at + 3), pageInfo: { endCursor, hasNextPage: endCursor !== null } };
    };
    const parts = (body: Body) => (body as unknown as { boards: { page: ReturnType<typeof connection> }[] }).boards;
    const inner: Paginate<Body, Row> = {
      kind: 'cursor',
      items: (body) => parts(body).flatMap(({ page }) => page.nodes),
      next: (body) => parts(body)[0]?.page.pageInfo.endCursor,
    };
    const at = (query: URLSearchParams) => Number(/\d+$/.exec(query.get('cursor') ?? '')?.[0] ?? -1) + 1;
    const one = await read((query) => ({ body: { boards: [{ page: connection(at(query)) }] } }), inner);
    expect(await one.run()).toMatchObject({ complete: true, rows: 7, flaws: [] });
    account = `acct-${counter++}`;
    const other = { nodes: [{ id: 'o' }], pageInfo: { endCursor: 'x', hasNextPage: true } };
    const two = await read(
      (query) => ({ body: { boards: [{ page: connection(at(query)) }, { page: other }] } }),
      inner,
    );
    expect(await two.run()).toMatchObject({ complete: false, flaws: [{ kind: 'flawed' }] });
  });

  it.each<[what: string, inner: object, outer: object, reason: RegExp | undefined]>([
    ['a flag', { pageInfo: { hasNextPage: true } }, {}, /`issues\.comments\.pageInfo\.hasNextPage` is true/],
    ['a flag of the list above', {}, { has_more: true }, /`issues\.has_more` is true/],
    ['a count', { totalCount: 5 }, {}, /`issues\.comments\.totalCount` is 5, and 2 rows came/],
    ['a next page', { next_cursor: 'x' }, {}, /`issues\.comments\.next_cursor` names a next page/],
    ['nothing more', { totalCount: 2, pageInfo: { hasNextPage: false } }, { has_more: false }, undefined],
  ])('whose rows stand two lists deep is flawed where one of both goes on: by %s', async (_, inner, outer, reason) => {
    const comments = (id: string) => ({ nodes: [{ id: `${id}1` }, { id: `${id}2` }], ...inner });
    const issues = (id: string) => ({ nodes: [{ id, comments: comments(id) }], ...outer });
    interface Repo {
      readonly issues: { readonly nodes: readonly { readonly comments: { readonly nodes: Row[] } }[] };
    }
    const { run } = await read(() => ({ body: { repos: [{ issues: issues('a') }, { issues: issues('b') }] } }), {
      ...cursor,
      items: (body) =>
        (body as unknown as { repos: Repo[] }).repos.flatMap((repo) =>
          repo.issues.nodes.flatMap((issue) => issue.comments.nodes),
        ),
    });
    const result = await run();
    expect(result).toMatchObject({ complete: reason === undefined, rows: 4 });
    if (reason) expect(result?.flaws).toMatchObject([{ kind: 'flawed', reason: expect.stringMatching(reason) }]);
  });

  it('without a next page is complete where `hasMore` says so, whatever else it tells', async () => {
    const body = { items: rows, more: true, done: true };
    const { run } = await read(() => ({ body }), { ...cursor, hasMore: (all) => !(all as { done?: boolean }).done });
    expect(await run()).toMatchObject({ complete: true, rows: 1 });
  });

  it.each<[what: string, more: unknown, none: unknown]>([
    ['text', 'true', 'false'],
    ['a number', 1, 0],
    ['a letter', 'Y', 'N'],
  ])('whose `hasMore` is %s is read as it is meant', async (_, more, none) => {
    const { run } = await read(
      (query) => ({
        body: { items: [{ id: `r${query.get('cursor')}` }], more: query.get('cursor') ? none : more, cursor: 'x' },
      }),
      { ...cursor, hasMore: (body) => (body as unknown as { more: boolean }).more },
    );
    expect(await run()).toMatchObject({ complete: true, rows: 2 });
    expect(asked).toHaveLength(2);
    account = `acct-${counter++}`;
    const wrong = await read(() => ({ body: { items: rows } }), { ...cursor, hasMore: (body) => body as never });
    expect((await wrong.run())?.flaws[0]?.reason).toMatch(/`hasMore` gave \{"items.*must be true, false, or undefined/);
  });

  it.each([
    ['in order', {}],
    ['by lanes', { total: () => 45 }],
  ])('refuses offsets that are no multiple of the limit: %s', async (how, total) => {
    const all = Array.from({ length: 45 }, (_, n) => ({ id: `r${n}` }));
    const offsets = async (more: object) => {
      asked = [];
      account = `acct-${counter++}`;
      const { run } = await read(
        (query) => {
          const [from, size] = [Number(query.get('offset')), Number(query.get('limit'))];
          if (from % size !== 0) return { status: 400, body: { message: 'offset must be a multiple of limit' } };
          return { body: { items: all.slice(from, from + size) } };
        },
        { kind: 'offset', items: (body) => body.items, pageSize: { start: 10 }, ...total, ...more },
        ({ offset, size }) => ({ offset, limit: size }),
      );
      return run();
    };
    const result = await offsets({});
    // Pages in order are read one behind the other then; lanes say what to write.
    if (how === 'in order') expect(result).toMatchObject({ complete: true, rows: 45 });
    else expect(result?.flaws[0]?.reason).toContain('say `overlap: 0`');
    expect(await offsets({ overlap: 0 })).toMatchObject({ complete: true, rows: 45 });
  });

  it('in XML with one element where a list should be says how that is a list', async () => {
    const { run } = await read(
      () => ({ headers: { 'content-type': 'application/xml' }, body: '<rows><row><id>a</id></row></rows>' }),
      { kind: 'single', items: (body) => (body as unknown as { rows: { row: Row[] } }).rows.row },
    );
    expect((await run())?.flaws[0]?.reason).toContain("`format: { kind: 'xml', lists: ['orders.order'] }` names it");
  });

  it.each<[what: string, body: object]>([
    ['nothing that follows', { items: [{ id: 'a' }], next: null, has_more: false, total: 1, page: 1, pages: 1 }],
    ['a sum that is called total', { items: [{ id: 'a' }], total: 4_500, currency: 'EUR' }],
    ['pages of a list in its row', { items: [{ id: 'a', notes: { nodes: [1], pageInfo: { hasNextPage: true } } }] }],
    ['pages of another list', { items: [{ id: 'a' }], tags: { nodes: [1, 2], pageInfo: { hasNextPage: true } } }],
    ['what is of its own kind', { items: [{ id: 'a' }], done: false, next_invoice_number: '7', total_items: 5 }],
    ['the size of its pages', { items: [{ id: 'a' }], count: 100, page: 1 }],
    ['the state of a thing', { items: [{ id: 'a' }], id: 'o7', status: 'partial' }],
    ['rows that are left out', { items: [{ id: 'a' }, { id: '' }], total_count: 2 }],
    ['a total that it has', { items: [{ id: 'a' }], total: { value: 1, relation: 'eq' }, info: { total_page: 1 } }],
    ['its own end', { items: [{ id: 'a' }], cursor: 'abc', end_of_stream: true, info: { more_records: false } }],
    ['a token for the next run', { items: [{ id: 'a' }], nextSyncToken: 'x', next_delta_link: 'y', offset: '0' }],
    ['fields of its rows', { items: [{ id: 'a', next: 'b', has_more: true }], meta: { total_pages: 1 } }],
  ])('of one page is complete where it tells of %s', async (_, body) => {
    const { run } = await read(() => ({ status: 200, body }), {
      kind: 'single',
      items: (all) => all.items.filter(({ id }) => id !== ''),
    });
    expect(await run()).toMatchObject({ complete: true, rows: 1 });
  });

  it('of one page is truncated where it counts more items than the pageful that came', async () => {
    const items = Array.from({ length: 10 }, (_, n) => ({ id: `r${n}` }));
    const { run } = await read(() => ({ body: { items, total_items: 437 } }), {
      kind: 'single',
      items: (all) => all.items,
    });
    expect((await run())?.flaws).toMatchObject([{ kind: 'truncated' }]);
  });

  it('of one page is complete where what names a next one is its checkpoint', async () => {
    const items = (body: Body) => body.items;
    const { run } = await read(() => ({ body: { items: rows, cursor: 'abc' } }), {
      kind: 'single',
      items,
      checkpoint: next,
    });
    expect(await run()).toMatchObject({ complete: true, rows: 1 });
  });

  it.each([
    '</rows?page=1>; rel="last"',
    '</rows>; rel="last"',
    '</rows?cursor=55>; rel="last"',
    '</rows?page=5>; rel="first"',
  ])('of one page is complete where its Link header has %s', async (link) => {
    const { run } = await read(() => ({ status: 200, body: { items: rows }, headers: { link } }), {
      kind: 'single',
      items: (all) => all.items,
    });
    expect(await run()).toMatchObject({ complete: true, rows: 1 });
  });

  it('that is a list, where one row was wanted, is told with the words that make it one', async () => {
    const { run } = await read(() => ({ body: [{ id: 'a' }] }), null);
    expect((await run())?.flaws[0]?.reason).toContain("`paginate: { kind: 'single', items: (rows) => rows }`");
  });

  it.each<[place: string, paginate: Paginate<Body, Row>]>([
    ['number', { kind: 'page', items: (body) => body.items }],
    ['offset', { kind: 'offset', items: (body) => body.items }],
    ['cursor', cursor],
  ])('is not asked for a second page where the request never looks at `page.%s`', async (place, paginate) => {
    const { run } = await read(
      () => ({ body: { items: rows, cursor: 'x' } }),
      paginate,
      () => ({}),
    );
    expect((await run())?.flaws[0]?.reason).toContain(`it never looks at \`page.${place}\``);
    expect(asked).toHaveLength(1);
  });

  it('without a body is no list, and is told with the rule that would make it an empty one', async () => {
    const { run } = await read(() => ({ status: 204 }), { kind: 'page', items: (body) => body.items });
    expect((await run())?.flaws[0]?.reason).toContain('`when(status(204), endOfData())`');
  });

  it.each<[what: string, body: object, isEmpty: boolean]>([
    ['a sentence', { Information: 'Our limit is 25 requests a day.' }, false],
    ['a list of something else', { resourceType: 'Outcome', found: [{ id: 1 }] }, false],
    ['a count', { resultSizeEstimate: 0 }, true],
    ['its kind', { kind: 'mail#list', etag: 'x' }, true],
    ['nothing', {}, true],
  ])('that may leave its rows out, and has %s alone, is empty or not understood', async (_, body, isEmpty) => {
    const schema = z.object({ items: z.array(z.object({ id: z.string() })).optional(), next: z.string().optional() });
    const paginate: Paginate<Body, Row> = { ...cursor, items: ({ items }) => items ?? [], mayOmitItems: true };
    const { run } = await read(() => ({ body }), paginate, undefined, schema);
    const result = await run();
    expect(result).toMatchObject({ complete: isEmpty, rows: 0 });
    if (!isEmpty) expect(result?.flaws[0]?.reason).toContain('let `response` name one of its fields');
  });

  it('of two rows, whatever page is asked for, is complete where it counts two', async () => {
    const body = { items: [{ id: 'a' }, { id: 'b' }], next: null };
    const { run } = await read(() => ({ body }), { kind: 'page', items: (all) => all.items, total: () => 2 });
    expect(await run()).toMatchObject({ complete: true, rows: 2 });
  });

  it('with data and errors keeps its rows and is flawed', async () => {
    const body = { items: [{ id: 'a' }], errors: [{ message: 'half of it is away' }] };
    const { run, stored } = await read(() => ({ status: 200, body }));
    expect(await run()).toMatchObject({ complete: false, flaws: [{ kind: 'flawed' }] });
    expect(await stored()).toHaveLength(1);
  });

  it('of status 304, to one who asked for what is new, says that nothing is; to any other one nothing', async () => {
    const { run } = await read((_, headers) =>
      'if-modified-since' in headers
        ? { status: 304, body: '' }
        : { status: 200, body: { items: [{ id: 'a', at: '2024-01-01T00:00:00Z' }] } },
    );
    expect(await run()).toMatchObject({ complete: true, rows: 1, calls: 1 });
    expect(await run()).toMatchObject({ complete: true, rows: 0, calls: 1 });
    account += '-b';
    const unasked = await read(() => ({ status: 304, body: '' }));
    expect((await unasked.run())?.flaws).toMatchObject([
      { kind: 'failed', reason: expect.stringContaining('but all of it was asked for') as string },
    ]);
  });

  it('whose next link is relative leads on from the page that it came with, which `next` is told', async () => {
    const told: string[] = [];
    const { run } = await read(
      (query) => {
        const at = Number(query.get('cursor')?.slice(1) ?? 0);
        return {
          status: 200,
          body: { items: [{ id: `r${at}` }, { id: `r${at + 1}` }], next: at < 4 ? `?cursor=c${at + 2}` : null },
        };
      },
      {
        kind: 'link',
        items: (body) => body.items,
        next: (body, { url }) => {
          told.push(new URL(url).search);
          return body.next;
        },
      },
    );
    expect(await run()).toMatchObject({ complete: true, rows: 6, calls: 3 });
    expect(told).toEqual(['?page=1', '?cursor=c2', '?cursor=c4']);
  });

  it('whose next link needs a header is asked for with those of `request`, but for those of bodies and of changes', async () => {
    const sent: unknown[] = [];
    const { run } = await read(
      (query, { revision, 'content-language': language, 'if-modified-since': since }) => {
        sent.push({ revision, language, since });
        if (revision !== '2026-10-15') return { status: 400, body: { message: 'revision is missing' } };
        const at = Number(query.get('cursor')?.slice(1) ?? 0);
        const items = [{ id: `r${at}`, at: '2020-01-01T00:00:00Z' }];
        return { status: 200, body: { items, next: at < 2 ? `?cursor=c${at + 1}` : null } };
      },
      { kind: 'link', items: (body) => body.items, next: (body) => body.next },
      undefined,
      undefined,
      { revision: '2026-10-15', 'Content-Language': 'de' },
    );
    expect(await run()).toMatchObject({ complete: true, rows: 3, calls: 3 });
    const next = { revision: '2026-10-15', language: undefined, since: undefined };
    expect(sent.splice(0)).toEqual([{ ...next, language: 'de' }, next, next]);
    expect(await run()).toMatchObject({ complete: true, calls: 3 });
    expect(sent).toEqual([{ ...next, language: 'de', since: expect.any(String) as string }, next, next]);
  });

  it('whose next link leads to a host that is open is asked for there with no header of `request`', async () => {
    const other = await startFakeApi();
    const told: unknown[] = [];
    other.route('GET', '/rest', ({ headers }) => {
      told.push(headers['x-secret']);
      return { body: { items: [{ id: 'b' }], next: null } };
    });
    api.route('GET', `/open/${account}`, () => ({ body: { items: [{ id: 'a' }], next: `${other.url}/rest` } }));
    const provider = defineProvider({ id: 'open', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const rows = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullable() }),
      request: () => ({ ...get(`/open/${account}`), headers: { 'x-secret': 's3cr3t' } }),
      paginate: { kind: 'link', items: (body) => body.items, next: (body) => body.next },
      openHosts: [new URL(other.url).host],
    });
    const sync = defineSync('open', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(rows, { input: () => ({}), key: ({ id }) => id }),
    }));
    try {
      expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 2 });
    } finally {
      await other.stop();
    }
    expect(told).toEqual([undefined]);
  });

  it('whose next link leads to another host fails at once, and says so', async () => {
    const { run } = await read(
      () => ({ status: 200, body: { items: [{ id: 'a' }], next: 'https://evil.example/x' } }),
      {
        kind: 'link',
        items: (body) => body.items,
        next: (body) => body.next,
      },
    );
    expect(await run()).toMatchObject({
      state: 'failed',
      calls: 1,
      flaws: [
        { kind: 'failed', reason: expect.stringContaining('The request leads to https://evil.example') as string },
      ],
    });
  });

  it('has its total in a header: too high a one is noticed', async () => {
    const { run } = await read(
      () => ({ status: 200, headers: { 'x-total-count': '3' }, body: { items: [{ id: 'a' }, { id: 'b' }] } }),
      {
        kind: 'cursor',
        items: (body) => body.items,
        next: () => null,
        total: (_, { headers }) => Number(headers['x-total-count']),
      },
    );
    expect((await run())?.flaws).toMatchObject([
      { kind: 'truncated', reason: '2 rows came, but the third party counts 3' },
    ]);
  });
});
