/** Why a run waits and when it ends, as the client and `sluice explain` tell it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

let api: FakeApi;
let world: World;
const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
const provider = defineProvider({
  id: 'slow',
  baseUrl: () => api.url,
  auth: noAuth(),
  limits: [window('app', { by: ['app'], max: 20, perMs: 1_000 })],
});
const list = (name: string, size: number, path: (id: string) => string) =>
  provider.endpoint(name, {
    input: z.object({ id: z.string() }),
    response: Page,
    request: ({ id }, page) => get(path(id), { cursor: page.cursor, limit: page.size }),
    paginate: {
      kind: 'cursor',
      items: ({ items }) => items,
      next: ({ next }) => next,
      pageSize: { start: size, max: size },
    },
  });
const crawl = defineSync('crawl', { provider, input: z.object({}) }, (s) => {
  const users = s.one(
    list('users', 100, () => '/users'),
    { input: () => ({ id: '' }), key: ({ id }) => id },
  );
  const posts = list('posts', 20, (id) => `/users/${id}/posts`);
  return { users, posts: s.each(users, posts, { input: ({ id }) => ({ id }), key: ({ id }) => id }) };
});

beforeAll(async () => {
  api = await startFakeApi();
  api.list('/users', { count: 300, itemAt: (_, i) => ({ id: `u${i}` }), pageSize: { max: 100 } });
  // One page or two.
  api.list('/users/:id/posts', {
    count: ({ id }) => (Number(id?.slice(1)) % 2 === 0 ? 5 : 25),
    itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
  });
  world = await createWorld([crawl]);
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

describe('the explanation of a run', () => {
  it('names the limit, who waits for it, and from its first quarter on an end that is right within a quarter', async () => {
    const run = await world.sluice.start(crawl, { account: 'a', input: {}, tenant: 'acme' });
    const other = await world.sluice.start(crawl, { account: 'b', input: {}, tenant: 'zed', priority: 'background' });
    await expect
      .poll(async () => (await run.explain())?.limits[0]?.users.map(({ tenant }) => tenant).toSorted(), {
        timeout: 30_000,
      })
      .toEqual(['acme', 'zed']);
    await other.cancel();
    await other.result().catch(() => {});
    await expect
      .poll(async () => (await run.explain())?.forecast?.from, { timeout: 60_000, interval: 100 })
      .toBe('this-run');
    await expect
      .poll(async () => (await run.explain())?.calls, { timeout: 60_000, interval: 100 })
      .toBeGreaterThan(110);
    const explained = await run.explain();
    const at = performance.now();
    const showing = command(['explain', 'sync/crawl/a'], {
      DATABASE_URL: world.db.url,
      TEMPORAL_ADDRESS: temporalAddress(),
    });
    const { calls } = await run.result();
    const tookMs = performance.now() - at;
    const shown = await showing;
    const { forecast } = explained!;
    const left = calls - explained!.calls;
    expect(left).toBeGreaterThan(100);
    expect(Math.abs(forecast!.callsLeft - left)).toBeLessThan(0.25 * left);
    expect(Math.abs(forecast!.callsLeft - left)).toBeLessThanOrEqual(forecast!.errorShare * forecast!.callsLeft);
    expect(Math.abs(forecast!.endsInMs! - tookMs)).toBeLessThan(0.25 * tookMs);

    expect(shown.code).toBe(0);
    expect(shown.output).toMatch(
      /^sync\/crawl\/a\n {2}posts: \d+ lists wait for slow\/app\/app, \d+ of 20 used in 1 s/,
    );
    expect(shown.output).toMatch(/\n {2}slow\/app\/app is waited for by \d+ calls of crawl \(tenant acme\)\n/);
    expect(shown.output).toMatch(
      /\n {2}\d+ calls made, about \d+ left \(± \d+ %\); at 20 a second it ends in about [\d.]+ s \(± \d+ %\)\n$/,
    );
    expect((await run.explain())?.text).toEqual([`it has ended as done, ${calls} calls made`]);
  });

  it.each(['slow/app/app', 'slow/*'])(
    'names no end while an operator has paused what it waits for: %s',
    async (key) => {
      await world.sluice.limits.pause(key, 'a sale');
      const run = await world.sluice.start(crawl, { account: 'a', input: {}, tenant: 'acme' });
      await expect.poll(async () => JSON.stringify(await run.waits()), { timeout: 30_000 }).toContain('a sale');
      const explained = await run.explain();
      expect(explained?.forecast).toMatchObject({ callsPerSecond: null, endsInMs: null });
      expect(explained?.text.at(-1)).toMatch(/calls made, about \d+ left \(.*\); it does not end before it goes on$/);
      await world.sluice.limits.resume(key);
      await run.cancel();
      await run.result().catch(() => {});
    },
  );

  it('is nothing for a run that never was, with exit code 1', async () => {
    const env = { DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: temporalAddress() };
    expect(await command(['explain', 'sync/crawl/nobody'], env)).toMatchObject({
      code: 1,
      output: expect.stringMatching(
        /^sync\/crawl\/nobody {2}unknown: no such run; `npx sluice runs` names those that there are\nNo account "nobody" is known here/,
      ) as string,
    });
  });
});
