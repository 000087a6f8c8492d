/** What functions of a definition may give and throw: a row is kept as it was meant, or its list says what is wrong, within its attempts. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import { defineSync, get, type Sync } from '../../../providers/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { onListStage, openProvider } from '../../setup/list-stage.ts';
import type { TestDatabase } from '../../setup/servers/database.ts';

type Hooks = Readonly<
  Partial<Record<'map' | 'isGone' | 'request' | 'input' | 'items' | 'field' | 'key', (row?: never) => unknown>>
>;

describe('a function of a definition', () => {
  let api: FakeApi;
  let db: TestDatabase;
  let drive: Drive;
  let account: string;
  onListStage((stage) => ({ api, db, drive, account } = stage));

  let counter = 0;
  /** As JavaScript gives them, without a type checker. */
  const syncOf = (hooks: Hooks): Sync => {
    const name = `own-${counter++}`;
    const provider = openProvider(api, name, 2);
    const Row = z.object({ id: z.string() }).transform((row) => (hooks.field ? { ...row, odd: hooks.field() } : row));
    const list = provider.endpoint('items', {
      input: z.object({}),
      response: z.object({ items: z.array(Row) }),
      request: () => (hooks.request ? (hooks.request() as never) : get('/items')),
      paginate: {
        kind: 'single',
        items: (page) => (hooks.items ? (hooks.items() as never) : page.items),
      },
    });
    return defineSync(name, { provider, input: z.object({}) }, (s) => ({
      list: s.one(list, {
        input: () => (hooks.input ? (hooks.input() as never) : {}),
        key: (row: { id: string }) => (hooks.key ? (hooks.key(row as never) as string) : row.id),
        ...(hooks.map ? { map: hooks.map as never } : {}),
        ...(hooks.isGone ? { isGone: hooks.isGone as () => boolean } : {}),
      }),
    })) as never;
  };
  const run = async (hooks: Hooks) => {
    api.list('/items', { count: 3, itemAt: (_, i) => ({ id: `i${i}` }) });
    const result = await drive.run(syncOf(hooks), { account, maxCalls: 30, skipsBackoffs: true });
    const { rows } = await db.pool.query<{ data: unknown }>(
      'select data from sluice.record where account = $1 and deleted_at is null order by key',
      [account],
    );
    return { state: result?.state, reason: result?.flaws[0]?.reason, rows: rows.map(({ data }) => data) };
  };

  it.each(['map', 'isGone', 'request', 'items'] as const)(
    'that gives a promise fails its list and says so, and its later failure ends no process: `%s`',
    async (hook) => {
      const later = (): Promise<never> => Promise.reject(new Error('nobody waits for this'));
      const { state, reason, rows } = await run({ [hook]: later });
      expect({ state, rows }).toEqual({ state: 'failed', rows: [] });
      expect(reason).toMatch(/gave a promise.*can’t be async/);
    },
  );

  it.each<[what: string, value: () => unknown, said: string]>([
    ['NaN', () => Number('1,234.50'), '`odd` is NaN'],
    ['a time that is none', () => new Date('31.12.2026'), '`odd` is a time that is none (Invalid Date)'],
    ['a Map', () => new Map([['a', 1]]), '`odd` is a Map'],
    ['a Set', () => new Set([1]), '`odd` is a Set'],
    ['a promise', () => Promise.resolve(1), '`odd` is a promise'],
    ['a function', () => () => 1, '`odd` is a function'],
    ['a BigInt', () => 12n, '`odd` is a BigInt'],
  ])('that makes what JSON has no word for fails its list, with the place: %s', async (_, value, said) => {
    for (const hooks of [{ map: (row: object) => ({ ...row, odd: value() }) } as unknown as Hooks, { field: value }]) {
      const { state, reason, rows } = await run(hooks);
      expect({ state, rows }).toEqual({ state: 'failed', rows: [] });
      expect(reason).toContain(`of the row "i0" ${said}, which JSON has no word for`);
    }
  });

  it('that gives nothing for a row fails its list: braces that were meant to be an object', async () => {
    const { state, reason, rows } = await run({ map: () => undefined });
    expect({ state, rows }).toEqual({ state: 'failed', rows: [] });
    expect(reason).toContain('`map` of node "list" threw TypeError: of the row "i0" nothing was given');
  });

  it('that makes a key of nothing fails its list; a row whose id is that very word is kept', async () => {
    for (const nothing of ['undefined', 'null', 'NaN', '[object Object]']) {
      const { state, reason, rows } = await run({ key: () => nothing });
      expect({ state, rows }).toEqual({ state: 'failed', rows: [] });
      expect(reason).toContain(`the key is "${nothing}", which is no text of the row`);
    }
    api.list('/items', { count: 1, itemAt: () => ({ id: 'null' }) });
    const result = await drive.run(syncOf({}), { account, maxCalls: 30, skipsBackoffs: true });
    expect(result).toMatchObject({ complete: true, rows: 1 });
  });

  it('that makes a time, or leaves fields out, is kept as JSON has it', async () => {
    const map = ({ id }: { id: string }) => ({ id, at: new Date(0), none: undefined, nothing: null });
    expect((await run({ map: map as never })).rows[0]).toEqual({
      id: 'i0',
      at: '1970-01-01T00:00:00.000Z',
      nothing: null,
    });
  });

  it.each(['map', 'isGone', 'request', 'input', 'items'] as const)(
    'may throw what is no text, or an error that can’t be read: its list fails: `%s`',
    async (hook) => {
      const evil = (): never => {
        throw new Error('again');
      };
      for (const what of [
        Object.create(null) as unknown,
        { toString: evil },
        Symbol('s'),
        null,
        Object.assign(new Error('x'), { message: 5 }),
        Object.defineProperty(new Error('x'), 'message', { get: evil }),
        Object.defineProperty(new Error('x'), 'stack', { get: evil }),
      ]) {
        const { state, reason } = await run({
          [hook]: () => {
            throw what;
          },
        });
        expect(state).toBe('failed');
        expect(reason).toMatch(new RegExp(`^\`${hook}\` of (node|endpoint) "\\w+" threw (Error|value): `));
      }
    },
  );

  it.each([undefined, null, '/items', {}, { path: 5 }])('that makes no request says so: %j', async (made) => {
    const { state, reason } = await run({ request: () => made });
    expect(state).toBe('failed');
    expect(reason).toMatch(
      /`request` of endpoint "items" threw TypeError: it gave .* that is no request; it must give what get\(\)/,
    );
  });
});
