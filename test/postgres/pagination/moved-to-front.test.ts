import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const SIZE = 20;

describe('a list whose pages have names that do not show that they count places', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** 200 rows. @param beforeCall what becomes of them before the call of that number. */
  const listOf = async (beforeCall: (ids: string[], call: number) => void, kind: 'cursor' | 'link' = 'cursor') => {
    const { api, db, drive, account } = stage;
    const path = '/orders';
    const ids = Array.from({ length: 200 }, (_, n) => `row-${n}`);
    const places = new Map<string, number>();
    let calls = 0;
    api.route('GET', path, ({ query }) => {
      beforeCall(ids, ++calls);
      const at = places.get(query.get('at') ?? '') ?? 0;
      const behind = at + SIZE;
      const name = `next-${createHash('sha256').update(`${path}${behind}`).digest('base64url')}`;
      places.set(name, behind);
      const next = behind < ids.length ? name : undefined;
      return {
        body: { items: ids.slice(at, behind).map((id) => ({ id })), ...(kind === 'link' ? {} : { next }) },
        headers: kind === 'link' && next ? { link: `<${api.url}${path}?at=${next}>; rel="next"` } : {},
      };
    });
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().optional() });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: Page,
      request: (_, page) => get(path, { at: page.cursor }),
      paginate:
        kind === 'link'
          ? { kind, items: (page) => page.items }
          : { kind, items: (page) => page.items, next: (page) => page.next },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(orders, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account });
    const { rows } = await db.pool.query<{ key: string }>('select key from sluice.record where account = $1', [
      account,
    ]);
    const stored = new Set(rows.map(({ key }) => key));
    return { result, calls, missing: ids.filter((id) => !stored.has(id)) };
  };
  const toFront = (ids: string[], id: string): void => void ids.unshift(...ids.splice(ids.indexOf(id), 1));

  it.each(['cursor', 'link'] as const)(
    'is read from its front once more, where a row was moved to while it was read: %s',
    async (kind) => {
      const { result, calls, missing } = await listOf((ids, call) => call === 4 && toFront(ids, 'row-150'), kind);
      expect(result).toMatchObject({ complete: true, flaws: [] });
      expect(missing).toEqual([]);
      // Its first page has the row, and the second one nothing new.
      expect(calls).toBe(10 + 2);
    },
  );

  it('is read up to a page that brings nothing new', async () => {
    const { result, missing } = await listOf((ids, call) => {
      if (call > 8) return;
      for (let n = 0; n < 6; n++) toFront(ids, `row-${199 - (call * 6 + n)}`);
      ids.unshift(`new-${call}`);
    });
    expect(result).toMatchObject({ complete: true, flaws: [] });
    expect(missing).toEqual([]);
  });

  it('costs no call more where nothing has moved', async () => {
    const { result, calls } = await listOf(() => {});
    expect(result).toMatchObject({ complete: true });
    expect(calls).toBe(10);
  });
});
