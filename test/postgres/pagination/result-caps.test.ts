import { describe, expect, it } from 'vitest';
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
