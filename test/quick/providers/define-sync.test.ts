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
        list: s.one(list, { input: () => ({}), key: () => 1, wndow: 3 } as never),
        below: s.each('list', list, { input: () => ({}), key: () => 1, parents: 'some' } as never),
        pages: s.one(pages, { input: () => ({}), key: () => 1, deletions: 'always' } as never),
      })),
    );
    expect(mistakes).toEqual([
      'endpoint "list": unknown option `timeout`; known are input, response, request, paginate, format, classify, conditional, openHosts, limits, job, totalTimeoutMs, onMismatch',
      'endpoint "list": paginate.kind is "cursr"; it must be one of single, cursor, link, page, offset',
      'endpoint "pages": `request` is missing; it must be a function',
      'endpoint "pages": paginate: `next` is missing; it must be a function',
      'endpoint "pages": paginate: unknown option `pagesize`; known are kind, items, mayOmitItems, pageSize, maxPages, hasMore, total, totalIs, resultCap, checkpoint, order, guards, range, next, onDeadCursor',
      'provider "plain": unknown option `limts`; known are id, baseUrl, hosts, auth, authProbe, limits, classify, headers, timeouts, maxBodyBytes, maxAttempts, allowPlainHttp, allowPrivateAddresses',
      'provider "plain": `limits` is missing; write `limits: []` when there are none',
      'node "list": unknown option `wndow`; known are input, key, map, uniqueBy, store, incremental, deletions, isGone, allowEmpty, window, onChildError',
      'node "below": parents is "some"; it must be "all" or "changed"',
      'node "pages": deletions is "always"; it must be "full-pass", "told" or left out',
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

describe('an option of another type than is wanted', () => {
  const items = (all: { items: { id: string }[] }) => all.items;
  const mistakeOf = (endpoint: object, node: object = {}, of: object = {}, sync: object = {}) => {
    const limits: [] = [];
    const provider = defineProvider({ id: 'x', baseUrl: 'https://x.example', auth: noAuth(), limits, ...of });
    const asked = { input: z.object({}), response: z.object({ items: z.array(z.object({ id: z.string() })) }) };
    const list = provider.endpoint('list', { ...asked, request: () => get('/x'), ...endpoint });
    const options = { input: () => ({}), key: () => 'x', ...node };
    return mistakesOf(() =>
      defineSync('s', { provider, input: z.object({}), ...sync }, (s) => ({ n: s.one(list, options) })),
    );
  };
  const cursor = { kind: 'cursor', items, next: () => null };

  it.each<[paginate: object, mistake: string]>([
    [{ pageSize: { size: 50 } }, 'pageSize: unknown option `size`; known are start, min, max'],
    [{ guards: { 'moved-rows': 'off' } }, 'guards: `moved-rows` is a string; it must be true or false'],
    [{ mayOmitItems: 'yes' }, '`mayOmitItems` is a string; it must be true or false'],
    [{ resultCap: '1000' }, 'resultCap is "1000"; it must be a number, 1 or more, "common" or false'],
    [{ maxPages: '3' }, '`maxPages` is a string; it must be a number, 1 or more'],
    [{ range: () => ({}) }, '`range` is a function; it must be an object, e.g. { whole: '],
    [{ range: { whole: {}, max: 3 } }, 'range: `whole` is an object; it must be a function'],
    [{ kind: 'link', next: undefined, sizeParam: 3 }, 'sizeParam is 3; it must be a name, e.g. "limit"'],
  ])('of a list is a mistake: %j', (paginate, mistake) => {
    expect(mistakeOf({ paginate: { ...cursor, ...paginate } })[0]).toContain(mistake);
  });

  it.each<[node: object, mistake: string]>([
    [{ onChildError: { notFound: 'ignore' } }, 'onChildError.notFound is "ignore"; it must be "skip" or "fail"'],
    [{ onChildError: 'skip' }, '`onChildError` is a string; it must be an object, e.g. { notFound: '],
    [{ incremental: { field: 'at', lookbackMs: 0 } }, 'incremental: `field` is a string; it must be a function'],
    [{ incremental: { field: items, lookbackMs: 0, zone: 'Mars' } }, 'incremental: no time zone "Mars" is known'],
    [{ map: 'x' }, '`map` is a string; it must be a function'],
    [{ allowEmpty: 'no' }, '`allowEmpty` is a string; it must be true or false'],
    [{ window: '5' }, 'window is "5"; it must be a number from 1 to 1,000'],
  ])('of a node is a mistake: %j', (node, mistake) => {
    expect(mistakeOf({ paginate: cursor }, node)[0]).toContain(mistake);
  });

  it.each<[provider: object, mistake: string]>([
    [{ auth: noAuth }, '`auth` is none; write what bearer(), apiKey({ … }), oauth2({ … }) and their like give'],
    [{ limits: [{ name: 'x', max: 5 }] }, '`limits` must be a list of what window(), bucket()'],
    [{ hosts: 'x.example' }, '`hosts` must be a list'],
    [{ headers: { a: 1 } }, 'headers: `a` is no text'],
    [{ timeouts: 5 }, '`timeouts` is a number; it must be an object'],
    [{ baseUrl: undefined }, '`baseUrl` is missing'],
    [{ allowPlainHttp: 'false' }, '`allowPlainHttp` is a string; it must be true or false'],
    [{ authProbe: () => get('/me') }, '`authProbe` is no request'],
  ])('of a provider is a mistake: %j', (of, mistake) => {
    expect(mistakeOf({ paginate: cursor }, {}, of)[0]).toContain(mistake);
  });

  it('of a provider hides no mistake in the others, and makes none', () => {
    const given = {
      id: 'My Provider',
      baseUrl: 'api.x.example',
      hosts: 'x.example',
      auth: noAuth,
      timeouts: 5,
      headers: { a: 1 },
      limits: [window('a', { by: ['token'], max: -1, perMs: 1_000, except: ['refresh'] })],
    };
    const told = defineProvider(given as never).mistakes();
    expect(told.map((text) => text.replace('provider "My Provider": ', '').split(';')[0])).toEqual([
      'id "My Provider": use lower-case letters, digits and "-", starting with a letter',
      '`timeouts` is a number',
      '`auth` is none',
      '`hosts` must be a list, e.g. ["*.shop.example"]',
      'headers: `a` is no text',
      'baseUrl "api.x.example" is not an absolute URL',
      expect.stringContaining('limit "a"'),
    ]);
  });

  it('of a function that has to be there is told as what it is, without its value', () => {
    const paginate = { kind: 'cursor', items: 'very secret', next: 7 };
    expect(mistakeOf({ paginate }).slice(0, 2)).toEqual([
      expect.stringContaining('`items` is a string; it must be a function'),
      expect.stringContaining('`next` is a number; it must be a function'),
    ]);
  });

  it('of a job or a sync is a mistake, too', () => {
    const call = () => get('/x');
    const job = { submitted: z.object({}), polled: z.object({}), submit: call, id: () => '1', poll: call, state: call };
    const paginate = { kind: 'single', items };
    expect(mistakeOf({ paginate, job: { ...job, pollMs: 200 } })[0]).toContain(
      'job: `pollMs` is a number; it must be an object',
    );
    expect(mistakeOf({ paginate, job: { ...job, pollMs: { start: 1 } } })[0]).toContain(
      'job: pollMs: unknown option `start`',
    );
    expect(mistakeOf({ paginate }, {}, {}, { every: '1h' })[0]).toContain(
      'unknown option `every`; known are provider, input',
    );
  });
});
