/** Lists that come newest first, and end where everything behind is known. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDrive, type Drive, type DriveOptions } from '../../../bench/common/drive.ts';
import { defineProvider, defineSync, get, minutes, noAuth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const Row = z.object({ id: z.string(), at: z.string().nullable() });
type Row = z.output<typeof Row>;
const rowAt = (minute: number, id = `r${minute}`): Row => ({
  id,
  at: new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString(),
});
/** From one minute down to another. */
const down = (from: number, to: number): Row[] => Array.from({ length: from - to + 1 }, (_, n) => rowAt(from - n));

describe('a list that comes newest first', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let list: Row[];
  let onCall: (() => void) | undefined;
  let account: string;
  let counter = 0;
  beforeAll(async () => {
    api = await startFakeApi();
    api.route('GET', '/rows', ({ query }) => {
      onCall?.();
      const [from, size] = [Number(query.get('from')?.replace('k', '') ?? 0), Number(query.get('size'))];
      const more = from + size < list.length;
      return {
        body: { rows: list.slice(from, from + size), total: list.length, next: more ? `k${from + size}` : null },
      };
    });
    db = await createTestDatabase();
    drive = await createDrive(db.pool);
  });
  afterAll(async () => {
    await drive?.end();
    await db?.drop();
    await api?.stop();
  });
  beforeEach(() => {
    account = `acct-${counter++}`;
    list = down(300, 1);
    onCall = undefined;
  });

  const provider = defineProvider({ id: 'feed', baseUrl: () => api.url, auth: noAuth(), limits: [] });
  const response = z.object({ rows: z.array(Row), total: z.number(), next: z.string().nullable() });
  const common = { items: (answer: z.output<typeof response>) => answer.rows, order: 'newest-first' } as const;
  const byCursor = provider.endpoint('by-cursor', {
    input: z.object({}),
    response,
    request: (_, page) => get('/rows', { from: page.cursor, size: page.size }),
    paginate: { ...common, kind: 'cursor', next: (answer) => answer.next, pageSize: { start: 30 } },
  });
  const byOffset = provider.endpoint('by-offset', {
    input: z.object({}),
    response,
    request: (_, page) => get('/rows', { from: page.offset, size: page.size }),
    paginate: { ...common, kind: 'offset', total: (answer) => answer.total, pageSize: { start: 30 } },
  });
  const syncOf = (endpoint: typeof byCursor) =>
    defineSync('feed', { provider, input: z.object({}) }, (s) => ({
      rows: s.one(endpoint, {
        input: () => ({}),
        key: ({ id }) => id,
        incremental: { field: ({ at }) => at, lookbackMs: minutes(5) },
        deletions: 'full-pass',
      }),
    }));
  const run = (options: DriveOptions = {}, endpoint = byCursor) => drive.run(syncOf(endpoint), { account, ...options });
  const stored = async (): Promise<Set<string>> => {
    const { rows } = await db.pool.query<{ key: string }>(
      'select key from sluice.record where account = $1 and deleted_at is null',
      [account],
    );
    return new Set(rows.map(({ key }) => key));
  };
  const all = () => new Set(list.map(({ id }) => id));

  it('is read to its end at first, and then as far as there are new rows', async () => {
    expect(await run()).toMatchObject({ complete: true, rows: 300, calls: 10 });
    list = [...down(340, 301), ...list];
    expect(await run()).toMatchObject({ state: 'done', complete: true, calls: 3 });
    expect(await stored()).toEqual(all());
    expect(await run()).toMatchObject({ complete: true, calls: 1 });
  });

  it('loses nothing behind rows that a run has stored which did not come to its end', async () => {
    await run();
    list = [...down(500, 301), ...list];
    // Its first pages are stored, and the rows behind them are not.
    expect(await run({ dieAfterCalls: 3 })).toBeUndefined();
    expect((await stored()).size).toBe(390);
    list = [...down(520, 501), ...list];
    expect(await run()).toMatchObject({ complete: true });
    expect(await stored()).toEqual(all());
  });

  it('has what a full pass is for found by one: rows that are gone, and old ones that came late', async () => {
    await run();
    list = [...down(310, 301), ...list.filter(({ id }) => id !== 'r7'), rowAt(-5, 'imported')];
    await run();
    expect([(await stored()).has('r7'), (await stored()).has('imported')]).toEqual([true, false]);
    expect(await run({ mode: 'full' })).toMatchObject({ complete: true, calls: 11 });
    expect(await stored()).toEqual(all());
  });

  it('is read on behind old rows that stand at its top, or have moved up among new ones', async () => {
    await run();
    const [pinned, moved] = [down(15, 1), down(100, 85)];
    const rest = list.filter(({ id }) => ![...pinned, ...moved].some((row) => row.id === id));
    const untimed = { id: 'untimed', at: null };
    list = [...pinned, untimed, ...down(320, 311), ...moved, ...down(310, 301), ...rest];
    expect(await run()).toMatchObject({ complete: true });
    expect(await stored()).toEqual(all());
  });

  it('that is in no order is read to its end', async () => {
    await run();
    const mixed = [...down(310, 301), ...list].map((row, n) => ({ row, place: (n * 7_919) % 311 }));
    list = mixed.sort((a, b) => a.place - b.place).map(({ row }) => row);
    expect(await run()).toMatchObject({ complete: true, calls: 11 });
    expect(await stored()).toEqual(all());
  });

  it('by offset loses no row that slips over a border while it is read', async () => {
    await run({}, byOffset);
    list = [...down(400, 301), ...list];
    let calls = 0;
    // Rows of the first page are deleted before the second is asked for.
    onCall = () => {
      if (++calls === 2) list = list.slice(10);
    };
    expect(await run({}, byOffset)).toMatchObject({ complete: true });
    expect(calls).toBeLessThan(12);
    for (const id of all()) expect((await stored()).has(id), id).toBe(true);
  });

  it('that ends at its cap is read to it again by each run, and says what to write, so that it is not', async () => {
    const feedOf = (name: string, more: object) =>
      provider.endpoint(name, {
        input: z.object({}),
        response,
        request: (_, page) => get('/rows', { from: page.cursor, size: page.size }),
        paginate: { ...common, kind: 'cursor', next: (answer) => answer.next, pageSize: { start: 30 }, ...more },
      });
    const [capped, told] = [feedOf('capped', { resultCap: 300 }), feedOf('told', { resultCap: false })];
    for (const _ of [1, 2]) {
      const result = await run({}, capped);
      expect(result).toMatchObject({ complete: false, calls: 10, flaws: [{ kind: 'capped' }] });
      expect(result?.flaws[0]?.reason).toMatch(/say `resultCap: false`: then it is read as far as there are new ones/);
    }
    account += '-told';
    expect(await run({}, told)).toMatchObject({ complete: true, calls: 10 });
    list = [...down(305, 301), ...list.slice(0, -5)];
    expect(await run({}, told)).toMatchObject({ complete: true, calls: 2 });
  });

  it('has its mistakes told at load', () => {
    const wrong = defineProvider({ id: 'wrong', baseUrl: 'https://a.example', auth: noAuth(), limits: [] });
    const paginate = { ...common, kind: 'offset', lanes: 4, range: { whole: () => ({ from: 1, to: 2 }) } } as const;
    wrong.endpoint('a', { input: z.object({}), response, request: () => get('/'), paginate });
    wrong.endpoint('b', {
      input: z.object({}),
      response,
      request: () => get('/'),
      paginate: { ...common, kind: 'cursor', next: () => null, order: 'newest' as 'newest-first' },
    });
    const text = wrong.mistakes().join('\n');
    expect(text).toMatch(/leave out `range` or `order`/);
    expect(text).toMatch(/leave out `lanes` \(4\)/);
    expect(text).toMatch(/order is "newest"; it must be "newest-first"/);
  });
});
