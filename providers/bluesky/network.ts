/**
 * Everything on one PDS: accounts → their posts and follows → the accounts they follow, each of those visited once.
 * Next: `examples/bluesky/demo.ts` runs it.
 */
import { z } from 'zod';
import { defineSync } from '../define/define-sync.ts';
import { bluesky, type BlueskyOptions } from './provider.ts';

export function blueskyNetwork(options: BlueskyOptions = {}) {
  const { provider, listRepos, listPosts, listFollows, describeRepo } = bluesky(options);
  return defineSync('network', { provider, input: z.object({}) }, (s) => {
    const accounts = s.one(listRepos, { input: () => ({}), key: (repo) => repo.did });
    const posts = s.each(accounts, listPosts, {
      when: (repo) => repo.active !== false,
      input: (repo) => ({ repo: repo.did }),
      key: (post) => post.uri,
    });
    const follows = s.each(accounts, listFollows, {
      when: (repo) => repo.active !== false,
      input: (repo) => ({ repo: repo.did }),
      key: (follow) => follow.uri,
    });
    const followed = s.each(follows, describeRepo, {
      uniqueBy: (follow) => follow.value.subject,
      input: (follow) => ({ repo: follow.value.subject }),
      key: (account) => account.did,
    });
    return { accounts, posts, follows, followed };
  });
}
