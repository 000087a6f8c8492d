import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window, type LimitDeclaration } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

let api: FakeApi;
const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });

function syncOf(name: string, limits: readonly LimitDeclaration[]) {
  // A cancelled run waits for the answers that are on their way.
  const timeouts = { totalMs: 12_000 };
  const provider = defineProvider({ id: name, baseUrl: () => api.url, auth: noAuth(), limits, timeouts });
  const list = (endpoint: string, path: (id: string) => string) =>
    provider.endpoint(endpoint, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id }, page) => get(path(id), { cursor: page.cursor, limit: page.size }),
      paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 20 } },
    });
  const users = list('users', () => '/users');
  const posts = list('posts', (id) => `/users/${id}/posts`);
  return defineSync(name, { provider, input: z.object({}) }, (s) => {
    const top = s.one(users, { input: () => ({ id: '' }), key: ({ id }) => id });
    return { users: top, posts: s.each(top, posts, { input: ({ id }) => ({ id }), key: ({ id }) => id }) };
  });
}

describe('what a run waits for', () => {
  const narrow = syncOf('narrow', [window('app', { by: ['app'], max: 5, perMs: 20_000 })]);
  const wide = syncOf('wide', []);
  // Of its own: after answers to others it takes more failures until a provider is taken for failing.
  const away = syncOf('away', []);
  let world: World;

  beforeAll(async () => {
    world = await createWorld([narrow, wide, away]);
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    api = await startFakeApi();
    api.list('/users', { count: 12, itemAt: (_, i) => ({ id: `u${i}` }) });
    api.list('/users/:id/posts', { count: 1, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
  });
  afterEach(() => api.stop());

  it('is the limit that its lists queue for, how many they are, and until when', async () => {
    const run = await world.sluice.start(narrow, { account: 'a', input: {} });
    const waitsText = () => run.waits().then(([wait]) => wait?.text);
    // A permit that was not used in time on a busy machine is given back and taken again.
    await expect.poll(waitsText, { timeout: 15_000 }).toMatch(/^posts: 8 lists wait for \S+, 5 of 5 used/);
    const [wait, ...others] = await run.waits();
    expect(others).toEqual([]);
    expect(wait).toMatchObject({ kind: 'limit', node: 'posts', calls: 8 });
    expect(wait?.limit).toMatch(/^narrow\/app/);
    expect(wait?.firstInMs).toBeGreaterThan(1_000);
    expect(wait?.firstInMs).toBeLessThanOrEqual(21_000);
    expect(wait?.lastInMs).toBeGreaterThan(wait?.firstInMs ?? Infinity);
    expect(wait?.text).toMatch(/^posts: 8 lists wait for narrow\/app\S*, 5 of 5 used in 20 s; the first goes on in /);
    await run.cancel();
  });

  it('is the next attempt of a list whose call failed, and nothing once the run has ended', async () => {
    const script = api.script('/users/u3/posts', ['500', '500', '500']);
    const run = await world.sluice.start(wide, { account: 'b', input: {} });
    await expect.poll(() => script.remaining(), { timeout: 15_000 }).toBe(0);
    await expect.poll(() => run.waits().then((waits) => waits.length)).toBe(1);
    expect(await run.waits()).toEqual([
      expect.objectContaining({
        kind: 'backoff',
        node: 'posts',
        calls: 1,
        text: expect.stringMatching(
          /^posts: 1 list waits after a call that failed, e\.g\. "u3" \(HTTP 500: .*\), up to 3 attempts so far, goes on in [\d.]+ s$/,
        ) as string,
      }),
    ]);
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await run.waits()).toEqual([]);
  });

  it('is an answer that takes long, and the end of such calls once it is being cancelled', async () => {
    api.script('/users/:id/posts', ['silent'], { repeats: true });
    const run = await world.sluice.start(wide, { account: 'd', input: {} });
    const ofCalls = () => run.waits().then((waits) => waits.find(({ kind }) => kind === 'call'));
    await expect.poll(ofCalls, { timeout: 20_000 }).toMatchObject({
      kind: 'call',
      text: expect.stringMatching(/(without an answer yet, the longest for|have had no answer for) \d/) as string,
    });
    await run.cancel();
    const [first] = await run.waits();
    expect(first).toMatchObject({ kind: 'cancel', text: expect.stringMatching(/^it is being cancelled/) as string });
    await expect(run.result()).rejects.toThrow();
    expect(await run.waits()).toEqual([]);
  });

  it('is the provider itself while it is failing', async () => {
    // It has still something to do when the provider is back.
    api.list('/users', { count: 300, itemAt: (_, i) => ({ id: `u${i}` }) });
    const outage = api.outage({ kind: '503' });
    const run = await world.sluice.start(away, { account: 'c', input: {} });
    const ofProvider = () => run.waits().then((waits) => waits.find(({ kind }) => kind === 'provider'));
    await expect.poll(ofProvider, { timeout: 40_000 }).toMatchObject({
      limit: 'away/*/users',
      node: 'users',
      text: expect.stringMatching(
        /^users: away\/users is failing since 20\S+Z \(.*503.*\), one call at a time, the next (now|in )/,
      ) as string,
    });
    // When a list goes on depends on whether the provider is back.
    const ofLists = () => run.waits().then((waits) => waits.find(({ kind }) => kind !== 'provider'));
    await expect.poll(ofLists, { timeout: 20_000, interval: 50 }).toEqual({
      kind: 'backoff',
      node: 'users',
      calls: 1,
      text: expect.stringMatching(
        /^users: 1 list waits (after a call that failed )?\(HTTP 503.*\)(, up to \d+ attempts so far)?$/,
      ) as string,
    });
    await outage.end();
    await expect.poll(ofProvider, { timeout: 60_000, interval: 50 }).toMatchObject({
      limit: 'away/*/users',
      firstInMs: 0,
      text: expect.stringMatching(
        /^users: away\/users is answering again after an outage since 20\S+Z, calls return by degrees, all of them in 1[0-6] s$/,
      ) as string,
    });
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await ofProvider()).toBeUndefined();
  });
});
