/** Rows that do not fit, over several runs: the end of a run says so for as long as a row is missing because of it. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createQuarantine } from '../../../client/quarantine.ts';
import { defineProvider, defineSync, get, noAuth, type Sync } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

interface Order {
  readonly id: string;
  readonly total: number | string;
  /** Place in the third party's own log of changes; its minute, too. */
  readonly change: number;
  readonly removed?: boolean;
}

const at = (minute: number) => new Date(Date.UTC(2024, 0, 1) + minute * 60_000).toISOString();

describe('a row in quarantine', () => {
  let stage: ListStage;
  let orders: Order[];
  let asked: string[];
  onListStage((set) => {
    stage = set;
    orders = [1, 2, 3].map((n) => ({ id: `o${n}`, total: n, change: n }));
    asked = [];
    stage.api.route('GET', '/orders', ({ query, headers }) => {
      const [since, token] = [query.get('since'), query.get('token')];
      const version = `"${Math.max(...orders.map(({ change }) => change))}"`;
      asked.push(since ?? token ?? headers['if-none-match'] ?? 'all');
      if (headers['if-none-match'] === version) return { status: 304 };
      const changed = orders.filter(({ change, removed }) =>
        token === null ? !removed && (since === null || at(change) >= since) : change > Number(token),
      );
      const items = changed.map((order) => ({ ...order, updated: at(order.change) }));
      return { body: { items, token: Math.max(...orders.map(({ change }) => change)) }, headers: { etag: version } };
    });
  });

  const syncOf = (kind: 'since' | 'token' | 'etag'): Sync => {
    const provider = defineProvider({ id: 'shop', baseUrl: stage.api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('orders', {
      input: z.object({ since: z.string().optional(), token: z.string().optional() }),
      response: z.object({
        items: z.array(
          z.object({ id: z.string(), total: z.number(), updated: z.string(), removed: z.boolean().optional() }),
        ),
        token: z.number(),
      }),
      onMismatch: 'quarantine',
      request: ({ since, token }) => get('/orders', { since, token }),
      paginate: { kind: 'single', items: ({ items }) => items, checkpoint: ({ token }) => token },
      ...(kind === 'etag' ? { conditional: 'whole' } : {}),
    });
    return defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(list, {
        input: (_, { watermark, checkpoint }) => ({ since: watermark, token: checkpoint }),
        key: ({ id }) => id,
        deletions: 'full-pass',
        ...(kind === 'since' ? { incremental: { field: ({ updated }) => updated, lookbackMs: 0 } } : {}),
        ...(kind === 'token' ? { incremental: 'checkpoint', isGone: ({ removed }) => removed === true } : {}),
      }),
    }));
  };
  const run = async (sync: Sync, mode: 'incremental' | 'full' = 'incremental') => {
    const result = await stage.drive.run(sync, { account: stage.account, mode });
    return { complete: result?.complete, flaws: result?.flaws.map(({ kind }) => kind) };
  };
  const stored = async () => {
    const { rows } = await stage.db.pool.query<{ text: string }>(
      `select key || ' ' || (data->>'total') as text from sluice.record
       where account = $1 and deleted_at is null order by key`,
      [stage.account],
    );
    return rows.map(({ text }) => text).join(', ');
  };
  const inQuarantine = () => createQuarantine(stage.db.pool).list({ account: stage.account });
  const change = (id: string, to: Partial<Order>) => {
    const last = Math.max(...orders.map((order) => order.change));
    orders = orders.map((order) => (order.id === id ? { ...order, ...to, change: last + 1 } : order));
  };

  it.each(['since', 'token'] as const)(
    'keeps runs that ask by %s from being complete, until it came again and fitted',
    async (kind) => {
      const sync = syncOf(kind);
      await run(sync);
      change('o2', { total: 'ten' });
      change('o3', { total: 30 });
      expect(await run(sync)).toEqual({ complete: false, flaws: ['flawed'] });
      // It is not asked for again.
      expect(await run(sync)).toEqual({ complete: false, flaws: ['flawed'] });
      expect(asked.at(-1)).not.toBe('all');
      expect(await stored()).toBe('o1 1, o2 2, o3 30');
      change('o2', { total: 10 });
      expect(await run(sync)).toEqual({ complete: true, flaws: [] });
      expect(await stored()).toBe('o1 1, o2 10, o3 30');
    },
  );

  it('keeps them from it until it was dropped, was told to be gone, or a whole reading has it no more', async () => {
    const sync = syncOf('token');
    await run(sync);
    change('o2', { total: 'ten' });
    expect(await run(sync)).toMatchObject({ complete: false });
    const [row] = await inQuarantine();
    await createQuarantine(stage.db.pool).drop([row?.id ?? 0]);
    expect(await run(sync)).toMatchObject({ complete: true });

    change('o3', { total: 'thirty' });
    expect(await run(sync)).toMatchObject({ complete: false });
    change('o3', { removed: true, total: 3 });
    expect(await run(sync)).toMatchObject({ complete: true });
    expect([await stored(), await inQuarantine()]).toEqual(['o1 1, o2 2', []]);

    change('o1', { total: 'one' });
    expect(await run(sync)).toMatchObject({ complete: false });
    orders = orders.filter(({ id }) => id !== 'o1').map((order) => ({ ...order, total: 2 }));
    expect(await run(sync, 'full')).toMatchObject({ complete: true });
    expect([await stored(), await inQuarantine()]).toEqual(['o2 2', []]);
  });

  it('hides no deletion behind a token: a whole reading that could not look for them leaves none', async () => {
    const sync = syncOf('token');
    await run(sync);
    change('o2', { total: 'ten' });
    expect(await run(sync, 'full')).toMatchObject({ complete: false });
    // Nothing was missed, but for the row itself.
    asked = [];
    await run(sync);
    expect(asked).not.toContain('all');

    change('o3', { removed: true });
    expect(await run(sync, 'full')).toMatchObject({ complete: false });
    change('o2', { total: 20 });
    expect(await run(sync)).toEqual({ complete: true, flaws: [] });
    expect(await stored()).toBe('o1 1, o2 20');
  });

  it('is asked for by the whole list again where nothing but a validator was kept', async () => {
    const sync = syncOf('etag');
    await run(sync);
    change('o2', { total: 'ten' });
    expect(await run(sync)).toMatchObject({ complete: false });
    expect(await run(sync)).toMatchObject({ complete: false });
    change('o2', { total: 10 });
    expect(await run(sync)).toMatchObject({ complete: true });
    expect(await stored()).toBe('o1 1, o2 10, o3 3');
    await run(sync);
    expect(asked.at(-1)).toBe('"5"');
  });
});
