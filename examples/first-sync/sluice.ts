/**
 * The README's example, whole: a provider, three endpoints and a sync. `npx sluice dev --module examples/first-sync/sluice.ts`
 * serves it; SOCIAL_URL says where the third party is.
 */
import { z } from 'zod';
import {
  bodyCode,
  defineProvider,
  defineSync,
  get,
  hours,
  learned,
  limited,
  minutes,
  noAuth,
  path,
  refreshAuth,
  rules,
  status,
  when,
  window,
} from '../../providers/index.ts';

const User = z.object({ id: z.string(), name: z.string() });
const Post = z.object({ id: z.string(), text: z.string(), updatedAt: z.string() });
const pageOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), next: z.string().nullish() });

export const social = defineProvider({
  id: 'social',
  baseUrl: () => process.env['SOCIAL_URL'] ?? 'https://api.social.example',
  auth: noAuth(),
  limits: [
    // Published: 5,000 calls an hour for the whole app, of which a tenth is left to others.
    window('app-hour', { by: ['app'], max: 5_000, perMs: hours(1), reserve: 0.1 }),
    // Counted by address although a token is sent, and only on one endpoint.
    window('per-ip', { by: ['ip'], max: 100, perMs: minutes(1), endpoints: ['friends'] }),
    // Not published: found out, shared by all workers, kept.
    learned('token', { by: ['token', 'endpoint'] }),
  ],
  classify: rules([when(status(429), limited()), when(bodyCode(190, 463, 467), refreshAuth())]),
});

const profile = social.endpoint('profile', {
  input: z.object({ userId: z.string() }),
  response: User,
  request: ({ userId }) => get(path`/users/${userId}`),
});

const friends = social.endpoint('friends', {
  input: z.object({ userId: z.string() }),
  response: pageOf(User),
  request: ({ userId }, page) => get(path`/users/${userId}/friends`, { cursor: page.cursor, limit: page.size }),
  paginate: {
    kind: 'cursor',
    items: (answer) => answer.items,
    next: (answer) => answer.next,
    pageSize: { start: 100, min: 5 },
  },
});

const posts = social.endpoint('posts', {
  input: z.object({ userId: z.string() }),
  response: pageOf(Post),
  request: ({ userId }, page) => get(path`/users/${userId}/posts`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});

export const network = defineSync('network', { provider: social, input: z.object({ userId: z.string() }) }, (s) => {
  const me = s.one(profile, { input: ({ userId }) => ({ userId }), key: (user) => user.id });
  const myFriends = s.each(me, friends, { input: (user) => ({ userId: user.id }), key: (friend) => friend.id });
  const theirPosts = s.each(myFriends, posts, {
    input: (friend) => ({ userId: friend.id }),
    key: (post) => post.id,
    onChildError: { notFound: 'skip', maxSkippedShare: 0.2 },
  });
  return { me, friends: myFriends, posts: theirPosts };
});
