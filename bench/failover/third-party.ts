/**
 * The third party of the failover measurement and a sync over it: users, and each user's list in pages.
 */
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window } from '../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';

export interface Size {
  readonly users: number;
  /** Rows of each user's list, in pages of 10. */
  readonly rows: number;
  /** Calls a second that the third party allows, and that we know of. */
  readonly perSecond: number;
}

export const PAGE = 10;

/** Calls that any client must make. */
export function leastCalls({ users, rows }: Size): number {
  return Math.ceil(users / PAGE) + users * Math.ceil(rows / PAGE);
}

export async function startThirdParty({ users, rows }: Size, seed: number): Promise<FakeApi> {
  const api = await startFakeApi({ latencyMs: [10, 40], seed });
  api.list('/users', { count: users, itemAt: (_, i) => ({ id: `u${i}` }) });
  api.list('/users/:id/posts', { count: rows, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
  return api;
}

/** @param name of the provider: each run has its own, so that nothing is remembered from the run before. */
export function defineFailoverSync(name: string, api: FakeApi, { perSecond }: Size) {
  const provider = defineProvider({
    id: name,
    baseUrl: api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: perSecond, perMs: 1_000 })],
    timeouts: { connectMs: 1_000, headersMs: 1_000, bodyMs: 1_000, totalMs: 2_000 },
  });
  const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
  const paginate = {
    kind: 'cursor',
    items: (page: z.output<typeof Page>) => page.items,
    next: (page: z.output<typeof Page>) => page.next,
    pageSize: { start: PAGE, min: PAGE, max: PAGE },
  } as const;
  const input = z.object({});
  const users = provider.endpoint('users', {
    input,
    response: Page,
    request: (_, page) => get('/users', { cursor: page.cursor, limit: page.size }),
    paginate,
  });
  const posts = provider.endpoint('posts', {
    input: z.object({ id: z.string() }),
    response: Page,
    request: ({ id }, page) => get(`/users/${id}/posts`, { cursor: page.cursor, limit: page.size }),
    paginate,
  });
  return defineSync(name, { provider, input }, (s) => {
    const list = s.one(users, { input: () => ({}), key: (user) => user.id });
    return { list, posts: s.each(list, posts, { input: ({ id }) => ({ id }), key: (post) => post.id, window: 100 }) };
  });
}
