import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSync, get } from '../../../providers/index.ts';
import {
  numberedSync,
  onListStage,
  openProvider,
  rowsFrom,
  type ListStage,
  type NumberedList,
} from '../../setup/list-stage.ts';

interface Body {
  readonly rows: readonly { readonly id: number }[];
}

describe('an account that is given smaller pages than others', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** @param ends how the definition sees the end. */
  const listOf = (kind: 'page' | 'offset', ends: Pick<NumberedList, 'lastPage' | 'hasMore'>, asksForSize = true) => {
    const { api, drive, account } = stage;
    let [most, count] = [0, 0];
    api.route('GET', '/rows', ({ query }) => {
      const size = Math.min(most, Number(query.get('size') ?? 100));
      const from = kind === 'offset' ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * size;
      return { body: { rows: rowsFrom(from, Math.min(size, count - from)) } };
    });
    const sync = numberedSync(
      { api, provider: account },
      {
        kind,
        ask: (page) => ({
          ...(kind === 'offset' ? { offset: page.offset } : { page: page.number }),
          ...(asksForSize ? { size: page.size } : {}),
        }),
        ...ends,
      },
    );
    return (of: string, [pages, rows]: readonly [pages: number, rows: number]) => {
      [most, count] = [pages, rows];
      return drive.run(sync, { account: `${account}-${of}` });
    };
  };

  const isShort = { lastPage: 'short' } as const;
  const counts = { hasMore: ({ rows }: Body) => rows.length === 100 };
  it.each([
    ['page', "lastPage: 'short'", isShort, true],
    ['offset', "lastPage: 'short'", isShort, true],
    ['page', "lastPage: 'short', the size fixed", isShort, false],
    ['page', 'a hasMore that counts', counts, true],
    ['offset', 'a hasMore that counts', counts, true],
  ] as const)('has all of its rows: by %s, %s', async (kind, _, ends, asksForSize) => {
    const run = listOf(kind, ends, asksForSize);
    expect(await run('large', [100, 324])).toMatchObject({ complete: true, rows: 324, calls: asksForSize ? 4 : 5 });
    expect(await run('small', [50, 320])).toMatchObject({ complete: true, rows: 320 });
    // No number that pages have: one call is enough.
    expect(await run('short', [100, 33])).toMatchObject({ complete: true, rows: 33, calls: 1 });
  });
});

describe('a list by next links that count rows, whose server gives smaller pages all of a sudden', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** By the number of a row, as `start`, or that of a page. @param isKept the size of a link is what it leads to, and each tenth row is hidden. */
  const read = async (by: 'start' | 'page', from: number, first: number, then: number, isKept = false) => {
    const { api, drive, account } = stage;
    const count = 110;
    let calls = 0;
    api.route('GET', '/rows', ({ query }) => {
      calls += 1;
      const told = calls < from ? first : then;
      const size = isKept ? Number(query.get('max-results') ?? first) : told;
      const number = Number(query.get(by) ?? 1);
      const start = by === 'start' ? number : (number - 1) * size + 1;
      const next = `/rows?${by}=${by === 'start' ? start + size : number + 1}&max-results=${told}`;
      const rows = rowsFrom(start, Math.min(size, count - start + 1)).filter(({ id }) => !isKept || id % 10 !== 0);
      return { body: { rows, next: start + size <= count ? next : null } };
    });
    const list = openProvider(api, account).endpoint('rows', {
      input: z.object({}),
      response: z.object({ rows: z.array(z.object({ id: z.number() })), next: z.string().nullable() }),
      request: () => get('/rows'),
      paginate: { kind: 'link', items: ({ rows }) => rows, next: ({ next }) => next },
    });
    const sync = defineSync('linked', { provider: list.provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    return drive.run(sync, { account });
  };

  it.each([
    [2, 25, 12],
    [4, 25, 10],
    [3, 10, 25],
  ])('is read on, whatever size its links tell: from call %i on %i and then %i', async (from, first, then) => {
    expect(await read('start', from, first, then)).toMatchObject({ complete: true, rows: 110, flaws: [] });
  });

  it.each([
    [3, 10, 25],
    [2, 25, 50],
  ])('loses no row where its links count pages: from call %i on %i and then %i', async (from, first, then) => {
    expect(await read('page', from, first, then)).toMatchObject({ complete: true, rows: 110 });
  });

  it.each([
    [2, 25, 50],
    [3, 25, 50],
    [3, 50, 25],
  ])(
    '… nor where each link is kept to, and some rows are hidden: from call %i on %i and then %i',
    async (from, first, then) => {
      expect(await read('page', from, first, then, true)).toMatchObject({ complete: true, rows: 99 });
    },
  );
});

interface Counted extends Body {
  readonly total: number;
}

describe('a list by number or offset, whose server gives smaller pages from some call on', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const counts = { hasMore: ({ rows }: Body) => rows.length === 100 };
  const total = { total: (page: Counted) => page.total };
  type Options = Pick<NumberedList, 'lanes' | 'lastPage' | 'hasMore'> & { readonly total?: (page: Counted) => number };
  it.each<['page' | 'offset', string, Options]>([
    ['page', 'the shortest definition', {}],
    ['page', 'its total', total],
    ['page', 'its total, and lanes', { ...total, lanes: 4 }],
    ['page', "lastPage: 'short'", { lastPage: 'short' }],
    ['page', 'a hasMore that counts', counts],
    ['offset', "lastPage: 'short'", { lastPage: 'short' }],
    ['offset', 'its total', total],
  ])('is read to its end: by %s, %s', async (kind, _, options) => {
    const { api, drive, account } = stage;
    for (const [from, then] of [
      [3, 50],
      [4, 30],
      [4, 25],
    ] as const)
      for (const count of [280, 300]) {
        const of = `${account}-${from}-${then}-${count}`;
        let calls = 0;
        api.route('GET', `/${of}`, ({ query }) => {
          calls += 1;
          const size = Math.min(calls < from ? 100 : then, Number(query.get('size')));
          const first = kind === 'offset' ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * size;
          return { body: { total: count, rows: rowsFrom(first, Math.min(size, count - first)) } };
        });
        const list = openProvider(api, of).endpoint('rows', {
          input: z.object({}),
          response: z.object({ rows: z.array(z.object({ id: z.number() })), total: z.number() }),
          request: (__, { size, number, offset }) =>
            get(`/${of}`, { size, ...(kind === 'offset' ? { offset } : { page: number }) }),
          paginate: { kind, items: ({ rows }) => rows, ...options },
        });
        const sync = defineSync('smaller', { provider: list.provider, input: z.object({}) }, (s) => ({
          rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
        }));
        expect(await drive.run(sync, { account: of }), of).toMatchObject({ complete: true, rows: count, flaws: [] });
      }
  });
});
