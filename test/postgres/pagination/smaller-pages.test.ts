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
    expect(await run('large', [100, 320])).toMatchObject({ complete: true, rows: 320, calls: asksForSize ? 4 : 5 });
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
