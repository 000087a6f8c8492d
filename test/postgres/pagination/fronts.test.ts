/** The beginning of a list: one that has rows no more when it is asked for again, one without rows that counts some, and one that is not the first. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

interface Asked {
  readonly query: URLSearchParams;
  readonly nth: number;
}

const rows = (from: number, to: number): object[] =>
  Array.from({ length: Math.max(0, Math.min(to, 87) - from) }, (_, n) => ({ id: `r${from + n}` }));
const kinds = {
  'page numbers': { kind: 'page' },
  'page numbers of a fixed size': { kind: 'page', isFixed: true },
  offsets: { kind: 'offset' },
  'offsets in lanes': { kind: 'offset', lanes: 4 },
  'offsets of a fixed size': { kind: 'offset', isFixed: true },
  'cursors that count': { kind: 'cursor', next: (body: { next?: string }) => body.next },
} as const;

describe('the front of a list', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** Ten rows a page, whatever is asked by. */
  const pageOf = (query: URLSearchParams): object => {
    const size = Number(query.get('limit') ?? 10);
    const page = query.get('page');
    const from = page === null ? Number(query.get('offset') ?? query.get('cursor') ?? 0) : (Number(page) - 1) * size;
    return { items: rows(from, from + size), ...(from + size < 87 ? { next: String(from + size) } : {}) };
  };
  const read = async (
    {
      isFixed,
      ...paginate
    }: { kind: string; isFixed?: boolean; firstPage?: number; lastPage?: string; hasMore?: (body: never) => unknown },
    answer: (asked: Asked) => FakeAnswer,
  ) => {
    let nth = 0;
    stage.api.route('GET', '/list', ({ query }) => answer({ query, nth: ++nth }));
    const provider = defineProvider({
      id: 'fronts',
      baseUrl: stage.api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 2,
    });
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: z.any(),
      request: (_, page) =>
        get('/list', {
          ...(isFixed || paginate.kind === 'cursor' ? {} : { limit: page.size }),
          ...(paginate.kind === 'page' ? { page: page.number } : {}),
          ...(paginate.kind === 'offset' ? { offset: page.offset } : {}),
          ...(paginate.kind === 'cursor' ? { cursor: page.cursor } : {}),
        }),
      paginate: {
        items: (body: { items: object[] }) => body.items,
        ...(paginate.kind === 'single' ? {} : { pageSize: { start: 10 } }),
        ...paginate,
      } as never,
    });
    const sync = defineSync('fronts', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: (row) => (row as { id: string }).id }),
    }));
    const result = await stage.drive.run(sync, { account: stage.account });
    const [flaw] = result?.flaws ?? [];
    return { complete: result?.complete, end: flaw?.kind, reason: flaw?.reason };
  };

  for (const [name, kind] of Object.entries(kinds))
    // A page of ten rows and a blank one behind it, by cursor, are a usual list.
    it.each(kind.kind === 'cursor' ? [2, 5, 8] : [1, 2, 5, 8])(
      `that has no rows any more, as all of the list, since call %i, is truncated: ${name}`,
      async (since) => {
        const end = await read(kind, ({ query, nth }) => ({ body: nth > since ? { items: [] } : pageOf(query) }));
        expect(end).toMatchObject({ complete: false, end: 'truncated' });
      },
    );

  it.each([
    ['a total', { items: [], total: 87 }],
    ['a total beside null', { items: null, total: 87 }],
    ['a count', { items: [], total_count: 87, next: null }],
    ['pages', { items: [], total_pages: 9, page: 1 }],
    ['a flag', { items: [], has_more: true }],
  ])('that has no rows while it tells of some is truncated: %s', async (_, body) => {
    for (const kind of ['page', 'offset', 'cursor', 'link', 'single'])
      expect(await read({ kind, ...(kind === 'cursor' ? { next: () => null } : {}) }, () => ({ body }))).toMatchObject({
        complete: false,
        end: 'truncated',
      });
  });

  it('that has no rows while it counts some is truncated, though it says that nothing follows', async () => {
    const hasMore = (body: { readonly more: boolean }): boolean => body.more;
    const told = (count: number) => () => ({ body: { items: [], total: count, more: false } });
    for (const kind of ['page', 'offset', 'cursor', 'link']) {
      const list = { kind, hasMore, ...(kind === 'cursor' ? { next: () => null } : {}) };
      expect(await read(list, told(0))).toMatchObject({ complete: true });
      expect(await read(list, told(87))).toMatchObject({ complete: false, end: 'truncated' });
    }
  });

  it.each([
    ['no rows', { items: [], total: 0, page: 1, first: true, last: true }],
    ['no rows and no count', { items: [], has_more: false, next: null, prev: null }],
    ['a sum of money beside no lines', { id: 'order', items: [], total: 87 }],
    ['a token for the next run', { items: [], next_token: 'later' }],
  ])('that says so is complete: %s', async (_, body) => {
    for (const kind of ['page', 'offset', 'cursor'])
      expect(await read({ kind, ...(kind === 'cursor' ? { next: () => null } : {}) }, () => ({ body }))).toMatchObject({
        complete: true,
      });
  });

  it.each([
    ['a flag', (n: number) => ({ first: n === 0 })],
    ['a flag of the page before', (n: number) => ({ meta: { has_prev: n > 0 } })],
    ['a name', (n: number) => ({ links: { prev: n > 0 ? `/list?page=${n - 1}` : null } })],
    ['the Link header', () => ({})],
  ])('that says that a page is before it makes its list flawed: %s', async (what, told) => {
    const zeroBased = ({ query }: Asked): FakeAnswer => {
      const n = Number(query.get('page'));
      const headers: Record<string, string> =
        what === 'the Link header' && n > 0 ? { link: '</list?page=0>; rel="prev"' } : {};
      return { body: { items: rows(n * 10, n * 10 + 10), ...told(n) }, headers };
    };
    const wrong = await read({ kind: 'page', isFixed: true }, zeroBased);
    expect(wrong).toMatchObject({ complete: false, end: 'flawed' });
    expect(wrong.reason).toContain('there are pages of "list" before number 1');
    expect(await read({ kind: 'page', isFixed: true, firstPage: 0 }, zeroBased)).toMatchObject({
      complete: true,
    });
  });

  it.each([
    ['total_count', 87, {}],
    ['total', 87, { isFixed: true }],
    ['totalElements', 87, { isFixed: true, lastPage: 'short' }],
    ['totalPages', 9, { isFixed: true }],
  ] as const)('that lacks a page of what %s counts is truncated, though nothing reads it', async (name, told, more) => {
    const counted = ({ query }: Asked): FakeAnswer => {
      const size = Number(query.get('limit') ?? 10);
      const from = Number(query.get('page')) * size;
      return { body: { items: rows(from, from + size), [name]: told } };
    };
    const wrong = await read({ kind: 'page', ...more }, counted);
    expect(wrong).toMatchObject({ complete: false, end: 'truncated' });
    expect(wrong.reason).toMatch(/say `firstPage: 0`/i);
    expect(await read({ kind: 'page', firstPage: 0, ...more }, counted)).toMatchObject({ complete: true });
  });

  it('that counts some rows which nobody sees is complete', async () => {
    const hides = ({ query }: Asked): FakeAnswer => ({ body: { ...pageOf(query), next: undefined, total_count: 91 } });
    expect(await read({ kind: 'page' }, hides)).toMatchObject({ complete: true });
  });
});
