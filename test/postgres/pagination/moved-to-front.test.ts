import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, type Guards } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const SIZE = 20;

describe('a list whose pages have names that do not show that they count places', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  interface Kind {
    readonly kind?: 'cursor' | 'link';
    /** Rows at first. */
    readonly count?: number;
    /** Rows of a page that come again on the next one. */
    readonly overlap?: number;
    /** A page is named by the row that it begins with. */
    readonly isByRow?: boolean;
    /** The last page names its last row as the next one. */
    readonly endsAtItself?: boolean;
    readonly guards?: Partial<Guards>;
  }
  /** @param beforeCall what becomes of the rows before the call of that number. */
  const listOf = async (
    beforeCall: (ids: string[], call: number) => void,
    { kind = 'cursor', count = 200, overlap = 0, isByRow = false, endsAtItself = false, guards = {} }: Kind = {},
  ) => {
    const { api, db, drive, account } = stage;
    const path = '/orders';
    const ids = Array.from({ length: count }, (_, n) => `row-${n}`);
    const places = new Map<string, number>();
    let calls = 0;
    api.route('GET', path, ({ query }) => {
      beforeCall(ids, ++calls);
      const asked = query.get('at') ?? '';
      const at = isByRow && asked !== '' ? ids.indexOf(asked) : (places.get(asked) ?? 0);
      const behind = at + SIZE - overlap;
      const name = isByRow
        ? (ids[behind] ?? ids.at(-1)!)
        : createHash('sha256').update(`${path}${behind}`).digest('base64url');
      places.set(name, behind);
      const next = at + SIZE < ids.length || endsAtItself ? name : undefined;
      return {
        body: { items: ids.slice(at, at + SIZE).map((id) => ({ id })), ...(kind === 'link' ? {} : { next }) },
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
          ? { kind, guards, items: (page) => page.items }
          : { kind, guards, items: (page) => page.items, next: (page) => page.next },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => ({
      orders: s.one(orders, { input: () => ({}), key: ({ id }) => id }),
    }));
    const result = await drive.run(sync, { account, maxCalls: 200 });
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
      const { result, calls, missing } = await listOf((ids, call) => call === 4 && toFront(ids, 'row-150'), { kind });
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

  it.each<[string, Kind]>([
    ['the name of a page is a value of the row that comes again', { overlap: 1, isByRow: true }],
    ['rows that move are of no interest', { overlap: 1, guards: { 'moved-rows': false } }],
  ])('costs no call more where %s', async (_, kind) => {
    const { result, calls } = await listOf(() => {}, kind);
    expect(result).toMatchObject({ complete: true, rows: 200 });
    expect(calls).toBe(11);
  });

  it('is read from its front once, though rows come to it for ever', async () => {
    const { result, calls } = await listOf(
      (ids, call) => {
        ids.unshift(`first-${call}`);
        ids.push(`last-${call}`);
      },
      { count: 30 },
    );
    expect(result).toMatchObject({ complete: true });
    expect(calls).toBe(4);
  });

  it.each<[string, Kind]>([
    ['by names that say nothing', {}],
    ['by rows', { isByRow: true }],
    ['by rows, the last of which names itself', { isByRow: true, endsAtItself: true }],
  ])('is cut at as many different rows as third parties like to give, where rows come again: %s', async (_, kind) => {
    const { result } = await listOf(() => {}, { count: 1_000, overlap: 1, ...kind });
    expect(result).toMatchObject({ complete: false, rows: 1_000, flaws: [{ kind: 'capped' }] });
  });

  it('ends where its last row names itself', async () => {
    const { result } = await listOf(() => {}, { overlap: 1, isByRow: true, endsAtItself: true });
    expect(result).toMatchObject({ complete: true, rows: 200, flaws: [] });
  });
});
