import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type PageRequest } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('a numbered list that ends after 1,000 rows', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const pages = {
    'by number': (page: PageRequest) => ({ page: page.number }),
    'by number and size': (page: PageRequest) => ({ page: page.number, size: page.size }),
    'by number, in lanes': (page: PageRequest) => ({ page: page.number }),
    'by offset': (page: PageRequest) => ({ offset: page.offset }),
  };

  /** Lists of accounts, of so many rows each, in pages of `most` whatever is asked for, without a total. */
  const listOf = (kind: keyof typeof pages, most: number) => {
    const { api, drive, account } = stage;
    let count = 0;
    api.route('GET', '/rows', ({ query }) => {
      const from = query.has('offset') ? Number(query.get('offset')) : (Number(query.get('page')) - 1) * most;
      const rows = Array.from({ length: Math.max(0, Math.min(most, count - from)) }, (_, n) => ({ id: from + n }));
      return { body: { rows } };
    });
    const provider = defineProvider({
      id: account,
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [],
      maxAttempts: 2,
    });
    const endpoint = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ rows: z.array(z.object({ id: z.number() })) }),
      request: (_, page) => get('/rows', pages[kind](page)),
      paginate:
        kind === 'by offset'
          ? { kind: 'offset', items: (page) => page.rows }
          : { kind: 'page', items: (page) => page.rows, lanes: kind === 'by number, in lanes' ? 3 : 1 },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(endpoint, { input: () => ({}), key: ({ id }) => id }),
    }));
    return (rows: number) => {
      count = rows;
      return drive.run(sync, { account: `${account}-${rows}`, maxCalls: 300 });
    };
  };

  it.each<[keyof typeof pages, number]>([
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

  it.each<[keyof typeof pages, number]>([
    ['by number', 50],
    ['by number and size', 30],
    ['by offset', 30],
  ])('is complete once another one has gone on behind them: %s, %s', async (kind, most) => {
    const run = listOf(kind, most);
    expect(await run(1_110)).toMatchObject({ complete: true, rows: 1_110 });
    expect(await run(1_000)).toMatchObject({ complete: true, rows: 1_000 });
  });
});
