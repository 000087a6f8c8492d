/** Two oddities at once: pages that become smaller, or only whole ones, where rows are hidden, come in, or the end is looked at again. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSync, get, type PageRequest, type Paginate } from '../../../providers/index.ts';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import { onListStage, openProvider, rowsFrom, type ListStage } from '../../setup/list-stage.ts';

interface Row {
  readonly id: number;
}
interface Body {
  readonly rows: readonly Row[];
  readonly next?: string | null | undefined;
  readonly more?: boolean | undefined;
}

describe('pages that are cut otherwise in mid-list', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const read = async (
    paginate: Paginate<Body, Row>,
    ask: (page: PageRequest) => Record<string, string | number | undefined>,
    answer: (query: URLSearchParams, nth: number) => FakeAnswer,
  ) => {
    const { api, drive, account } = stage;
    let nth = 0;
    api.route('GET', '/rows', ({ query }) => answer(query, ++nth));
    const list = openProvider(api, account, 2).endpoint('rows', {
      input: z.object({}),
      response: z.object({
        rows: z.array(z.object({ id: z.number() })),
        next: z.string().nullish(),
        more: z.boolean().optional(),
      }),
      request: (_, page) => get('/rows', ask(page)),
      paginate,
    });
    const sync = defineSync('cut', { provider: list.provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    return drive.run(sync, { account, maxCalls: 100 });
  };
  const rows = ({ rows: all }: Body): readonly Row[] => all;
  const numberOf = (query: URLSearchParams, name: string, otherwise: number): number =>
    Number(query.get(name) ?? otherwise);
  const sizedNumber = ({ number, size }: PageRequest) => ({ page: number, size });

  it('are read behind an id once more, where the page before a blank one comes with fewer rows', async () => {
    const result = await read(
      { kind: 'cursor', items: rows, next: (page) => page.rows.at(-1)?.id.toString(), pageSize: { start: 50 } },
      ({ cursor, size }) => ({ before: cursor, size }),
      (query, nth) => {
        const all = rowsFrom(5_000, 100).toReversed();
        const behind = all.filter(({ id }) => id < numberOf(query, 'before', Infinity));
        return { body: { rows: behind.slice(0, nth > 3 ? 10 : 50) } };
      },
    );
    expect(result).toMatchObject({ complete: true, rows: 100, flaws: [] });
  });

  it('are read from the front by their numbers, where rows are left out of them', async () => {
    const result = await read({ kind: 'page', items: rows, hasMore: ({ more }) => more }, sizedNumber, (query, nth) => {
      const size = Math.min(nth > 3 ? 30 : 100, numberOf(query, 'size', 100));
      const from = (numberOf(query, 'page', 1) - 1) * size;
      const cut = rowsFrom(from, Math.min(size, 237 - from)).filter(({ id }) => id % 7 !== 2);
      return { body: { rows: cut, more: from + size < 237 } };
    });
    expect(result).toMatchObject({ complete: true, rows: 203, flaws: [] });
  });

  it('are read again where their links count pages and tell no size', async () => {
    const result = await read(
      { kind: 'link', items: rows, next: ({ next }) => next },
      ({ size }) => ({ per_page: size }),
      (query, nth) => {
        const size = Math.min(nth > 3 ? 30 : 100, numberOf(query, 'per_page', 100));
        const page = numberOf(query, 'page', 1);
        const from = (page - 1) * size;
        const next = from + size < 474 ? `/rows?page=${page + 1}` : null;
        return { body: { rows: rowsFrom(from, Math.min(size, 474 - from)), next } };
      },
    );
    expect(result).toMatchObject({ complete: true, rows: 474, flaws: [] });
  });

  it('are asked for in the size of the first one where links leave out `per_page`', async () => {
    const result = await read(
      { kind: 'link', items: rows, next: ({ next }) => next },
      ({ size }) => ({ per_page: size }),
      (query) => {
        const size = numberOf(query, 'per_page', 30);
        const page = numberOf(query, 'page', 1);
        const from = (page - 1) * size;
        const next = from + size < 237 ? `/rows?page=${page + 1}` : null;
        return { body: { rows: rowsFrom(from, Math.min(size, 237 - from)), next } };
      },
    );
    expect(result).toMatchObject({ complete: true, rows: 237, flaws: [] });
  });

  const wholeOnly =
    (isHidden: (row: Row) => boolean) =>
    (query: URLSearchParams): FakeAnswer => {
      const [size, from] = [numberOf(query, 'limit', 100), numberOf(query, 'offset', 0)];
      if (from % size > 0) return { status: 400, body: { detail: 'offset must be divisible by limit' } };
      const cut = rowsFrom(from, Math.min(size, 237 - from));
      return { body: { rows: cut.filter((row) => !isHidden(row)) } };
    };
  const byOffset = ({ offset, size }: PageRequest) => ({ offset, limit: size });

  it('are whole ones where the rest of the last one is refused', async () => {
    const list = { kind: 'offset', items: rows } as const;
    expect(
      await read(
        list,
        byOffset,
        wholeOnly(() => false),
      ),
    ).toMatchObject({ complete: true, rows: 237 });
  });

  it('leave a list truncated where that rest is refused of a page that has others behind it', async () => {
    const result = await read(
      { kind: 'offset', items: rows },
      byOffset,
      wholeOnly(({ id }) => id >= 150 && id < 153),
    );
    expect(result).toMatchObject({ complete: false, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toContain("advanceBy: 'size'");
  });

  it('bring their last rows again where rows come in before them, between the calls of lanes', async () => {
    const result = await read({ kind: 'offset', items: rows, lanes: 4 }, byOffset, (query, nth) => {
      const all = [...rowsFrom(1_000, Math.min(3, nth - 1)).toReversed(), ...rowsFrom(0, 100)];
      const from = numberOf(query, 'offset', 0);
      return { body: { rows: all.slice(from, from + numberOf(query, 'limit', 100)) } };
    });
    expect(result).toMatchObject({ complete: true, rows: 103, flaws: [] });
  });

  it('are named by ids that look like numbers of rows until one is deleted', async () => {
    let calls = 0;
    const result = await read(
      { kind: 'cursor', items: rows, next: (page) => page.rows.at(-1)?.id.toString() },
      ({ cursor, size }) => ({ after: cursor, size }),
      (query, nth) => {
        calls = nth;
        const all = [...rowsFrom(1, nth < 3 ? 298 : 297), { id: 300 }];
        const behind = all.filter(({ id }) => id > numberOf(query, 'after', 0));
        return { body: { rows: behind.slice(0, numberOf(query, 'size', 100)) } };
      },
    );
    expect(result).toMatchObject({ complete: true, flaws: [] });
    expect(calls).toBeLessThan(12);
  });

  it('show by their number of rows that one was deleted, where another one that is hidden has moved in', async () => {
    const result = await read(
      { kind: 'page', items: rows },
      ({ number }) => ({ page: number }),
      (query, nth) => {
        const all = rowsFrom(0, 237).filter(({ id }) => nth < 3 || id !== 3);
        const from = (numberOf(query, 'page', 1) - 1) * 20;
        return { body: { rows: all.slice(from, from + 20).filter(({ id }) => id % 20 !== 0 || id === 40) } };
      },
    );
    // Row 40 moves over the border between the second page and the third, which was not read yet.
    expect(result?.complete).toBe(true);
    expect(result?.rows).toBe(237 - 11);
  });
});
