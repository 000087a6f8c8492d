/**
 * The sync that goes on while everything around it is killed: a tree with every kind of pagination, under a window limit
 * and a limit of calls in flight. Worker processes load this file as their module. Next: `third-party.ts` serves it.
 */
import { z } from 'zod';
import { defineProvider, defineSync, get, inflight, noAuth, window } from '../../providers/index.ts';

/** Calls that can be under way at once, in all workers together: what one kill can cost. */
export const LANES = 10;
/** What the third party takes in any second, by its own clock. */
export const MAX_PER_SECOND = 50;
export const PAGE_SIZE = 5;
export const THIRD_PARTY_URL = 'CHAOS_THIRD_PARTY_URL';

export const provider = defineProvider({
  id: 'chaos',
  baseUrl: () => process.env[THIRD_PARTY_URL] ?? 'http://127.0.0.1:1',
  auth: noAuth(),
  // A third party that was frozen finds the calls that were under way all at once, beside those of that second. The
  // reserve has room for them: it is as much as can be under way.
  limits: [
    window('second', { by: ['app'], max: MAX_PER_SECOND, perMs: 1_000, reserve: LANES / MAX_PER_SECOND, guardMs: 300 }),
    inflight('lanes', { by: ['app'], max: LANES, leaseMs: 12_000 }),
  ],
  timeouts: { connectMs: 2_000, headersMs: 9_000, bodyMs: 9_000, totalMs: 10_000 },
});

const Item = z.object({ id: z.string() });
type Item = z.output<typeof Item>;
const Page = z.object({ items: z.array(Item), next: z.string().nullish(), total: z.number().optional() });
type Page = z.output<typeof Page>;
const Id = z.object({ id: z.string() });
const items = (page: Page): readonly Item[] => page.items;
// One size: a page that timed out would else be read again in two halves, which is right but can't be counted.
const pageSize = { start: PAGE_SIZE, min: PAGE_SIZE };

const profile = provider.endpoint('profile', {
  input: Id,
  response: Item,
  request: ({ id }) => get(`/users/${id}`),
});
const friends = provider.endpoint('friends', {
  input: Id,
  response: Page,
  request: ({ id }, page) => get(`/users/${id}/friends`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items, next: (page) => page.next, pageSize },
});
const posts = provider.endpoint('posts', {
  input: Id,
  response: Page,
  request: ({ id }, page) => get(`/users/${id}/posts`, { page: page.number, limit: page.size }),
  paginate: { kind: 'page', items, total: (page) => page.total, pageSize, lanes: 3 },
});
/** The first page of a list that is read in lanes by page number: at its end it must be as it was. */
export const isLookedAtTwice = (target: string): boolean => /\/posts\?page=1&/.test(target);
const photos = provider.endpoint('photos', {
  input: Id,
  response: Page,
  request: ({ id }, page) => get(`/users/${id}/photos`, { offset: page.offset, limit: page.size }),
  paginate: { kind: 'offset', items, pageSize, lanes: 2 },
});
const likes = provider.endpoint('likes', {
  input: Id,
  response: z.array(Item),
  request: ({ id }, page) => get(`/posts/${id}/likes`, { limit: page.size }),
  paginate: { kind: 'link', items: (answer) => answer, pageSize },
});

export const network = defineSync('chaos', { provider, input: Id, maxHistoryEvents: 150 }, (s) => {
  const me = s.one(profile, { input: (input) => input, key: (user) => user.id });
  const fr = s.each(me, friends, { input: ({ id }) => ({ id }), key: (user) => user.id });
  const po = s.each(fr, posts, { input: ({ id }) => ({ id }), key: (post) => post.id, window: 4 });
  const ph = s.each(fr, photos, { input: ({ id }) => ({ id }), key: (photo) => photo.id, window: 4 });
  const li = s.each(po, likes, {
    when: (post) => post.id.endsWith('0'),
    input: ({ id }) => ({ id }),
    key: (like) => like.id,
    window: 4,
  });
  return { me, fr, po, ph, li };
});
