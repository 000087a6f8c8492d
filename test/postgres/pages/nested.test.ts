/** Lists inside of rows: the first page of a child's list comes with its parent. */
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Drive } from '../../../bench/common/drive.ts';
import { defineProvider, defineSync, get, noAuth, post } from '../../../providers/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { onListStage, openProvider } from '../../setup/list-stage.ts';

const POSTS = 30;
const FIRST = 5;
/** Comments of a post: most have few, some more than fit. */
const commentsOf = (n: number): number => (n % 10 === 0 ? 12 : n % 4);

describe('a list inside of its parent’s row', () => {
  let api: FakeApi;
  let drive: Drive;
  let account: string;
  let asked: string[];
  onListStage((stage) => ({ api, drive, account } = stage));
  beforeEach(async () => {
    asked = [];
    const connection = (n: number, at: number) => {
      const nodes = Array.from({ length: commentsOf(n) }, (_, i) => ({ id: `c${n}-${i}` })).slice(at, at + FIRST);
      const end = at + nodes.length;
      return { nodes, pageInfo: { hasNextPage: end < commentsOf(n), endCursor: `e${end}` } };
    };
    api.route('POST', '/graphql', ({ body }) => {
      const { id, after } = (body as { variables: { id?: string; after?: string } }).variables;
      asked.push(id ? `comments ${id} ${after ?? '-'}` : `posts ${after ?? '-'}`);
      if (id)
        return {
          body: { data: { node: { comments: connection(Number(id.slice(1)), Number(after?.slice(1) ?? 0)) } } },
        };
      const at = Number(after?.slice(1) ?? 0);
      const nodes = Array.from({ length: 10 }, (_, i) => ({ id: `p${at + i}`, comments: connection(at + i, 0) }));
      const pageInfo = { hasNextPage: at + 10 < POSTS, endCursor: `e${at + 10}` };
      return { body: { data: { posts: { nodes, pageInfo } } } };
    });
  });

  const connectionOf = <Node extends z.ZodType>(node: Node) =>
    z.object({ nodes: z.array(node), pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string() }) });
  const Comments = connectionOf(z.object({ id: z.string() }));
  const syncOf = (
    nested = (row: { id: string; comments: unknown }): unknown => ({ data: { node: { comments: row.comments } } }),
  ) => {
    const provider = openProvider(api, 'graph', 2);
    const posts = provider.endpoint('posts', {
      input: z.object({}),
      response: z.object({ data: z.object({ posts: connectionOf(z.object({ id: z.string(), comments: Comments })) }) }),
      request: (_, page) => post('/graphql', { query: '{ posts }', variables: { after: page.cursor } }),
      paginate: {
        kind: 'cursor',
        items: ({ data }) => data.posts.nodes,
        next: ({
          data: {
            posts: { pageInfo },
          },
        }) => (pageInfo.hasNextPage ? pageInfo.endCursor : null),
      },
    });
    const comments = provider.endpoint('comments', {
      input: z.object({ id: z.string() }),
      response: z.object({ data: z.object({ node: z.object({ comments: Comments }) }) }),
      request: ({ id }, page) => post('/graphql', { query: '{ node }', variables: { id, after: page.cursor } }),
      paginate: {
        kind: 'cursor',
        items: ({ data }) => data.node.comments.nodes,
        next: ({ data }) => {
          const { hasNextPage, endCursor } = data.node.comments.pageInfo;
          return hasNextPage ? endCursor : null;
        },
      },
    });
    return defineSync('graph', { provider, input: z.object({}) }, (s) => {
      const all = s.one(posts, { input: () => ({}), key: ({ id }) => id });
      return {
        posts: all,
        comments: s.each(all, comments, { input: ({ id }) => ({ id }), key: ({ id }) => id, nested }),
      };
    });
  };
  const total = Array.from({ length: POSTS }, (_, n) => commentsOf(n)).reduce((sum, n) => sum + n, 0);

  it('takes no call, and goes on by its own cursor only where it has more', async () => {
    // Three pages of posts; three posts have two pages of comments behind their first.
    expect(await drive.run(syncOf(), { account })).toMatchObject({
      complete: true,
      rows: POSTS + total,
      calls: 3 + 3 * 2,
    });
    expect(asked.filter((one) => one.startsWith('comments')).toSorted()).toEqual(
      ['p0', 'p10', 'p20'].flatMap((id) => [`comments ${id} e10`, `comments ${id} e5`]).toSorted(),
    );
  });

  it('is asked for where the row does not have it', async () => {
    const sync = syncOf((row) => (row.id === 'p1' ? undefined : { data: { node: { comments: row.comments } } }));
    expect(await drive.run(sync, { account })).toMatchObject({
      complete: true,
      rows: POSTS + total,
      calls: 3 + 3 * 2 + 1,
    });
    expect(asked).toContain('comments p1 -');
  });

  it('that is not as its endpoint answers fails the list, with what does not fit', async () => {
    const result = await drive.run(
      syncOf(() => ({ data: {} })),
      { account },
    );
    expect(result).toMatchObject({ complete: false });
    expect(result?.flaws).toContainEqual(
      expect.objectContaining({ node: 'comments', kind: 'failed', reason: expect.stringMatching(/data.node/) }),
    );
    expect(asked.filter((one) => one.startsWith('comments'))).toEqual([]);
  });

  it('has its mistakes told at load', () => {
    const provider = defineProvider({ id: 'graph', baseUrl: () => api.url, auth: noAuth(), limits: [] });
    const list = provider.endpoint('list', {
      input: z.object({}),
      response: z.array(z.object({ id: z.string() })),
      request: () => get('/'),
      paginate: { kind: 'offset', items: (rows) => rows },
    });
    const options = { input: () => ({}), key: ({ id }: { id: string }) => id, nested: () => [] };
    const define = () =>
      defineSync('s', { provider, input: z.object({}) }, (s) => ({
        list: s.one(list, options as never),
        below: s.each('list', list, options),
      }));
    expect(define).toThrow(/`nested` is in the row of a parent, and a root has none/);
    expect(define).toThrow(/endpoint "list" is of kind "offset"; use "cursor" or "link"/);
  });
});
