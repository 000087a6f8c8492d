import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { DriveOptions } from '../../../bench/common/drive.ts';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const SIZE = 50;

describe('a list that has less than half of its rows than when it was read last', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));
  const stored = async () => {
    const text = 'select count(*)::int n from sluice.record where account = $1 and deleted_at is null';
    return (await stage.db.pool.query<{ n: number }>(text, [stage.account])).rows[0]!.n;
  };

  /** 200 rows at first. `cut` are pages that name no next one, once each, though rows follow. */
  const listBy = (
    kind: 'cursor' | 'link' | 'total',
    options: { readonly allowEmpty?: boolean; readonly deletions?: 'full-pass' } = { deletions: 'full-pass' },
  ) => {
    const { api, drive, account } = stage;
    const path = '/orders';
    let ids = Array.from({ length: 200 }, (_, n) => `row-${n}`);
    const cut = new Set<number>();
    const places = new Map<string, number>();
    /** Nothing in it counts. */
    const nameOf = (page: number): string => {
      const name = `next-${createHash('sha256').update(`${path}${page}`).digest('base64url')}`;
      places.set(name, page);
      return name;
    };
    let calls = 0;
    api.route('GET', path, ({ query }) => {
      calls += 1;
      const page = places.get(query.get('at') ?? '') ?? 0;
      const items = ids.slice(page * SIZE, (page + 1) * SIZE).map((id) => ({ id }));
      const isLast = (page + 1) * SIZE >= ids.length || cut.delete(page);
      const next = isLast ? undefined : nameOf(page + 1);
      const headers = kind === 'link' && next ? { link: `<${api.url}${path}?at=${next}>; rel="next"` } : {};
      return {
        body: { items, ...(kind === 'link' ? {} : { next }), ...(kind === 'total' ? { total: ids.length } : {}) },
        headers,
      };
    });
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({
        items: z.array(z.object({ id: z.string() })),
        next: z.string().optional(),
        total: z.number().optional(),
      }),
      request: (_, page) => get(path, { at: page.cursor }),
      paginate:
        kind === 'link'
          ? { kind, items: (body) => body.items }
          : {
              kind: 'cursor',
              items: (body) => body.items,
              next: (body) => body.next,
              ...(kind === 'total' ? { total: (body: { readonly total?: number | undefined }) => body.total } : {}),
            },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(orders, { input: () => ({}), key: ({ id }) => id, ...options }),
    }));
    return {
      run: () => drive.run(sync, { account }),
      cut,
      becomes: (count: number) => (ids = Array.from({ length: count }, (_, n) => `row-${n}`)),
      callsSince: () => {
        const made = calls;
        calls = 0;
        return made;
      },
    };
  };

  it.each(['cursor', 'link'] as const)(
    'is read once more, and may have had no next page for a moment only: %s',
    async (kind) => {
      const { run, cut, callsSince } = listBy(kind);
      await run();
      expect(callsSince()).toBe(4);
      cut.add(0);
      expect(await run()).toMatchObject({ complete: true, flaws: [] });
      expect(callsSince()).toBe(1 + 4);
      expect(await stored()).toBe(200);
    },
  );

  it('is believed where it is the same then, and the others are gone', async () => {
    const { run, becomes, callsSince } = listBy('cursor');
    await run();
    becomes(60);
    callsSince();
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(2 * 2);
    expect(await stored()).toBe(60);
    expect(await run()).toMatchObject({ complete: true });
    expect(callsSince()).toBe(2);
  });

  it('is read once more also where no row is ever deleted, and not where half of them or nineteen are gone', async () => {
    const { run, cut, becomes, callsSince } = listBy('cursor', {});
    await run();
    callsSince();
    cut.add(0);
    expect(await run()).toMatchObject({ complete: true, rows: 200, flaws: [] });
    expect(callsSince()).toBe(1 + 4);
    for (const [count, calls] of [
      [100, 2],
      [99, 2],
      [30, 2],
      [10, 2],
      [40, 1],
      [21, 1],
      [2, 1],
    ] as const) {
      becomes(count);
      expect(await run()).toMatchObject({ complete: true });
      expect(callsSince()).toBe(calls);
    }
  });

  it('is not read again where it is empty, and may be', async () => {
    const { run, becomes, callsSince } = listBy('cursor', { allowEmpty: true, deletions: 'full-pass' });
    await run();
    becomes(0);
    callsSince();
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(1);
    expect(await stored()).toBe(0);
  });

  it.each([
    ['total', 200, 60, 'its total says so'],
    ['cursor', 200, 100, 'half of it is there'],
    ['cursor', 30, 11, 'it was small'],
  ] as const)('is not read again by %s, from %i rows to %i: %s', async (kind, before, after, _why) => {
    const { run, becomes, callsSince } = listBy(kind);
    becomes(before);
    await run();
    becomes(after);
    callsSince();
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(Math.ceil(after / SIZE));
    expect(await stored()).toBe(after);
  });

  /** Asked for what has changed since a number, or from its beginning. Rows stand in the order of their last change. */
  const listSince = () => {
    const { api, drive, account } = stage;
    const path = '/orders';
    const rows = new Map<string, number>();
    const cut = new Set<number>();
    const places = new Map<string, number>();
    let changes = 0;
    let calls = 0;
    api.route('GET', path, ({ query }) => {
      calls += 1;
      const page = places.get(query.get('at') ?? '') ?? 0;
      const changed = [...rows].filter(([, rev]) => rev > Number(query.get('since') ?? 0));
      const items = changed.slice(page * SIZE, (page + 1) * SIZE).map(([id, rev]) => ({ id, rev }));
      const isLast = (page + 1) * SIZE >= changed.length || cut.delete(page);
      const next = createHash('sha256').update(`${path}${page}`).digest('base64url');
      places.set(next, page + 1);
      return { body: { items, ...(isLast ? {} : { next }) } };
    });
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const orders = provider.endpoint('orders', {
      input: z.object({ since: z.string().optional() }),
      response: z.object({
        items: z.array(z.object({ id: z.string(), rev: z.number() })),
        next: z.string().optional(),
      }),
      request: ({ since }, page) => get(path, { at: page.cursor, since }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(orders, {
        input: (_, { watermark }) => ({ since: watermark }),
        key: ({ id }) => id,
        incremental: { field: ({ rev }) => rev, lookbackMs: 0 },
        deletions: 'full-pass',
      }),
    }));
    const change = (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        rows.delete(`row-${n}`);
        rows.set(`row-${n}`, (changes += 1));
      }
    };
    return {
      run: (options: DriveOptions = {}) => drive.run(sync, { account, ...options }),
      change,
      loses: (from: number, to: number) => {
        for (let n = from; n < to; n++) rows.delete(`row-${n}`);
      },
      cut,
      callsSince: () => {
        const made = calls;
        calls = 0;
        return made;
      },
    };
  };

  it('is read once more also where runs that asked for what had changed have brought most of its rows', async () => {
    const { run, change, cut, callsSince } = listSince();
    for (let has = 10; has < 200; has += 38) {
      change(Math.max(0, has - 38), has);
      await run();
    }
    change(162, 200);
    await run();
    expect(await stored()).toBe(200);
    callsSince();
    cut.add(0);
    expect(await run({ mode: 'full' })).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(1 + 4);
    expect(await stored()).toBe(200);
  });

  it('is read once more also where the run that has brought its rows did not come to its end', async () => {
    const { run, change, cut, callsSince } = listSince();
    change(0, 200);
    expect(await run({ dieAfterCalls: 3 })).toBeUndefined();
    callsSince();
    cut.add(0);
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(1 + 4);
    expect(await stored()).toBe(200);
  });

  it('is not read again where nearly all of its rows are others than before', async () => {
    const { run, change, loses, callsSince } = listSince();
    change(0, 100);
    await run();
    loses(0, 100);
    change(100, 160);
    callsSince();
    expect(await run({ mode: 'full' })).toMatchObject({ complete: true, flaws: [] });
    expect(callsSince()).toBe(2);
    expect(await stored()).toBe(60);
  });

  it('is read once more also by names that count, and then believed', async () => {
    const { api, drive, account } = stage;
    const path = '/orders';
    let count = 200;
    let cutAt = -1;
    api.route('GET', path, ({ query }) => {
      const at = Number(Buffer.from(query.get('at') ?? 'MA==', 'base64').toString());
      const items = Array.from({ length: Math.max(0, Math.min(10, count - at)) }, (_, n) => ({ id: `row-${at + n}` }));
      const isCut = cutAt >= 0 && at >= cutAt;
      if (isCut) cutAt = -1;
      const next = Buffer.from(String(at + 10)).toString('base64');
      return { body: { items, ...(isCut || at + 10 >= count ? {} : { next }) } };
    });
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().optional() }),
      request: (_, page) => get(path, { at: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(orders, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
    await drive.run(sync, { account });
    cutAt = 20;
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, flaws: [] });
    expect(cutAt).toBe(-1);
    expect(await stored()).toBe(200);
    count = 90;
    expect(await drive.run(sync, { account })).toMatchObject({ complete: true, flaws: [] });
    expect(await stored()).toBe(90);
  });

  /** Pages by number of 50 rows, one of which says once that nothing follows, or is cut short. */
  const listByNumber = (kind: 'page' | 'offset', sign: 'told' | 'short') => {
    const { api, drive, account } = stage;
    let ids = Array.from({ length: 400 }, (_, n) => `row-${n}`);
    let isCut = false;
    let calls = 0;
    api.route('GET', '/orders', ({ query }) => {
      calls += 1;
      const size = Math.min(SIZE, Number(query.get('limit')));
      const from = kind === 'offset' ? Number(query.get('at')) : (Number(query.get('at')) - 1) * size;
      const to = isCut && sign === 'short' ? from + size / 2 : from + size;
      const more = from + size < ids.length && !isCut;
      isCut = false;
      return { body: { items: ids.slice(from, to).map((id) => ({ id })), ...(sign === 'told' ? { more } : {}) } };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({ items: z.array(z.object({ id: z.string() })), more: z.boolean().optional() }),
      request: (_, page) => get('/orders', { at: kind === 'offset' ? page.offset : page.number, limit: page.size }),
      paginate: {
        kind,
        items: (body) => body.items,
        ...(sign === 'told'
          ? { hasMore: (body: { readonly more?: boolean | undefined }) => body.more }
          : { lastPage: 'short' as const }),
      },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(orders, { input: () => ({}), key: ({ id }) => id, deletions: 'full-pass' }),
    }));
    return {
      run: () => drive.run(sync, { account }),
      isCutOnce: () => (isCut = true),
      becomes: (count: number) => (ids = ids.slice(0, count)),
      callsSince: () => {
        const made = calls;
        calls = 0;
        return made;
      },
    };
  };

  it.each([
    ['page', 'told'],
    ['page', 'short'],
    ['offset', 'told'],
    ['offset', 'short'],
  ] as const)('is read once more also by number, where a page ends it for a moment: %s, %s', async (kind, sign) => {
    const { run, isCutOnce, becomes, callsSince } = listByNumber(kind, sign);
    expect(await run()).toMatchObject({ complete: true, rows: 400 });
    isCutOnce();
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(await stored()).toBe(400);
    becomes(120);
    callsSince();
    expect(await run()).toMatchObject({ complete: true, flaws: [] });
    expect(await stored()).toBe(120);
    expect(callsSince()).toBeLessThanOrEqual(9);
  });
});
