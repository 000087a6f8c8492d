/** Two builds of one sync, for deploys: their rows say which of them has stored them. */
import { z } from 'zod';
import { defineSync, type Sync } from '../../providers/index.ts';
import { friends, posts, provider } from '../fixtures/forest.ts';

/** @param postsNode name of the second node: the next build may have renamed it. */
export function buildOfGrove(build: string, postsNode = 'posts'): Sync<{ id: string }> {
  return defineSync('grove', { provider, input: z.object({ id: z.string() }) }, (s) => {
    const map = ({ id }: { id: string }) => ({ id, build });
    const mine = s.one(friends, { input: (input) => input, key: ({ id }) => id, map });
    return {
      friends: mine,
      [postsNode]: s.each(mine, posts, { input: ({ id }) => ({ id }), key: ({ id }) => id, map, window: 2 }),
    };
  });
}
