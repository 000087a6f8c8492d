/** A page for people in the place of data: that nothing is there, says a proxy, too, whose third party is just being started anew. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, path } from '../../../providers/index.ts';
import { onListStage, type ListStage } from '../../setup/list-stage.ts';

const page = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html><h1>404 Not Found</h1></html>' };

describe('404 with a page of HTML', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  const treeOf = (maxAttempts = 5) => {
    const { api, drive, account } = stage;
    api.list('/posts', { count: 3 });
    api.list('/posts/:id/comments', { count: 25, pageSize: { default: 10, max: 10 } });
    const provider = defineProvider({ id: account, baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts });
    const response = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
    const posts = provider.endpoint('posts', {
      input: z.object({}),
      response,
      request: (_, { cursor }) => get('/posts', { cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const comments = provider.endpoint('comments', {
      input: z.object({ id: z.string() }),
      response,
      request: ({ id }, { cursor }) => get(path`/posts/${id}/comments`, { cursor }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next },
    });
    const sync = defineSync('tree', { provider, input: z.object({}) }, (s) => {
      const all = s.one(posts, { input: () => ({}), key: ({ id }) => id });
      const key = ({ id }: { readonly id: string }, post: { readonly id: string }) => `${post.id}/${id}`;
      return {
        posts: all,
        comments: s.each(all, comments, { input: ({ id }) => ({ id }), key, onChildError: { maxSkippedShare: 1 } }),
      };
    });
    return () => drive.run(sync, { account, skipsBackoffs: true });
  };

  it('is asked for once more, in a first page and in mid-list', async () => {
    const run = treeOf();
    const { api } = stage;
    api.script('/posts', [page]);
    api.script('/posts/:id/comments', [page, 'ok', 'ok', 'ok', 'ok', page]);
    expect(await run()).toMatchObject({ complete: true, rows: 3 + 3 * 25, flaws: [] });
  });

  it.each([5, 1])('is believed where it comes again, and where one attempt is all: %i', async (maxAttempts) => {
    const run = treeOf(maxAttempts);
    stage.api.script('/posts/0/comments', maxAttempts === 1 ? [page] : [page, page]);
    expect(await run()).toMatchObject({ complete: false, state: 'incomplete', flaws: [{ kind: 'skipped', count: 1 }] });
  });
});
