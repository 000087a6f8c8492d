/**
 * What `bench/refresh.ts` syncs: one list of one account, page by page. Given to its workers and to its client.
 */
import { z } from 'zod';
import { defineProvider, defineSync, get, oauth2, seconds, window } from '../../providers/index.ts';

const provider = defineProvider({
  id: 'short-lived',
  baseUrl: () => process.env['API'] ?? '',
  auth: oauth2({ tokenUrl: '/oauth/token', clientId: 'bench' }),
  limits: [window('app', { by: ['app'], max: 2_000, perMs: seconds(1) })],
});
const items = provider.endpoint('items', {
  input: z.object({ user: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: ({ user }, page) => get(`/users/${user}/items`, { cursor: page.cursor, limit: 1 }),
  paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next, pageSize: { start: 1, max: 1 } },
});

export const itemsSync = defineSync('items', { provider, input: z.object({ user: z.string() }) }, (s) => ({
  items: s.one(items, { input: ({ user }) => ({ user }), key: (item) => item.id }),
}));
