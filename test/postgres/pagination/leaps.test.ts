/** Third parties that give fewer rows than were asked for, and name the next page by what was asked for. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import { defineProvider, defineSync, get, noAuth, type Paginate } from '../../../providers/index.ts';
import type { FakeAnswer } from '../../../testing/fake-api/answer.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { onListStage } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

interface Row {
  readonly id: string;
  readonly n: number;
}
interface More {
  readonly refusal?: FakeAnswer;
  readonly guards?: Paginate<Body, Row>['guards'];
  readonly key?: (row: Row) => string;
  readonly count?: number;
}
interface Body {
  readonly items: readonly Row[];
  readonly next?: string | null | undefined;
}

describe('a next page that begins farther behind than the rows that came', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));

  const all: readonly Row[] = Array.from({ length: 430 }, (_, n) => ({ id: `r${n}`, n }));
  const asCursor = (offset: number): string => String(offset);
  const asAddress = (offset: number): string => `/rows?limit=100&offset=${offset}`;
  const asBase64 = (offset: number): string => Buffer.from(`offset:${offset}`).toString('base64');
  const short = (offset: number): string => `/rows?offset=${offset}`;

  const read = async (
    kind: 'cursor' | 'link',
    nameOf: (offset: number) => string,
    cut: (rows: Row[]) => Row[],
    { refusal, guards = {}, key = ({ id }) => id, count = all.length }: More = {},
  ) => {
    let calls = 0;
    api.route('GET', '/rows', ({ query }) => {
      calls += 1;
      const told = query.get('offset') ?? '0';
      const offset = Number(/^\d+$/.test(told) ? told : Buffer.from(told, 'base64').toString().replace('offset:', ''));
      if (refusal && offset % 100 > 0) return refusal;
      const next = offset + 100 < count ? nameOf(offset + 100) : null;
      return { body: { items: cut(all.slice(offset, Math.min(offset + 100, count))), next } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const paginate: Paginate<Body, Row> = { kind, items: ({ items }) => items, next: ({ next }) => next, guards };
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string(), n: z.number() })), next: z.string().nullish() }),
      request: (_, { cursor }) => get('/rows', { limit: 100, offset: cursor }),
      paginate,
    });
    const sync = defineSync(account, { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key }),
    }));
    return { result: await drive.run(sync, { account }), calls };
  };

  const names = [
    ['cursor', 'a cursor', asCursor],
    ['cursor', 'a cursor in Base64', asBase64],
    ['link', 'an address', asAddress],
    ['link', 'an address without the size', short],
  ] as const;

  it.each(names)('leaps over rows of a third party that gives 50 for 100: %s, %s', async (kind, _, nameOf) => {
    const { result, calls } = await read(kind, nameOf, (rows) => rows.slice(0, 50));
    expect(result).toMatchObject({ complete: true, rows: 430 });
    expect(calls).toBeLessThan(11);
  });

  it.each(names)('is followed where rows were filtered: %s, %s', async (kind, _, nameOf) => {
    const { result, calls } = await read(kind, nameOf, (rows) => rows.filter(({ n }) => n % 2 === 1));
    expect(result).toMatchObject({ complete: true, rows: 215 });
    expect(calls).toBe(6);
  });

  it.each([20, 25])('leaps over rows of a third party that gives %i for 100', async (size) => {
    const { result } = await read('cursor', asCursor, (rows) => rows.slice(0, size));
    expect(result).toMatchObject({ complete: true, rows: 430 });
  });

  it('leaps over rows also where the first page alone names a next one', async () => {
    const { result } = await read('cursor', asCursor, (rows) => rows.slice(0, 50), { count: 120 });
    expect(result).toMatchObject({ complete: true, rows: 120 });
  });

  it.each<[string, number, number, More]>([
    ['a tenth is left', 10, 6, {}],
    // No third party gives 34 for 100.
    ['a third is left, so it is not looked at', 3, 5, {}],
    ['it is not to be looked at', 2, 5, { guards: { 'moved-rows': false } }],
    ['its name may be the number of the last row', 2, 5, { key: ({ n }) => String(n + 1) }],
  ])('is followed where %s', async (_, every, most, more) => {
    const rest = (rows: Row[]): Row[] => rows.filter(({ n }) => n % every === every - 1);
    const { result, calls } = await read('cursor', asCursor, rest, more);
    expect(result).toMatchObject({ complete: true, rows: Math.floor(all.length / every) });
    expect(calls).toBe(most);
  });

  it('is followed once where nothing is left of it', async () => {
    const rest = (rows: Row[]): Row[] => rows.filter(({ n }) => n % 2 === 1 && (n < 100 || n >= 200));
    const { result, calls } = await read('cursor', asCursor, rest);
    expect(result).toMatchObject({ complete: true, rows: 165 });
    expect(calls).toBe(6);
  });

  it.each([404, 400, 200])(
    'is followed where the row in between is refused with %i, or brings nothing',
    async (status) => {
      const refusal = { status, body: status === 200 ? { items: [] } : { message: 'no' } };
      for (const [kind, , nameOf] of names) {
        const { result, calls } = await read(kind, nameOf, (rows) => rows.filter(({ n }) => n % 2 === 1), { refusal });
        expect(result).toMatchObject({ complete: true, rows: 215 });
        expect(calls).toBe(6);
      }
    },
  );

  it.each([
    ['any row', 1],
    ['each fiftieth row', 50],
  ])('is leapt over in a second reading as well, where pages begin at %s: no row is deleted', async (_, every) => {
    let count = 430;
    let calls = 0;
    api.route('GET', '/rows', ({ query }) => {
      calls += 1;
      const offset = Number(query.get('offset') ?? 0);
      if (offset % every > 0) return { status: 400, body: { message: 'no' } };
      const next = offset + 50 < count ? String(offset + 100) : null;
      const items = all.slice(offset, Math.min(offset + 50, count));
      // Most rows are gone until the end has been told once.
      if (next === null) count = 430;
      return { body: { items, next } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('rows', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string(), n: z.number() })), next: z.string().nullish() }),
      request: (_, { cursor }) => get('/rows', { limit: 100, offset: cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync(account, { provider, input: z.object({}) }, (s) => ({
      rows: s.one(list, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, rows: 430 });
    count = 210;
    calls = 0;
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true });
    expect(count).toBe(430);
    expect(calls).toBeLessThan(20);
    const text = 'select count(*)::int n from sluice.record where account = $1 and deleted_at is null';
    expect((await db.pool.query<{ n: number }>(text, [account])).rows[0]!.n).toBe(430);
  });
});
