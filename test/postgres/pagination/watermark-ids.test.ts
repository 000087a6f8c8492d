import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, openProvider, type ListStage } from '../../setup/list-stage.ts';

const SIZE = 10;
/** `version` counts the changes of all rows. */
interface Row {
  readonly id: string;
  version: number;
}

describe('a watermark of ids', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** 50 rows in the order of `by`, by offset. @param beforeCall what becomes of them before the call of that number. */
  const listOf = (by: (a: Row, b: Row) => number, beforeCall: (change: (id: string) => void, call: number) => void) => {
    const { api, db, drive, account } = stage;
    const rows: Row[] = Array.from({ length: 50 }, (_, n) => ({ id: `row-${n}`, version: n + 1 }));
    let counter = rows.length;
    let calls = 0;
    const asked: (string | null)[] = [];
    api.route('GET', '/rows', ({ query }) => {
      beforeCall((id) => rows.filter((row) => row.id === id).forEach((row) => (row.version = ++counter)), ++calls);
      const [since, offset] = [query.get('since'), Number(query.get('offset'))];
      if (offset === 0) asked.push(since);
      const found = rows.filter(({ version }) => version > Number(since ?? 0)).toSorted(by);
      return { body: { rows: found.slice(offset, offset + SIZE), total: found.length } };
    });
    const provider = openProvider(api, 'shop', 2);
    const endpoint = provider.endpoint('rows', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ rows: z.array(z.object({ id: z.string(), version: z.number() })), total: z.number() }),
      request: ({ since }, page) => get('/rows', { since, offset: page.offset, limit: SIZE }),
      paginate: { kind: 'offset', items: (page) => page.rows, total: (page) => page.total, pageSize: { start: SIZE } },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(endpoint, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ version }) => version, lookbackMs: 0 },
      }),
    }));
    const run = async () => {
      const result = await drive.run(sync, { account });
      const { rows: stored } = await db.pool.query<Row>(
        "select key as id, (data->>'version')::int as version from sluice.record where account = $1",
        [account],
      );
      const byId = new Map(stored.map(({ id, version }) => [id, version]));
      return { result, late: rows.filter(({ id, version }) => byId.get(id) !== version).map(({ id }) => id) };
    };
    return { run, asked };
  };

  const byName = (a: Row, b: Row) => Number(a.id.slice(4)) - Number(b.id.slice(4));

  it('hides no row that is changed behind the place of reading, where they do not come in their order', async () => {
    const { run } = listOf(byName, (change, call) => call === 3 && ['row-0', 'row-44'].forEach(change));
    const first = await run();
    expect(first).toMatchObject({ result: { complete: true }, late: ['row-0'] });
    const later = await run();
    expect(later).toMatchObject({ result: { complete: true }, late: [] });
  });

  it.each<[string, (a: Row, b: Row) => number]>([
    ['in their order', (a, b) => a.version - b.version],
    ['the last one first', (a, b) => b.version - a.version],
  ])('is the highest one of all where they come %s', async (_, by) => {
    const { run, asked } = listOf(by, () => {});
    await run();
    await run();
    expect(asked).toEqual([null, '50']);
  });

  it('is the highest one of all where the first page has two rows that fall, by chance, and the others rise', async () => {
    const { api, drive, account } = stage;
    const pages = [[2, 1], [3, 4], [5, 6], [7]];
    const asked: (string | null)[] = [];
    api.route('GET', '/rows', ({ query }) => {
      const page = Number(query.get('at') ?? 0);
      if (page === 0) asked.push(query.get('since'));
      const rows = (pages[page] ?? []).filter((id) => id > Number(query.get('since') ?? 0)).map((id) => ({ id }));
      return { body: { rows, ...(page < 3 ? { next: `${page + 1}` } : {}) } };
    });
    const rows = openProvider(api, account).endpoint('rows', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({ rows: z.array(z.object({ id: z.number() })), next: z.string().optional() }),
      request: ({ since }, { cursor }) => get('/rows', { since, at: cursor }),
      paginate: { kind: 'cursor', items: (page) => page.rows, next: (page) => page.next },
    });
    const sync = defineSync('pairs', { provider: rows.provider, input: z.object({}) }, (s) => ({
      rows: s.one(rows, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ id }) => id, lookbackMs: 0 },
      }),
    }));
    await drive.run(sync, { account });
    await drive.run(sync, { account });
    expect(asked).toEqual([null, '7']);
  });

  it('is the highest one of all where pages rise, and the rows of each fall: snowflakes behind an id', async () => {
    const { api, drive, account } = stage;
    const idOf = (n: number): string => String(1_100_000_000_000_000_000n + BigInt(n) * 4_194_304n);
    let ids = Array.from({ length: 45 }, (_, n) => idOf(n));
    const asked: (string | null)[] = [];
    api.route('GET', '/messages', ({ query }) => {
      asked.push(query.get('after'));
      const behind = ids.filter((id) => BigInt(id) > BigInt(query.get('after') ?? '0'));
      return {
        body: behind
          .slice(0, SIZE)
          .toReversed()
          .map((id) => ({ id })),
      };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const messages = provider.endpoint('messages', {
      input: z.object({ after: z.string().optional() }),
      response: z.array(z.object({ id: z.string() })),
      request: ({ after }, page) => get('/messages', { after: page.cursor ?? after ?? '0', limit: page.size }),
      paginate: { kind: 'cursor', items: (page) => page, next: (page) => page[0]?.id, pageSize: { start: SIZE } },
    });
    const sync = defineSync('chat', { provider, input: z.object({}) }, (s) => ({
      messages: s.one(messages, {
        input: (_, { watermark }) => ({ after: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ id }) => id, lookbackMs: 0 },
      }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 45 });
    ids = [...ids, idOf(45), idOf(46)];
    const before = asked.length;
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 2 });
    expect(asked[before]).toBe(idOf(44));
  });
});

describe('a watermark of numbers that are taken for times by their size', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const read = async (marks: readonly (number | string)[], numbers?: 'ids' | 'milliseconds') => {
    const { api, drive, account } = stage;
    api.route('GET', '/rows', () => ({ body: marks.map((mark, n) => ({ id: n, mark })) }));
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({ since: z.string().optional() }),
      response: z.array(z.object({ id: z.number(), mark: z.union([z.number(), z.string()]) })),
      request: ({ since }) => get('/rows', { since }),
      paginate: { kind: 'single', items: (rows) => rows },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ mark }) => mark, lookbackMs: 0, ...(numbers ? { numbers } : {}) },
      }),
    }));
    return drive.run(sync, { account, mode: 'full' });
  };
  const IDS = [5_400_000_000_001, 5_400_000_000_007, 5_400_000_000_009];

  it.each<[what: string, marks: readonly (number | string)[], named: string]>([
    ['ids of 13 digits', IDS, 'milliseconds'],
    ['ids of 13 digits as text', IDS.map(String), 'milliseconds'],
    ['ids of 10 digits', [5_400_000_001, 5_400_000_002], 'seconds'],
    ['microseconds', [1_790_000_000_000_000, 1_790_000_000_000_500], 'milliseconds'],
  ])('is told as none where all of a page would be far ahead: %s', async (_, marks, named) => {
    const result = await read(marks);
    expect(result).toMatchObject({ complete: false, rows: marks.length, flaws: [{ kind: 'flawed' }] });
    expect(result?.flaws[0]?.reason).toMatch(
      new RegExp(`such as ${marks[0]}, which as times in ${named} .* \`numbers: 'ids'\``),
    );
  });

  it('is believed where its definition says what they are, and where one row alone, or none, is far ahead', async () => {
    const now = Date.now();
    expect(await read(IDS, 'ids')).toMatchObject({ complete: true });
    expect(await read(IDS, 'milliseconds')).toMatchObject({ complete: true });
    expect(await read([now - 5_000, 253_402_300_799_000])).toMatchObject({ complete: true });
    expect(await read([253_402_300_799_000])).toMatchObject({ complete: true });
    expect(await read([now + 86_400_000, now + 2 * 86_400_000])).toMatchObject({ complete: true });
  });
});
