import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { countRecords } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth, rules, retry, status, when } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });

describe('retryFailed', () => {
  let api: FakeApi;
  let world: World;
  /** Users whose lists answer 500 or 404 at the moment. */
  const broken = new Set<string>();
  const gone = new Set<string>();

  const provider = defineProvider({
    id: 'social',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [],
    maxAttempts: 2,
    classify: rules([when(status(500), retry({ afterMs: 100 }))]),
  });
  const list = (name: string, path: (id: string) => string) =>
    provider.endpoint(name, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id }, page) => get(path(id), { limit: page.size, cursor: page.cursor }),
      paginate: { kind: 'cursor', items: (body) => body.items, next: (body) => body.next, pageSize: { start: 5 } },
    });
  const users = list('users', () => '/users');
  const posts = list('posts', (id) => `/users/${id}/posts`);
  const likes = list('likes', (id) => `/posts/${id}/likes`);
  const sync = defineSync('retried', { provider, input: z.object({}) }, (s) => {
    const people = s.one(users, { input: () => ({ id: '' }), key: (user) => user.id });
    const written = s.each(people, posts, {
      input: (user) => ({ id: user.id }),
      key: (post) => post.id,
      onChildError: { maxSkippedShare: 0.5 },
    });
    const liked = s.each(written, likes, { input: (post) => ({ id: post.id }), key: (like) => like.id });
    return { people, written, liked };
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/users', { count: 8, itemAt: (_, n) => ({ id: `u${n}` }), pageSize: { max: 5 } });
    api.list('/posts/:id/likes', { count: 2, itemAt: ({ id }, n) => ({ id: `${id}-l${n}` }) });
    api.route('GET', '/users/:id/posts', (call, { id }) => {
      if (broken.has(id)) return { status: 500, body: { error: 'broken' } };
      if (gone.has(id)) return { status: 404, body: { error: 'gone' } };
      return { body: { items: Array.from({ length: 3 }, (_, n) => ({ id: `${id}-p${n}` })), next: null } };
    });
    world = await createWorld([sync]);
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('reads the failed lists again and nothing else, and speaks for the whole tree', async () => {
    broken.add('u1').add('u6');
    gone.add('u3');
    const run = await world.sluice.start(sync, { account: 'acct-1', input: {} });
    const first = await run.result();
    expect(first).toMatchObject({ state: 'incomplete', complete: false });
    expect(first.flaws.map(({ kind, count }) => ({ kind, count })).toSorted((a, b) => a.count - b.count)).toEqual([
      { kind: 'skipped', count: 1 },
      { kind: 'failed', count: 2 },
    ]);

    broken.clear();
    api.reset();
    const retried = await run.retryFailed();
    const second = await retried.result();
    expect(second.runId).not.toBe(first.runId);
    // What was skipped is still told.
    expect(second).toMatchObject({ state: 'incomplete', flaws: [{ node: 'written', kind: 'skipped', example: 'u3' }] });
    const { byRoute } = api.report();
    // Two lists of posts, and the likes of their six posts; neither the users nor the lists that were read before.
    expect(byRoute).toEqual({
      'GET /users/:id/posts': 2,
      'GET /posts/:id/likes': 6,
    });
    const progress = await retried.progress();
    expect(progress).toMatchObject({ state: 'incomplete' });
    expect('nodes' in progress && progress.nodes.map(({ name, units }) => [name, units.done, units.skipped])).toEqual([
      ['people', 1, 0],
      ['written', 7, 1],
      ['liked', 21, 0],
    ]);

    gone.clear();
    api.reset();
    const third = await (await retried.retryFailed({ also: ['skipped'] })).result();
    expect(third).toMatchObject({ state: 'done', complete: true, flaws: [] });
    expect(Object.keys(api.report().byRoute).length).toBe(2);
    const likesStored = await countRecords(world.db.pool, 'acct-1', sync.liked.resource);
    expect(likesStored).toBe(8 * 3 * 2);
  });

  it('refuses where there is nothing to retry', async () => {
    const unknown = world.sluice.run({ sync, account: 'nobody' });
    await expect(unknown.retryFailed()).rejects.toThrow(/no run of ".*nobody.*" to retry/i);

    const run = await world.sluice.start(sync, { account: 'acct-2', input: {} });
    expect(await run.result()).toMatchObject({ complete: true });
    await expect(run.retryFailed()).rejects.toThrow('read every list to its end: there is nothing to retry');
    gone.add('u3');
    expect(await (await world.sluice.start(sync, { account: 'acct-3', input: {} })).result()).toMatchObject({
      flaws: [{ kind: 'skipped' }],
    });
    const skipped = world.sluice.run({ sync, account: 'acct-3' });
    await expect(skipped.retryFailed()).rejects.toThrow(/No list .* failed\..*ended as skipped .* --also skipped/);
    gone.clear();
    expect(await (await skipped.retryFailed({ also: ['skipped'] })).result()).toMatchObject({ complete: true });
  });
});
