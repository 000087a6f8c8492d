/** The syncs of `bench/operate.ts`: lists of many pages, and of one. */
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, seconds, window } from '../../providers/index.ts';

const provider = defineProvider({
  id: 'bench',
  baseUrl: () => process.env['API'] ?? '',
  auth: noAuth(),
  limits: [window('app', { by: ['app'], max: 100_000, perMs: seconds(1) })],
});
const items = provider.endpoint('items', {
  input: z.object({ user: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.number().nullable() }),
  request: ({ user }, page) => get(`/u/${user}/items`, { cursor: page.cursor ?? 0, limit: page.size }),
  paginate: {
    kind: 'cursor',
    items: (page) => page.items,
    next: (page) => page.next,
    pageSize: { start: 100, max: 100 },
    maxPages: 1_000_000,
    resultCap: false,
  },
});
const one = provider.endpoint('one', {
  input: z.object({ id: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.null() }),
  request: ({ id }) => get(`/one/${id}`),
  paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
});

export const long = defineSync('long', { provider, input: z.object({ user: z.string() }) }, (s) => ({
  items: s.one(items, { input: ({ user }) => ({ user }), key: ({ id }) => id }),
}));
export const short = defineSync('short', { provider, input: z.object({ id: z.string() }) }, (s) => ({
  items: s.one(one, { input: ({ id }) => ({ id }), key: (row) => row.id }),
}));
