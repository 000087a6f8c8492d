/** One call for the lists of many parents. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const PARENTS = 253;
let api: FakeApi;
let world: World;
/** Ids of each call for statistics. */
let asked: string[][] = [];
let missing: readonly string[] = [];
let poison: string | undefined;
/** An answer for several of which this is one has a row of somebody else. */
let strange: string | undefined;
/** Throws for the rows of this parent. */
let unmappable: string | undefined;

const provider = defineProvider({ id: 'social', baseUrl: () => api.url, auth: noAuth(), limits: [], maxAttempts: 3 });
const posts = provider.endpoint('posts', {
  input: z.object({}),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: (_, page) => get('/posts', { limit: page.size, cursor: page.cursor }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next },
});
const stats = provider.endpoint('stats', {
  input: z.object({ ids: z.array(z.string()) }),
  response: z.object({ stats: z.array(z.object({ post: z.string(), day: z.number(), likes: z.number() })) }),
  request: ({ ids }) => get('/stats', { ids: ids.join(',') }),
  paginate: { kind: 'single', items: (answer) => answer.stats },
});
const sync = defineSync('social', { provider, input: z.object({}) }, (s) => {
  const all = s.one(posts, { input: () => ({}), key: ({ id }) => id });
  return {
    posts: all,
    stats: s.batch(all, stats, {
      size: 100,
      input: (rows) => ({ ids: rows.map(({ id }) => id) }),
      parentOf: (item) => item.post,
      key: (item, post) => `${post.id}/${item.day}`,
      map: (item) => {
        if (item.post === unmappable) throw new Error('no such mapping');
        return item;
      },
    }),
  };
});

beforeAll(async () => {
  api = await startFakeApi();
  world = await createWorld([sync]);
  api.list('/posts', { count: PARENTS, itemAt: (_, n) => ({ id: `p${n}` }) });
  api.route('GET', '/stats', ({ query }) => {
    const ids = (query.get('ids') ?? '').split(',');
    asked.push(ids);
    if (poison !== undefined && ids.includes(poison)) return { status: 400, body: { message: `bad id ${poison}` } };
    // In another order than they were asked for.
    const known = ids.filter((id) => !missing.includes(id)).toReversed();
    const own = known.flatMap((post) => [1, 2].map((day) => ({ post, day, likes: day })));
    const others = strange !== undefined && ids.includes(strange) ? [{ post: 'stranger', day: 1, likes: 1 }] : [];
    return { body: { stats: [...own, ...others] } };
  });
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});
beforeEach(() => {
  asked = [];
  missing = [];
  poison = undefined;
  strange = undefined;
  unmappable = undefined;
});
const start = async (account: string) => (await world.sluice.start(sync, { account, input: {} })).result();

it('asks for 253 parents by 3 calls, and gives each what is its own', async () => {
  expect(await start('a')).toMatchObject({ state: 'done', complete: true, rows: PARENTS * 3, calls: 3 + 3 });
  expect(asked.map(({ length }) => length).toSorted((a, b) => b - a)).toEqual([100, 100, 53]);
  expect(new Set(asked.flat()).size).toBe(PARENTS);
  const { rows } = await world.db.pool.query(
    `select count(*)::int as n from sluice.record t join sluice.unit u on u.id = t.unit_id
     where t.account = 'a' and t.resource = 'social.stats' and t.key like u.parent_key || '/%'`,
  );
  expect(rows).toEqual([{ n: PARENTS * 2 }]);
});

it('skips a parent of which nothing comes, and lists it', async () => {
  missing = ['p7', 'p150'];
  expect(await start('b')).toMatchObject({
    state: 'incomplete',
    rows: PARENTS * 3 - 4,
    calls: 6,
    flaws: [expect.objectContaining({ node: 'stats', kind: 'skipped', count: 2 })],
  });
});

it('splits a batch that fails until the one that is to blame fails alone', async () => {
  poison = 'p42';
  expect(await start('c')).toMatchObject({
    state: 'incomplete',
    rows: PARENTS * 3 - 2,
    flaws: [expect.objectContaining({ node: 'stats', kind: 'failed', count: 1, example: 'p42' })],
  });
  // Halves of halves: 100, 50, 25, 13, 7, 4, 2, 1.
  expect(asked.length).toBeLessThanOrEqual(3 + 2 * 7);
});

it('fails the one parent whose rows can not be mapped, and stores those of the others', async () => {
  unmappable = 'p9';
  expect(await start('f')).toMatchObject({
    state: 'incomplete',
    rows: PARENTS * 3 - 2,
    flaws: [expect.objectContaining({ node: 'stats', kind: 'failed', count: 1, example: 'p9' })],
  });
});

it('stores nothing of an answer with a row of a parent that was not asked for, and says where to look', async () => {
  strange = 'p42';
  expect(await start('g')).toMatchObject({
    state: 'incomplete',
    rows: PARENTS * 3 - 2,
    flaws: [expect.objectContaining({ node: 'stats', kind: 'failed', count: 1, example: 'p42' })],
  });
  const { rows } = await world.db.pool.query(
    `select u.reason from sluice.unit u join sluice.run r on r.id = u.run_id where r.account = 'g' and u.state = 'failed'`,
  );
  expect(rows).toEqual([{ reason: expect.stringMatching(/"stranger", which was not asked for; look at `parentOf`/) }]);
});

it('tries a batch again that fails for a moment, as one', async () => {
  api.script('/stats', ['503', 'ok', '500']);
  expect(await start('d')).toMatchObject({ state: 'done', complete: true, rows: PARENTS * 3 });
  expect(asked.map(({ length }) => length).toSorted((a, b) => b - a)).toEqual([100, 100, 53]);
});

it('goes on after a pause with those that were not asked for', async () => {
  const run = await world.sluice.start(sync, { account: 'e', input: {} });
  await run.pause();
  await run.resume();
  expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: PARENTS * 3 });
});
