/** Rows of several parents under one key: one of them at two places, or others that take each other's place. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

type Fields = Readonly<Record<string, string | number>>;
const Parent = z.object({ id: z.string() });
const Row = z.looseObject({ id: z.union([z.string(), z.number()]) });

describe('rows of several parents under one key', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** @param rowsOf the rows of each parent, page by page. */
  const read = async (
    rowsOf: (parent: number) => readonly (readonly Fields[])[],
    { hasParentInKey = false, again = false } = {},
  ) => {
    const { api, drive, account } = stage;
    api.route('GET', '/orders', () => ({ status: 200, body: { items: [0, 1, 2].map((n) => ({ id: `o${n}` })) } }));
    api.route('GET', '/orders/:id/lines', ({ query }, { id }) => {
      const pages = rowsOf(Number(id.slice(1)));
      const at = Number(query.get('page') ?? 0);
      return { status: 200, body: { items: pages[at], next: at + 1 < pages.length ? String(at + 1) : null } };
    });
    const provider = defineProvider({ id: 'shop', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const orders = provider.endpoint('orders', {
      input: z.object({}),
      response: z.object({ items: z.array(Parent) }),
      request: () => get('/orders'),
      paginate: { kind: 'single', items: ({ items }) => items },
    });
    const lines = provider.endpoint('lines', {
      input: Parent,
      response: z.object({ items: z.array(Row), next: z.string().nullish() }),
      request: ({ id }, page) => get(path`/orders/${id}/lines`, { page: page.cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync('shop', { provider, input: z.object({}) }, (s) => {
      const all = s.one(orders, { input: () => ({}), key: ({ id }) => id });
      return {
        orders: all,
        lines: s.each(all, lines, {
          input: ({ id }) => ({ id }),
          key: (line, { id }) => (hasParentInKey ? `${id}/${line.id}` : String(line.id)),
        }),
      };
    });
    const retryOf = again ? { runId: drive.lastRunId(), also: ['flawed' as const] } : undefined;
    return drive.run(sync, { account, ...(retryOf ? { retryOf } : {}) });
  };

  const numbered = (parent: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: n + 1, sku: `s${parent}-${n}`, qty: 1, price: parent * 7 + n }));
  /** Most of their fields are the same. */
  const alike = (parent: number) =>
    [1, 2, 3].map((id) => ({ id, sku: `s${parent}-${id}`, qty: 1, unit: 'pcs', tax: 19, currency: 'EUR' }));

  it.each<[string, (parent: number) => readonly (readonly Fields[])[]]>([
    ['line 1, 2, 3 of each', (parent) => [numbered(parent, 3)]],
    ['one line of each', (parent) => [numbered(parent, 1)]],
    ['over several pages', (parent) => [numbered(parent, 3), numbered(parent, 5).slice(3)]],
    ['of fields that are mostly the same', (parent) => [alike(parent)]],
  ])('are flawed where they are others: %s', async (_, rowsOf) => {
    const result = await read(rowsOf);
    expect(result).toMatchObject({
      complete: false,
      flaws: [
        {
          node: 'lines',
          kind: 'flawed',
          reason: expect.stringMatching(/rows of another parent.*"1".*in `key`/) as string,
        },
      ],
    });
    // Reading them again mends nothing.
    expect(await read(rowsOf, { again: true })).toMatchObject({ complete: false });
    expect(await read(rowsOf, { again: true })).toMatchObject({ complete: false });
    expect(await read(rowsOf, { hasParentInKey: true })).toMatchObject({ complete: true });
  });

  it.each<[string, (parent: number) => readonly (readonly Fields[])[]]>([
    ['a row belongs to all of them', () => [numbered(0, 3)]],
    [
      'one was changed in between',
      (parent) => [[{ id: 'u', name: 'Ann', email: 'a@x.example', seen: parent }, ...numbered(0, 3)]],
    ],
    [
      'it tells its part in each',
      (parent) => [[{ id: 'u', name: 'Ann', email: 'a@x.example', role: parent === 1 ? 'owner' : 'member' }]],
    ],
    ['no key is the same', (parent) => [[{ id: `${parent}` }]]],
  ])('are complete where %s', async (_, rowsOf) => {
    expect(await read(rowsOf)).toMatchObject({ complete: true });
    // Another run finds all rows there.
    expect(await read(rowsOf)).toMatchObject({ complete: true });
  });
});
