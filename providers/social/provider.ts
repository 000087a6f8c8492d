/**
 * An example of a network with OAuth 2 and a long history of error messages: a profile, its friends, their posts.
 * Next: `token-rules.ts`, the table of those messages.
 */
import { z } from 'zod';
import { defineProvider } from '../define/define-provider.ts';
import { defineSync } from '../define/define-sync.ts';
import { window } from '../limits.ts';
import { oauth2 } from '../auth/oauth2.ts';
import { get, path, seconds } from '../request.ts';
import { rules } from '../rules/rules.ts';
import { tokenRules } from './token-rules.ts';

export interface SocialOptions {
  /** Origin of the API. Default `SOCIAL_URL`. */
  readonly baseUrl?: string;
  readonly clientId?: string;
  /** Calls per second and account. Default 50. */
  readonly perSecond?: number;
}

const Item = z.object({ id: z.string() });
const Page = z.object({ items: z.array(Item), next: z.string().nullish() });

export function social(options: SocialOptions = {}) {
  const { clientId = 'sluice-example', perSecond = 50 } = options;
  const provider = defineProvider({
    id: 'social',
    baseUrl: () => options.baseUrl ?? process.env['SOCIAL_URL'] ?? 'https://api.social.example',
    auth: oauth2({ tokenUrl: '/oauth/token', clientId, clientSecret: () => process.env['SOCIAL_SECRET'] ?? 'example' }),
    limits: [window('account', { by: ['account'], max: perSecond, perMs: seconds(1) })],
    classify: rules(tokenRules),
  });
  const list = (name: string, pathOf: (id: string) => string) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id }, page) => get(pathOf(id), { cursor: page.cursor, limit: page.size }),
      paginate: {
        kind: 'cursor',
        items: (answer) => answer.items,
        next: (answer) => answer.next,
        pageSize: { start: 20 },
      },
    });
  const friends = list('friends', (id) => path`/users/${id}/friends`);
  const posts = list('posts', (id) => path`/users/${id}/posts`);
  return { provider, friends, posts };
}

/** Friends of a user, and their posts. */
export function socialNetwork(options: SocialOptions = {}) {
  const { provider, friends, posts } = social(options);
  return defineSync('social-network', { provider, input: z.object({ userId: z.string() }) }, (s) => {
    const friend = s.one(friends, { input: ({ userId }) => ({ id: userId }), key: (user) => user.id });
    const post = s.each(friend, posts, { input: (user) => ({ id: user.id }), key: (item) => item.id });
    return { friend, post };
  });
}
