/** Ends that contradict what was read before: a named page that is refused, pages that are empty from some place on, a page once more. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import { randomOf } from '../../../bench/honesty/kind.ts';
import { defineProvider, defineSync, get, noAuth, type PageRequest, type Paginate } from '../../../providers/index.ts';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { onListStage, openProvider } from '../../setup/list-stage.ts';

interface Row {
  readonly id: string;
}
interface Body {
  readonly items: readonly Row[];
  readonly next?: string | null | undefined;
}

describe('an end that contradicts what was read', () => {
  let api: FakeApi;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, drive, account } = stage));

  const rowsOf = (from: number, to: number): Row[] =>
    Array.from({ length: Math.max(0, to - from) }, (_, n) => ({ id: `r${from + n}` }));
  const read = async (
    paginate: Paginate<Body, Row>,
    answer: (query: URLSearchParams, nth: number) => FakeAnswer,
    query: (page: PageRequest) => Record<string, string | number | undefined>,
  ) => {
    let nth = 0;
    api.route('GET', '/rows', (call) => answer(call.query, ++nth));
    const provider = openProvider(api, account, 2);
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
      request: (_, page) => get('/rows', query(page)),
      paginate,
    });
    const sync = defineSync(account, { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    return { result, calls: nth };
  };
  const byAddress: Paginate<Body, Row> = { kind: 'link', items: ({ items }) => items, next: ({ next }) => next };
  /** Pages of 20 whose addresses have their number, the last of which names none. */
  const pageOf = (query: URLSearchParams, count: number, size = 20): FakeAnswer => {
    const number = Number(query.get('page') ?? 1);
    const next = number * size < count ? `/rows?page=${number + 1}` : null;
    return { body: { items: rowsOf((number - 1) * size, Math.min(number * size, count)), next } };
  };

  it.each([404, 410, 416])('by a page that was named and is refused with %i is truncated', async (status) => {
    const { result } = await read(
      byAddress,
      (query) => (Number(query.get('page') ?? 1) > 2 ? { status, body: { message: 'no' } } : pageOf(query, 95)),
      () => ({}),
    );
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toContain('names a next one, and the third party refuses that');
  });

  it('is none where the page that was named is refused for a moment', async () => {
    const { result } = await read(
      byAddress,
      (query, nth) => (nth === 3 ? { status: 404, body: { message: 'no' } } : pageOf(query, 95)),
      () => ({}),
    );
    expect(result).toMatchObject({ complete: true, rows: 95 });
  });

  it('is truncated where all pages but the first are empty from some call on, and the addresses of pages count', async () => {
    const { result } = await read(
      byAddress,
      (query, nth) => (nth > 3 && query.has('page') ? { body: { items: [] } } : pageOf(query, 95)),
      () => ({}),
    );
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
  });

  it('is truncated where pages are empty that had brought rows, by page number', async () => {
    const { result } = await read(
      { kind: 'page', items: ({ items }) => items, pageSize: { start: 20 } },
      (query, nth) => {
        const size = Number(query.get('limit'));
        const from = (Number(query.get('page')) - 1) * size;
        return { body: { items: nth > 4 && from > 0 ? [] : rowsOf(from, Math.min(from + size, 195)) } };
      },
      (page) => ({ page: page.number, limit: page.size }),
    );
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toContain('page 2 has no rows, where there had been some');
  });

  it.each<[string, string[]]>([
    ['under a token that says nothing of its rows', ['kx', 'ky']],
    ['under a token that is the id of its last row', ['r19', 'r32']],
  ])(
    'is complete with its rows where a short page that came once more, %s, is followed by others',
    async (_, tokens) => {
      // Filtered pages: the second is shorter than the first, and comes once more in the place of the third.
      const pages = [rowsOf(0, 20), rowsOf(20, 33), rowsOf(33, 50)];
      const { result, calls } = await read(
        { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 20 } },
        (query, nth) => {
          const at = nth === 3 ? 1 : ['', ...tokens].indexOf(query.get('cursor') ?? '');
          return { body: { items: pages[at], next: tokens[at] ?? null } };
        },
        (page) => ({ cursor: page.cursor, limit: page.size }),
      );
      expect(result).toMatchObject({ complete: true, rows: 50 });
      expect(calls).toBe(4);
    },
  );

  const byNumber: Paginate<Body, Row> = { kind: 'page', items: ({ items }) => items };
  const numberOf = ({ number }: PageRequest) => ({ page: number });
  /** Behind the last page the last one again. */
  const lastAgain = (query: URLSearchParams, count: number): FakeAnswer => {
    const last = Math.ceil(count / 20);
    const number = Math.min(last, Number(query.get('page')));
    return { body: { items: rowsOf(20 * (number - 1), Math.min(20 * number, count)) } };
  };
  it('is the last page that comes again and again behind it, where it is not full and others were before it', async () => {
    const { result, calls } = await read(byNumber, (query) => lastAgain(query, 95), numberOf);
    expect(result).toMatchObject({ complete: true, rows: 95 });
    // Five pages, the last one twice more, and two that are looked at again.
    expect(calls).toBe(9);
  });

  it.each([
    ['it is full', 100],
    ['it is the only one', 15],
  ])('is no page that comes again and again where %s: it may be all that is ever given', async (_, count) => {
    const { result } = await read(byNumber, (query) => lastAgain(query, count), numberOf);
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'looped' }] });
  });

  it('is behind the last page, which came again since as many rows as a page has came in before it', async () => {
    const { result } = await read(
      byNumber,
      (query, nth) => {
        const from = 20 * (Number(query.get('page')) - 1);
        const all = [...(nth > 5 ? rowsOf(500, 520) : []), ...rowsOf(0, 95)];
        return { body: { items: all.slice(from, from + 20) } };
      },
      numberOf,
    );
    expect(result).toMatchObject({ complete: true, rows: 115 });
  });

  it.each([
    ['is truncated where its last page is a full one', 60, { total_count: 95 }, false],
    ['is complete where its last page is not full', 95, { total_count: 100 }, true],
    ['is complete where no more are counted than came', 60, { total_count: 60 }, true],
    ['is complete where pages are counted', 60, { total_pages: 95 }, true],
  ])(
    'of a list by cursor whose answers count more rows than came, which no one reads, %s',
    async (_, cap, counts, isComplete) => {
      const { result } = await read(
        { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
        (query) => {
          const from = Number(query.get('cursor')?.slice(1) ?? 0);
          const to = Math.min(from + 20, cap);
          return { body: { items: rowsOf(from, to), next: to < cap ? `k${to}` : null, ...counts } };
        },
        (page) => ({ cursor: page.cursor }),
      );
      expect(result).toMatchObject({ complete: isComplete, rows: cap });
      if (!isComplete) expect(result?.flaws[0]?.reason).toContain('`total_count` is 95, 60 rows came');
    },
  );

  it('is complete where what has changed is asked for, and all rows are counted', async () => {
    api.route('GET', '/changed', ({ query }) => {
      const from = Number(query.get('cursor')?.slice(1) ?? 0);
      const items = rowsOf(from, from + 20).map((row) => ({ ...row, at: '2024-01-01T00:00:00Z' }));
      return { body: { items, next: from < 20 ? `k${from + 20}` : null, total_count: query.has('since') ? 95 : 40 } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('changed', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ items: z.array(z.object({ id: z.string(), at: z.string() })), next: z.string().nullable() }),
      request: ({ since }, { cursor }) => get('/changed', { since, cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync(account, { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ at }) => at, lookbackMs: 0 },
      }),
    }));
    for (const mode of ['full', 'incremental'] as const)
      expect(await drive.run(sync, { account, mode })).toMatchObject({ complete: true });
    expect(api.report().calls).toBe(4);
  });

  /** A list of 95 rows, of which the third party gives no more than `cap`, and says then that nothing follows. */
  const cutAt =
    (cap: number) =>
    (query: URLSearchParams): FakeAnswer => {
      const size = Number(query.get('limit'));
      const from = query.has('page')
        ? (Number(query.get('page')) - 1) * size
        : Number(query.get('cursor')?.slice(1) ?? 0);
      const to = Math.min(from + size, cap);
      return { body: { items: rowsOf(from, to), next: to < cap ? `k${to}` : null } };
    };
  it.each([
    ['on its first page, by cursor', 20, 20],
    ['on its first page, which is short, by cursor', 15, 20],
    ['on a short page, by cursor', 45, 20],
    ['on its first page, by page number', 20, 20],
    ['on a short page, by page number', 45, 20],
  ])('is capped at exactly the cap that the definition states, %s', async (how, resultCap, start) => {
    const common = { items: ({ items }: Body) => items, pageSize: { start }, resultCap };
    const { result } = how.endsWith('cursor')
      ? await read({ kind: 'cursor', next: ({ next }) => next, ...common }, cutAt(resultCap), (page) => ({
          cursor: page.cursor,
          limit: page.size,
        }))
      : await read({ kind: 'page', hasMore: ({ next }) => next !== null, ...common }, cutAt(resultCap), (page) => ({
          page: page.number,
          limit: page.size,
        }));
    expect(result).toMatchObject({ complete: false, rows: resultCap, flaws: [{ kind: 'capped' }] });
  });

  it('is truncated where two replicas tell rows of one time apart in two ways, and a reading was broken off', async () => {
    const { result } = await read(
      { kind: 'page', items: ({ items }) => items, pageSize: { start: 10 }, lastPage: 'short' },
      (query, nth) => {
        const [number, size] = ['page', 'limit'].map((name) => Number(query.get(name))) as [number, number];
        const drawn = (n: number): number => randomOf(n * 31 + (nth % 2) * 977)(1_000_000);
        const time = (n: number): number => Math.floor(n / 7);
        const all = Array.from({ length: 60 }, (_, n) => n).toSorted(
          (a, b) => time(a) - time(b) || drawn(a) - drawn(b),
        );
        return { body: { items: all.slice((number - 1) * size, number * size).map((n) => ({ id: `r${n}` })) } };
      },
      (page) => ({ page: page.number, limit: page.size }),
    );
    expect(result?.rows).toBeLessThan(60);
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
  });

  const byCursor = (resultCap: number): Paginate<Body, Row> => ({
    kind: 'cursor',
    items: ({ items }) => items,
    next: ({ next }) => next,
    pageSize: { start: 20 },
    resultCap,
  });
  /** Pages of 20 of the first `cap` rows, behind the row of the cursor or with it. */
  const cutPage = (rows: readonly Row[], cap: number, query: URLSearchParams, isWith: boolean): FakeAnswer => {
    const cursor = query.get('cursor');
    const from = cursor === null ? 0 : rows.findIndex(({ id }) => id === cursor) + (isWith ? 0 : 1);
    const items = rows.slice(from, Math.min(from + 20, cap));
    return { body: { items, next: items.length === 20 ? items.at(-1)?.id : null } };
  };

  it('is capped where its pages begin with the last row of the one before, and as many different rows came as the stated cap', async () => {
    const { result } = await read(
      byCursor(100),
      (query) => cutPage(rowsOf(0, 150), 100, query, true),
      ({ cursor }) => ({ cursor }),
    );
    expect(result).toMatchObject({ complete: false, rows: 100, flaws: [{ kind: 'capped' }] });
  });

  it.each([
    ['come in', 'capped', 'after exactly 100 items'],
    ['are removed', 'capped', 'after exactly 100 items'],
    ['come in for ever', 'truncated', 'the list changes faster than it is read'],
  ])('is none where rows %s in front of a reader of cursors, near the stated cap', async (how, kind, evidence) => {
    const rows = rowsOf(0, 150);
    const { result } = await read(
      byCursor(100),
      (query, nth) => {
        const isMoving = nth > 1 && (nth < 5 || how.endsWith('ever'));
        if (isMoving && how.startsWith('come in')) rows.unshift({ id: `new${nth}` });
        if (isMoving && how === 'are removed') rows.shift();
        return cutPage(rows, 100, query, false);
      },
      ({ cursor }) => ({ cursor }),
    );
    expect(result).toMatchObject({ complete: false, flaws: [{ kind }] });
    expect(result?.flaws[0]?.reason).toContain(evidence);
  });

  it('is complete near the stated cap where another reading brings the very same', async () => {
    const near = await read(
      byCursor(100),
      (query) => cutPage(rowsOf(0, 98), 100, query, false),
      ({ cursor }) => ({ cursor }),
    );
    expect(near.result).toMatchObject({ complete: true, rows: 98 });
    expect(near.calls).toBe(10);
  });

  it('is none where all pages came full but one, which has no rows for a moment and says that more follows', async () => {
    const { result } = await read(
      { kind: 'offset', items: ({ items }) => items, hasMore: ({ next }) => next !== null, pageSize: { start: 20 } },
      (query, nth) => {
        const [from, size] = ['offset', 'limit'].map((name) => Number(query.get(name))) as [number, number];
        const to = Math.min(from + size, 95);
        return { body: { items: nth === 3 ? [] : rowsOf(from, to), next: to < 95 ? 'more' : null } };
      },
      ({ offset, size }) => ({ offset, limit: size }),
    );
    expect(result).toMatchObject({ complete: true, rows: 95 });
  });

  const bySize = (start: number, isPage = true): Paginate<Body, Row> => ({
    kind: isPage ? 'page' : 'offset',
    items: ({ items }) => items,
    pageSize: { start },
  });
  const page = (from: number, size: number, count: number): FakeAnswer => ({
    body: { items: rowsOf(from, Math.min(from + size, count)) },
  });
  const askPage = ({ number, size }: PageRequest) => ({ page: number, limit: size });

  it('is complete where the second page is blank, and the server gives 20 whatever size it is asked for', async () => {
    const { result } = await read(bySize(20), (query) => page((Number(query.get('page')) - 1) * 20, 20, 20), askPage);
    expect(result).toMatchObject({ complete: true, rows: 20 });
  });

  it('is behind a second page without rows, of pages of a size that can not be asked for', async () => {
    const { result } = await read(
      bySize(100),
      (query) => {
        const number = Number(query.get('page'));
        return number === 2 ? { body: { items: [] } } : page((number > 2 ? number - 2 : 0) * 25, 25, 95);
      },
      ({ number }) => ({ page: number }),
    );
    expect(result).toMatchObject({ complete: true, rows: 95 });
  });

  it('is behind all rows where next links that count leave out the page size, or a filter, of the first page', async () => {
    for (const [asked, otherwise] of [
      [20, 8],
      [10, 25],
    ] as const) {
      const { result } = await read(
        byAddress,
        (query) => pageOf(query, 95, Number(query.get('limit') ?? otherwise)),
        () => ({ limit: asked }),
      );
      expect(result, `${asked} asked for, else ${otherwise}`).toMatchObject({ complete: true, rows: 95 });
    }
    const { result } = await read(
      byAddress,
      // Without the filter there are twice as many rows, every other one of which is closed.
      (query) => {
        const [number, every] = [Number(query.get('page') ?? 1), query.get('state') === 'open' ? 2 : 1];
        const rows = rowsOf(0, 300).filter((_, n) => n % every === 0);
        const next = number * 20 < rows.length ? `/rows?page=${number + 1}` : null;
        return { body: { items: rows.slice((number - 1) * 20, number * 20), next } };
      },
      () => ({ state: 'open' }),
    );
    expect(result).toMatchObject({ complete: true, rows: 150 });
  });

  // Of 25 rows its first page has the last five, which no smaller page of that number shows.
  it.each([95, 33, 130, 25])(
    'is truncated where the pages of %i rows are counted from 0 and read from 1',
    async (count) => {
      const { result } = await read(
        bySize(20),
        (query) => {
          const [number, size] = ['page', 'limit'].map((name) => Number(query.get(name))) as [number, number];
          return page(number * size, size, count);
        },
        askPage,
      );
      expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
      expect(result?.flaws[0]?.reason).toContain('say `firstPage: 0`');
    },
  );

  it('is complete where a row came in at the front, and moved the second page as far as another first number would', async () => {
    const rows = rowsOf(0, 95);
    const { result } = await read(
      bySize(20),
      (query, nth) => {
        if (nth === 2) rows.unshift({ id: 'new' });
        const [number, size] = ['page', 'limit'].map((name) => Number(query.get(name))) as [number, number];
        return { body: { items: rows.slice((number - 1) * size, number * size) } };
      },
      askPage,
    );
    expect(result).toMatchObject({ complete: true, rows: 96 });
  });
});
