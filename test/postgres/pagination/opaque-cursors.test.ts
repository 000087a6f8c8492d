/** Lists whose cursors say nothing of a place: cut at a cap, with blank pages on the way, with rows that go while they are read. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

describe('a list by cursors that say nothing', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  interface Options {
    readonly count: number;
    /** Rows that the third party gives in a page, though 100 are asked for. */
    readonly size?: number;
    /** Rows behind this one are not given. */
    readonly cap?: number;
    /** Calls that bring no row, and name the next page, or none. */
    readonly blank?: (call: number, page: number) => 'next' | 'end' | undefined;
    readonly beforeCall?: (ids: string[], call: number) => void;
    readonly tellsTotal?: boolean;
    /** The definition reads it. */
    readonly readsTotal?: boolean;
    /** The name of a page is the id of the row before it. */
    readonly isByRow?: boolean;
  }
  const read = async (options: Options) => {
    const { count, size = 20, cap = Infinity, blank, beforeCall, tellsTotal, readsTotal, isByRow } = options;
    const { api, db, drive, account } = stage;
    const ids = Array.from({ length: count }, (_, n) => `row-${n}`);
    const places = new Map<string, number>();
    let calls = 0;
    api.route('GET', '/orders', ({ query }) => {
      calls += 1;
      beforeCall?.(ids, calls);
      const asked = query.get('after') ?? '';
      const from = isByRow && asked !== '' ? ids.indexOf(asked) + 1 : (places.get(asked) ?? 0);
      const to = Math.min(from + size, ids.length, cap);
      const name = isByRow ? ids[to - 1]! : createHash('sha256').update(`a secret ${to}`).digest('base64url');
      places.set(name, to);
      const isBlank = blank?.(calls, from / size);
      return {
        body: {
          items: isBlank ? [] : ids.slice(from, to).map((id) => ({ id })),
          next: isBlank === 'end' || to >= Math.min(ids.length, cap) ? null : name,
          ...(tellsTotal ? { total_count: ids.length } : {}),
        },
      };
    });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({
        items: z.array(z.object({ id: z.string() })),
        next: z.string().nullable(),
        total_count: z.number().optional(),
      }),
      request: (_, page) => get('/orders', { limit: page.size, after: page.cursor }),
      paginate: {
        kind: 'cursor',
        items: (body) => body.items,
        next: (body) => body.next,
        ...(readsTotal ? { total: (body: { readonly total_count?: number | undefined }) => body.total_count } : {}),
      },
    });
    const sync = defineSync('orders', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(list, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account, maxCalls: 300 });
    const { rows } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      account,
    ]);
    const stored = new Set(rows.map(({ key }) => key));
    return { result, calls, missing: ids.filter((id) => !stored.has(id)) };
  };

  it.each([20, 30, 70])('is capped where it ends after 1,000 rows, in pages of %i', async (size) => {
    const { result } = await read({ count: 1_030, size, cap: 1_000 });
    expect(result).toMatchObject({ complete: false, rows: 1_000, flaws: [{ kind: 'capped' }] });
  });

  it.each([
    ['and named the next one', 'next', 2, 1],
    ['and named the next one, later', 'next', 4, 1],
    ['and named none', 'end', 4, 2],
  ] as const)('has all rows where a page came blank for a moment, %s', async (_, end, at, more) => {
    const { result, calls, missing } = await read({ count: 115, blank: (call) => (call === at ? end : undefined) });
    expect(result).toMatchObject({ complete: true, rows: 115 });
    expect(missing).toEqual([]);
    expect(calls).toBe(6 + more);
  });

  it('takes at most five calls more for pages that a filter has left without rows', async () => {
    const { result, calls } = await read({ count: 420, blank: (_, page) => (page % 2 ? 'next' : undefined) });
    expect(result).toMatchObject({ complete: true, rows: 220 });
    expect(calls).toBe(21 + 5);
  });

  it('is truncated where it ends with a blank page behind a full one, and counts more rows than came', async () => {
    const blank: Options['blank'] = (_, page) => (page > 1 ? 'end' : undefined);
    const { result } = await read({ count: 115, blank, tellsTotal: true });
    expect(result).toMatchObject({ complete: false, rows: 40, flaws: [{ kind: 'truncated' }] });
    expect(result?.flaws[0]?.reason).toContain('`total_count` is 115, 40 rows came');
  });

  const goneAtCall4: Options['beforeCall'] = (ids, call) => void (call === 4 && ids.splice(5, 3));

  it('is read once more where its total fell, and no more rows came than it says: some may have slipped past', async () => {
    const { result, calls, missing } = await read({
      count: 115,
      beforeCall: goneAtCall4,
      tellsTotal: true,
      readsTotal: true,
    });
    expect(result).toMatchObject({ complete: true });
    expect(missing).toEqual([]);
    expect(calls).toBe(2 * 6);
  });

  it('is not read again where the names of its pages are rows, so that none slips past', async () => {
    const { result, calls, missing } = await read({
      count: 115,
      beforeCall: goneAtCall4,
      tellsTotal: true,
      readsTotal: true,
      isByRow: true,
    });
    expect(result).toMatchObject({ complete: true });
    expect(missing).toEqual([]);
    expect(calls).toBe(6);
  });
});
