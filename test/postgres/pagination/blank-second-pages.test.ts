/** A second page without rows, of a list whose pages come in a size that nobody asks for: how many rows a full one has is learned. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type Paginate } from '../../../providers/index.ts';
import { onListStage, rowsFrom, type ListStage } from '../../setup/list-stage.ts';

interface Row {
  readonly id: number;
}
interface Body {
  readonly rows: Row[];
  readonly next?: string | null | undefined;
}

const PAGINATE = {
  cursor: { kind: 'cursor', items: ({ rows }) => rows, next: ({ next }) => next },
  link: { kind: 'link', items: ({ rows }) => rows },
  page: { kind: 'page', items: ({ rows }) => rows },
} satisfies Record<string, Paginate<Body, Row>>;

describe('a blank second page behind one of a size that nobody asks for', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /**
   * Pages of `size`, each of which names a next one, but a blank one.
   * @returns runs one of so many rows, whose second page is blank so many times, for another account each time.
   */
  const listBy = (kind: keyof typeof PAGINATE, { size = 50, isAsked = false } = {}) => {
    const { api, drive, account } = stage;
    let count = 0;
    let calls = 0;
    let blanks = 0;
    let lists = 0;
    api.route('GET', '/rows', ({ query }) => {
      calls += 1;
      const at = Number((query.get('at') ?? 'k1').slice(1));
      const isBlank = at === 2 && blanks-- > 0;
      const rows = isBlank ? [] : rowsFrom((at - 1) * size, Math.min(size, count - (at - 1) * size));
      const next = rows.length > 0 ? `k${at + 1}` : undefined;
      const headers = kind === 'link' && next ? { link: `<${api.url}/rows?at=${next}>; rel="next"` } : {};
      return { body: { rows, ...(kind === 'cursor' ? { next } : {}) }, headers };
    });
    const provider = defineProvider({ id: `of-${account}`, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const rows = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ rows: z.array(z.object({ id: z.number() })), next: z.string().optional() }),
      request: (_, page) =>
        get('/rows', {
          at: kind === 'page' ? `k${page.number}` : page.cursor,
          ...(isAsked ? { limit: page.size } : {}),
        }),
      paginate: { ...PAGINATE[kind], ...(isAsked ? { pageSize: { start: 100 } } : {}) },
    });
    const sync = defineSync('rows', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(rows, { input: () => ({}), key: (row) => row.id }),
    }));
    return async (rowsOfAccount: number, blank = 0) => {
      count = rowsOfAccount;
      blanks = blank;
      calls = 0;
      const result = await drive.run(sync, { account: `${account}-${(lists += 1)}` });
      return { ...result, calls };
    };
  };

  const both = ['cursor', 'link'] as const;
  it.each([...both, 'page'] as const)('is no end for a moment behind a round number of rows, %s', async (kind) => {
    expect(await listBy(kind)(230, 1)).toMatchObject({ complete: true, rows: 230, flaws: [] });
  });

  it.each(both)('is no end for a moment behind as many rows as another list had others behind, %s', async (kind) => {
    const run = listBy(kind, { size: 33 });
    expect(await run(95)).toMatchObject({ complete: true, rows: 95, calls: 4 });
    expect(await run(95, 1)).toMatchObject({ complete: true, rows: 95, calls: 4 + 2, flaws: [] });
  });

  it('is no end for a moment where fewer rows are given than were asked for', async () => {
    const run = listBy('cursor', { isAsked: true });
    expect(await run(130, 1)).toMatchObject({ complete: true, rows: 130, calls: 4 + 2 });
    expect(await run(130, 1)).toMatchObject({ complete: true, rows: 130, calls: 4 + 2 });
    expect(await run(47)).toMatchObject({ complete: true, rows: 47, calls: 2 });
  });

  it.each(both)('is looked at once only, however many lists have just as many rows, %s', async (kind) => {
    const run = listBy(kind, { size: 100 });
    const calls = [];
    for (const rows of [47, 60, 60, 50, 60, 70, 70, 60]) calls.push((await run(rows)).calls);
    expect(calls).toEqual([2, 4, 2, 2, 2, 4, 2, 2]);
  });

  it.each(both)(
    'is looked at behind a full page alone, once others have shown how many rows it has, %s',
    async (kind) => {
      const run = listBy(kind);
      await run(230);
      const calls = [];
      for (const rows of [20, 30, 49, 50, 50, 9]) calls.push((await run(rows)).calls);
      expect(calls).toEqual([2, 2, 2, 4, 4, 2]);
    },
  );

  it('shows nothing of other pages where the one before has come again', async () => {
    const run = listBy('cursor', { size: 100 });
    expect(await run(60, 0)).toMatchObject({ calls: 4 });
    const text = 'select followed, closed from sluice.endpoint where provider = $1';
    const { rows } = await stage.db.pool.query(text, [`of-${stage.account}`]);
    expect(rows).toEqual([{ followed: 0, closed: 60 }]);
  });
});
