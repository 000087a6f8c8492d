import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  DefinitionError,
  defineProvider,
  defineSync,
  get,
  learned,
  noAuth,
  seconds,
  window,
  type Node,
} from '../../../providers/index.ts';

const User = z.object({ id: z.string(), name: z.string() });
const Post = z.object({ id: z.number(), text: z.string() });

function social() {
  const provider = defineProvider({
    id: 'social',
    baseUrl: 'https://api.social.example',
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 100, perMs: seconds(1) })],
  });
  const profile = provider.endpoint('profile', {
    input: z.object({ userId: z.string() }),
    response: User,
    request: ({ userId }) => get(`/users/${userId}`),
  });
  const posts = provider.endpoint('posts', {
    input: z.object({ userId: z.string(), since: z.string().optional() }),
    response: z.object({ items: z.array(Post), next: z.string().nullish() }),
    request: ({ userId, since }, page) => get(`/users/${userId}/posts`, { since, cursor: page.cursor }),
    paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
  });
  return { provider, profile, posts };
}

function mistakesOf(define: () => unknown): readonly string[] {
  try {
    define();
  } catch (error) {
    if (error instanceof DefinitionError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('defineSync', () => {
  it('compiles to a plan that is plain JSON, parents before children', () => {
    const { provider, profile, posts } = social();
    const sync = defineSync('network', { provider, input: z.object({ userId: z.string() }) }, (s) => {
      const me = s.one(profile, { input: (input) => input, key: (user) => user.id });
      return {
        me,
        posts: s.each(me, posts, { input: (user) => ({ userId: user.id }), key: (post) => post.id, window: 7 }),
      };
    });
    const { plan } = sync.definition;
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(plan).toMatchObject({
      sync: 'network',
      provider: 'social',
      nodes: [
        {
          name: 'me',
          endpoint: 'profile',
          parent: null,
          resource: 'network.me',
          pagination: 'single',
          onChildError: { notFound: 'fail' },
        },
        {
          name: 'posts',
          endpoint: 'posts',
          parent: 'me',
          resource: 'network.posts',
          pagination: 'cursor',
          window: 7,
          onChildError: { notFound: 'skip', maxSkippedShare: 0.2 },
        },
      ],
    });
  });

  it('infers rows from schemas and mappings, without a generic written by hand', () => {
    const { provider, profile, posts } = social();
    const sync = defineSync('network', { provider, input: z.object({ userId: z.string() }) }, (s) => {
      const me = s.one(profile, {
        input: (input) => {
          expectTypeOf(input).toEqualTypeOf<{ userId: string }>();
          return input;
        },
        key: (user) => user.id,
      });
      const mine = s.each(me, posts, {
        input: (user, state) => {
          expectTypeOf(user).toEqualTypeOf<{ id: string; name: string }>();
          expectTypeOf(state.watermark).toEqualTypeOf<string | undefined>();
          expectTypeOf(state.runInput).toEqualTypeOf<{ userId: string }>();
          return { userId: user.id };
        },
        key: (post, user) => `${user.id}-${post.id}`,
        map: (post) => ({ words: post.text.split(' ').length }),
      });
      return { me, mine };
    });
    expectTypeOf(sync.me).toExtend<Node<{ id: string; name: string }>>();
    expectTypeOf(sync.mine).toExtend<Node<{ words: number }>>();
    expect(sync.mine.resource).toBe('network.mine');
    // Written straight into the returned object, where TypeScript would look at the place of use first.
    const direct = defineSync('direct', { provider, input: z.object({ userId: z.string() }) }, (s) => ({
      posts: s.one(posts, { input: (input) => input, key: (post) => post.id }),
    }));
    expectTypeOf(direct.posts).toEqualTypeOf<Node<{ id: number; text: string }>>();
  });

  it('reports every mistake at once', () => {
    const { profile, posts } = social();
    const other = defineProvider({
      id: 'Other!',
      baseUrl: 'nowhere',
      limits: [window('w', { by: [], max: 0, perMs: 1 }), learned('w', { by: ['planet' as 'ip'] })],
    });
    const mistakes = mistakesOf(() =>
      defineSync('1st', { provider: other, input: z.object({}), maxHistoryEvents: 3 }, (s) => {
        const a = s.each('ghost', posts, { input: () => ({ userId: '1' }), key: (post) => post.id, window: 0 });
        const b = s.each('c', posts, { input: () => ({ userId: '1' }), key: (post) => post.id });
        const c = s.each('b', profile, {
          input: () => ({ userId: '1' }),
          key: (user) => user.id,
          onChildError: { maxSkippedShare: 2 },
        });
        return { a, b, c };
      }),
    );
    const text = mistakes.join('\n');
    for (const expected of [
      'id "Other!"',
      'baseUrl "nowhere"',
      'limit "w" is defined twice',
      '`by` is empty',
      '`max` is 0',
      '`perMs` is 1',
      'unknown scope "planet"',
      'name "1st"',
      'maxHistoryEvents is 3',
      'unknown parent "ghost"',
      'window is 0',
      'cycle through "c"',
      'cycle through "b"',
      'maxSkippedShare is 2',
      'belongs to provider "social"',
    ]) {
      expect(text).toContain(expected);
    }
  });

  it('names options that nobody reads, and what is missing, when no type checker did', () => {
    const provider = defineProvider({
      id: 'plain',
      baseUrl: 'https://x.example',
      auth: noAuth(),
      limts: [],
    } as unknown as Parameters<typeof defineProvider>[0]);
    const endpoint = (name: string, more: object) =>
      provider.endpoint(name, {
        input: z.object({}),
        response: z.object({ items: z.array(z.object({ id: z.string() })) }),
        request: () => get('/list'),
        ...more,
      });
    const list = endpoint('list', { paginate: { kind: 'cursr', items: () => [] }, timeout: 3 });
    const pages = endpoint('pages', { paginate: { kind: 'cursor', items: () => [], pagesize: 3 }, request: undefined });
    const mistakes = mistakesOf(() =>
      defineSync('plain', { provider, input: z.object({}) }, (s) => ({
        list: s.one(list, { input: () => ({}), key: () => 1, wndow: 3, parents: 'some' } as never),
        pages: s.one(pages, { input: () => ({}), key: () => 1, deletions: 'always' } as never),
      })),
    );
    expect(mistakes).toEqual([
      'endpoint "list": unknown option `timeout`; known are input, response, request, paginate, format, classify, conditional, openHosts, job, totalTimeoutMs, onMismatch',
      'endpoint "list": paginate.kind is "cursr"; it must be one of single, cursor, link, page, offset',
      'endpoint "pages": `request` is missing; it must be a function',
      'endpoint "pages": paginate: `next` is missing; it must be a function',
      'endpoint "pages": paginate: unknown option `pagesize`; known are kind, items, mayOmitItems, pageSize, maxPages, hasMore, total, totalIs, resultCap, checkpoint, order, guards, range, next, onDeadCursor',
      'provider "plain": unknown option `limts`; known are id, baseUrl, hosts, auth, authProbe, limits, classify, headers, timeouts, maxBodyBytes, maxAttempts, allowPlainHttp, allowPrivateAddresses',
      'provider "plain": `limits` is missing; write `limits: []` when there are none',
      'node "list": unknown option `wndow`; known are input, key, map, nested, uniqueBy, when, store, incremental, parents, deletions, isGone, allowEmpty, window, onChildError',
      'node "list": parents is "some"; it must be "all" or "changed"',
      'node "pages": deletions is "always"; it must be "full-pass" or left out',
    ]);
  });

  it('says what a checkpoint and a conditional request need', () => {
    const provider = defineProvider({ id: 'kept', baseUrl: 'https://x.example', auth: noAuth(), limits: [] });
    const endpoint = (name: string, more: object) =>
      provider.endpoint(name, {
        input: z.object({}),
        response: z.array(z.object({ id: z.string() })),
        request: () => get('/list'),
        ...more,
      });
    const items = (rows: unknown) => rows;
    const checkpoint = () => 't';
    const plain = endpoint('plain', { paginate: { kind: 'single', items }, conditional: 'always' });
    endpoint('pages', { paginate: { kind: 'cursor', items, next: () => null }, conditional: 'whole' });
    endpoint('parts', { paginate: { kind: 'offset', items, checkpoint, lanes: 4, range: { whole: () => null } } });
    const mistakes = mistakesOf(() =>
      defineSync('kept', { provider, input: z.object({}) }, (s) => ({
        one: s.one(plain, { input: () => ({}), key: () => 1, incremental: 'checkpoint' }),
        two: s.one(plain, { input: () => ({}), key: () => 1, incremental: 'token' as never }),
      })),
    );
    expect(mistakes).toEqual([
      'endpoint "plain": conditional is "always"; it must be "whole" or "first-page"',
      'endpoint "pages": conditional is "whole", but one answer is not the whole list (paginate.kind "cursor"); write "first-page" where the third party puts what is new or changed on the first page',
      'endpoint "parts": checkpoint: a list that is split into ranges has no single one; leave out `range` or `checkpoint`',
      'endpoint "parts": checkpoint: a list that has one is read in order; leave out `lanes` (4)',
      'node "one": incremental is "checkpoint", but endpoint "plain" keeps none; write paginate: { …, checkpoint: (answer) => answer.syncToken }',
      'node "two": incremental is "token"; it must be { field, lookbackMs } or "checkpoint"',
    ]);
  });

  it('refuses two nodes of one name, and a limit on an endpoint that does not exist', () => {
    const { posts } = social();
    const provider = posts.provider;
    const twice = mistakesOf(() =>
      defineSync('twice', { provider, input: z.object({}) }, (s) => {
        const first = s.one(posts, { input: () => ({ userId: '1' }), key: (post) => post.id });
        s.one(posts, { input: () => ({ userId: '2' }), key: (post) => post.id });
        return { posts: first };
      }),
    );
    expect(twice).toEqual(['two nodes are called "posts"; return them under different names']);
    const limited = defineProvider({
      id: 'p',
      baseUrl: 'https://x.example',
      limits: [window('w', { by: ['ip'], max: 1, perMs: 1000, endpoints: ['serach'] })],
    });
    const search = limited.endpoint('search', {
      input: z.object({}),
      response: z.object({}),
      request: () => get('/s'),
    });
    expect(
      mistakesOf(() =>
        defineSync('s', { provider: limited, input: z.object({}) }, (s) => ({
          hits: s.one(search, { input: () => ({}), key: () => 1 }),
        })),
      ),
    ).toEqual(['provider "p": limit "w": no endpoint "serach"; defined are search']);
  });
});
