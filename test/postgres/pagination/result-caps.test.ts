import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type Guards } from '../../../providers/index.ts';
import { numberedSync, onListStage, rowsFrom, type ListStage, type NumberedList } from '../../setup/list-stage.ts';

describe('a numbered list that ends after 1,000 rows', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const lists = {
    'by number': { kind: 'page', ask: (page) => ({ page: page.number }) },
    'by number and size': { kind: 'page', ask: (page) => ({ page: page.number, size: page.size }) },
    'by number, in lanes': { kind: 'page', ask: (page) => ({ page: page.number }), lanes: 3 },
    'by offset': { kind: 'offset', ask: (page) => ({ offset: page.offset }) },
  } satisfies Record<string, NumberedList>;

  /** Lists of accounts, of so many rows each, in pages of `most` whatever is asked for, without a total. */
  const listOf = (kind: keyof typeof lists, most: number) => {
    const { api, drive, account } = stage;
    let count = 0;
    api.route('GET', '/rows', ({ query }) => {
      const from = query.has('offset') ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * most;
      return { body: { rows: rowsFrom(from, Math.min(most, count - from)) } };
    });
    const sync = numberedSync({ api, provider: account }, lists[kind]);
    return (rows: number) => {
      count = rows;
      return drive.run(sync, { account: `${account}-${rows}`, maxCalls: 300 });
    };
  };

  it.each<[keyof typeof lists, number]>([
    ['by number', 50],
    ['by number', 30],
    ['by number and size', 30],
    ['by number and size', 50],
    ['by number and size', 150],
    ['by number, in lanes', 30],
    ['by offset', 30],
  ])('is capped, however many rows its pages have: %s, %s', async (kind, most) => {
    const run = listOf(kind, most);
    expect(await run(990)).toMatchObject({ complete: true, rows: 990 });
    expect(await run(1_000)).toMatchObject({ complete: false, flaws: [{ kind: 'capped' }] });
  });

  it.each<[keyof typeof lists, number]>([
    ['by number', 50],
    ['by number and size', 30],
    ['by offset', 30],
  ])('is complete once another one has gone on behind them: %s, %s', async (kind, most) => {
    const run = listOf(kind, most);
    expect(await run(1_110)).toMatchObject({ complete: true, rows: 1_110 });
    expect(await run(1_000)).toMatchObject({ complete: true, rows: 1_000 });
  });
});

describe('a list that is one answer of exactly 1,000 rows', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** @returns reads one of so many rows, of another account each time, with `more` beside them. */
  const listOf = (guards?: Pick<Guards, 'more-told'>) => {
    const { api, drive, account } = stage;
    let body: object = {};
    api.route('GET', '/rows', () => ({ body }));
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const rows = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ rows: z.array(z.object({ id: z.number() })) }),
      request: () => get('/rows'),
      paginate: { kind: 'single', items: (page) => page.rows, ...(guards ? { guards } : {}) },
    });
    const sync = defineSync('rows', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(rows, { input: () => ({}), key: ({ id }) => id }),
    }));
    let lists = 0;
    return (count: number, more: object = {}) => {
      body = { rows: rowsFrom(0, count), ...more };
      return drive.run(sync, { account: `${account}-${(lists += 1)}` });
    };
  };

  it.each([1_000, 10_000])('is capped, with its rows: %i', async (count) => {
    const read = listOf();
    expect(await read(count - 1)).toMatchObject({ complete: true, rows: count - 1 });
    const result = await read(count);
    expect(result).toMatchObject({ complete: false, rows: count, flaws: [{ kind: 'capped' }] });
    expect(result?.flaws[0]?.reason).toMatch(
      /exactly \d+ items: .* reads one page alone; say how the next one is found/,
    );
  });

  it('is complete where a count says the same, another list had more rows, or its definition says so', async () => {
    const read = listOf();
    expect(await read(1_000, { total_count: 1_000 })).toMatchObject({ complete: true });
    expect(await read(1_003)).toMatchObject({ complete: true });
    expect(await read(1_000)).toMatchObject({ complete: true, rows: 1_000 });
    stage = { ...stage, account: `${stage.account}-said` };
    expect(await listOf({ 'more-told': false })(1_000)).toMatchObject({ complete: true, rows: 1_000 });
  });
});
