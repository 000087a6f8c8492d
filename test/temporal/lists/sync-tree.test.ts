import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  defineSync,
  get,
  noAuth,
  seconds,
  window,
  type Node,
  type Paginate,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Item = z.object({ id: z.string() });
type Item = z.output<typeof Item>;

describe('a sync of a tree', () => {
  let api: FakeApi;
  let world: World;

  const provider = defineProvider({
    id: 'social',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 5_000, perMs: seconds(1) })],
  });
  const ItemPage = z.object({ items: z.array(Item), next: z.string().nullish(), total: z.number().optional() });
  const listOf = (
    name: string,
    path: (id: string) => string,
    paginate: Paginate<z.output<typeof ItemPage>, Item>,
    params: 'cursor' | 'page' | 'offset',
  ) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string() }),
      response: ItemPage,
      request: ({ id }, page) =>
        get(path(id), {
          limit: page.size,
          cursor: params === 'cursor' ? page.cursor : undefined,
          page: params === 'page' ? page.number : undefined,
          offset: params === 'offset' ? page.offset : undefined,
        }),
      paginate,
    });
  const items = (answer: z.output<typeof ItemPage>) => answer.items;
  const profile = provider.endpoint('profile', {
    input: z.object({ id: z.string() }),
    response: Item,
    request: ({ id }) => get(`/users/${id}`),
  });
  const friends = listOf(
    'friends',
    (id) => `/users/${id}/friends`,
    { kind: 'cursor', items, next: (answer) => answer.next, pageSize: { start: 10 } },
    'cursor',
  );
  const posts = listOf(
    'posts',
    (id) => `/users/${id}/posts`,
    { kind: 'page', items, total: (answer) => answer.total, pageSize: { start: 10 }, lanes: 4 },
    'page',
  );
  const photos = listOf(
    'photos',
    (id) => `/users/${id}/photos`,
    { kind: 'offset', items, pageSize: { start: 10 }, lanes: 3 },
    'offset',
  );
  const likes = provider.endpoint('likes', {
    input: z.object({ id: z.string() }),
    response: z.array(Item),
    request: ({ id }, page) => get(`/posts/${id}/likes`, { limit: page.size }),
    paginate: { kind: 'link', items: (answer) => answer, pageSize: { start: 10 } },
  });
  const network = defineSync('tree', { provider, input: z.object({ userId: z.string() }) }, (s) => {
    const me = s.one(profile, { input: ({ userId }) => ({ id: userId }), key: (user) => user.id });
    const fr = s.each(me, friends, { input: (user) => ({ id: user.id }), key: (user) => user.id });
    const po = s.each(fr, posts, { input: (user) => ({ id: user.id }), key: (post) => post.id });
    const ph = s.each(fr, photos, { input: (user) => ({ id: user.id }), key: (photo) => photo.id });
    const li = s.each(po, likes, {
      when: (post) => post.id.endsWith('0'),
      input: (post) => ({ id: post.id }),
      key: (like) => like.id,
    });
    return { me, fr, po, ph, li };
  });
  const folder = provider.endpoint('folder', {
    input: z.object({ id: z.string() }),
    response: z.array(Item),
    request: ({ id }) => get(`/folders/${id}`),
    paginate: { kind: 'single', items: (answer) => answer },
  });
  /** Folders in folders; below each file are its notes. */
  const folders = defineSync('folders', { provider, input: z.object({ id: z.string() }) }, (s) => {
    const files = s.tree(folder, {
      top: ({ id }) => ({ id }),
      when: ({ id }) => !id.endsWith('.txt'),
      input: ({ id }) => ({ id }),
      key: ({ id }) => id,
    });
    const notes = s.each(files, likes, {
      input: ({ id }) => ({ id }),
      key: ({ id }) => id,
      when: ({ id }) => id.endsWith('.txt'),
    });
    return { files, notes };
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.object('/users/:id', ({ id }) => ({ id }));
    api.list('/users/:id/friends', { count: 25, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }), pagination: 'cursor' });
    api.list('/users/:id/posts', {
      count: 35,
      itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
      pagination: 'page',
      total: 'exact',
    });
    api.list('/users/:id/photos', { count: 42, itemAt: ({ id }, i) => ({ id: `${id}-ph${i}` }), pagination: 'offset' });
    api.list('/posts/:id/likes', {
      count: 12,
      itemAt: ({ id }, i) => ({ id: `${id}-l${i}` }),
      pagination: 'link-header',
    });
    // A chain of folders as deep as its name says, each with two files.
    api.route('GET', '/folders/:id', (_, { id }) => {
      const [name = '', left = '0'] = id.split('-');
      const items = [
        `${name}-${left}a.txt`,
        `${name}-${left}b.txt`,
        ...(Number(left) > 1 ? [`${name}-${Number(left) - 1}`] : []),
      ];
      return { body: items.map((each) => ({ id: each })) };
    });
    world = await createWorld([network, folders], { workers: 2 });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('stores every row of every kind of list, each page asked for once', async () => {
    const run = await world.sluice.start(network, { account: 'acct-1', input: { userId: 'u1' } });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'done', complete: true, flaws: [] });
    const count = async (node: Node) => {
      let rows = 0;
      for await (const _ of world.sluice.records(node, { account: 'acct-1', batchSize: 100 })) rows++;
      return rows;
    };
    expect(await count(network.me)).toBe(1);
    expect(await count(network.fr)).toBe(25);
    expect(await count(network.po)).toBe(25 * 35);
    expect(await count(network.ph)).toBe(25 * 42);
    expect(await count(network.li)).toBe(25 * 4 * 12);
    const report = api.report();
    expect(report.unknownPaths).toEqual({});
    // Page numbers side by side can't overlap: the front of such a list is looked at once more, to see whether it has moved.
    const isFrontOfPosts = ({ path, position, calls }: { path: string; position: string; calls: number }) =>
      path.endsWith('/posts') && position === '0' && calls === 2;
    const repeated = report.repeated.filter((page) => !isFrontOfPosts(page));
    // The calls of a workflow task that times out on a busy machine are made again by the worker that gets it next.
    const { events = [] } = await world.temporal.workflow.getHandle(run.workflowId).fetchHistory();
    const timedOut = (events ?? []).filter((event) => event.workflowTaskTimedOutEventAttributes).length;
    const failed = (events ?? []).flatMap((event) => event.workflowTaskFailedEventAttributes ?? []);
    expect({ repeated: timedOut > 0 ? [] : repeated, failed }).toEqual({ repeated: [], failed: [] });
  });

  it.each([
    ['in one history', 4_000],
    ['in many histories', 20],
  ])('goes down a tree of unknown depth to its end, each list asked for once, %s', async (_, maxHistoryEvents) => {
    const depth = 60;
    const before = api.report().calls;
    const account = `deep-${maxHistoryEvents}`;
    const run = await world.sluice.start(folders, {
      account,
      input: { id: `${account.replace('-', '')}-${depth}` },
      maxHistoryEvents,
    });
    const files = depth * 3 - 1;
    const notes = depth * 2 * 12;
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: files + notes });
    // Two pages of notes for each file.
    expect(api.report().calls - before).toBe(depth + depth * 2 * 2);
    expect(await run.progress()).toMatchObject({
      nodes: [
        { name: 'files', state: 'done', rows: files, units: { done: depth } },
        { name: 'notes', state: 'done', rows: notes },
      ],
    });
  });
});
