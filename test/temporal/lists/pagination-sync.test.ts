import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { countRecords } from '../../../db/index.ts';
import { defineProvider, defineSync, get, minutes, noAuth, type Node } from '../../../providers/index.ts';
import { brokenLists, startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Row = z.object({ id: z.string(), n: z.number(), updatedAt: z.string() });
const Page = z.object({ items: z.array(Row), next: z.string().nullish(), total: z.number().optional() });

const rowOf = (id: string, n: number) => ({
  id: `${id}-${n}`,
  n,
  updatedAt: new Date(Date.UTC(2024, 0, 1) + n * 60_000).toISOString(),
});

describe('pagination through workflows', () => {
  let api: FakeApi;
  let world: World;
  let posts: Record<string, number[]> = {};

  const provider = defineProvider({ id: 'social', baseUrl: () => api.url, auth: noAuth(), limits: [] });
  const items = (body: z.output<typeof Page>) => body.items;
  const capped = provider.endpoint('capped', {
    input: z.object({}),
    response: Page,
    request: (_, page) =>
      get('/broken/cap-of-1000-with-ranges', {
        limit: page.size,
        cursor: page.cursor,
        min: page.range?.from,
        max: page.range?.to,
      }),
    paginate: { kind: 'cursor', items, next: (body) => body.next, range: { whole: () => ({ from: 0, to: 9_999 }) } },
  });
  const fat = provider.endpoint('fat', {
    input: z.object({}),
    response: Page,
    request: (_, page) => get('/fat', { limit: page.size, page: page.number }),
    paginate: { kind: 'page', items, pageSize: { start: 50 }, lanes: 4 },
  });
  const holes = provider.endpoint('holes', {
    input: z.object({}),
    response: Page,
    request: (_, page) => get('/holes', { limit: page.size, offset: page.offset }),
    paginate: { kind: 'offset', items, total: (body) => body.total, pageSize: { start: 10 }, lanes: 4 },
  });
  const users = provider.endpoint('users', {
    input: z.object({}),
    response: z.array(z.object({ id: z.string() })),
    request: () => get('/users'),
    paginate: { kind: 'single', items: (body) => body },
  });
  const postsOf = provider.endpoint('posts', {
    input: z.object({ id: z.string(), since: z.string().optional() }),
    response: Page,
    request: ({ id, since }, page) => get(`/users/${id}/posts`, { since, limit: page.size, cursor: page.cursor }),
    paginate: { kind: 'cursor', items, next: (body) => body.next },
  });
  const lists = defineSync('lists', { provider, input: z.object({}) }, (s) => ({
    ranges: s.one(capped, { input: () => ({}), key: (row) => row.id }),
    bites: s.one(fat, { input: () => ({}), key: (row) => row.id }),
  }));
  const gap = defineSync('gap', { provider, input: z.object({}) }, (s) => ({
    rows: s.one(holes, { input: () => ({}), key: (row) => row.id }),
  }));
  const changes = defineSync('changes', { provider, input: z.object({}) }, (s) => {
    const people = s.one(users, { input: () => ({}), key: (user) => user.id });
    const written = s.each(people, postsOf, {
      input: (user, state) => ({ id: user.id, since: state.watermark }),
      key: (post) => post.id,
      incremental: { field: (post) => post.updatedAt, lookbackMs: minutes(1) },
      deletions: 'full-pass',
    });
    return { people, written };
  });

  beforeAll(async () => {
    api = await startFakeApi();
    brokenLists.find(({ name }) => name === 'cap-of-1000-with-ranges')?.install(api);
    api.list('/fat', {
      count: 430,
      itemAt: (_, n) => rowOf('fat', n),
      pagination: 'page',
      pageSize: { max: (_, start) => (start >= 200 ? 20 : 50), overMax: 'error413' },
    });
    let isBeyond = (): void => {};
    const beyond = new Promise<void>((resolve) => (isBeyond = resolve));
    api.route('GET', '/holes', async (call) => {
      const offset = Number(call.query.get('offset'));
      // The blank page comes when one behind it is on its way.
      if (offset > 30) isBeyond();
      if (offset === 30) await beyond;
      const length = offset === 30 || offset >= 80 ? 0 : 10;
      return { body: { items: Array.from({ length }, (_, n) => rowOf('hole', offset + n)), total: 80 } };
    });
    api.route('GET', '/users', () => ({ body: Object.keys(posts).map((id) => ({ id })) }));
    api.list('/users/:id/posts', { items: ({ id }) => posts[id]?.map((n) => rowOf(id, n)), since: 'since' });
    world = await createWorld([lists, gap, changes], { workers: 2 });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  const feed = async (node: Node, account: string, after?: string) => {
    const seen: { change: string; key: string; sequence: string }[] = [];
    for await (const { change, key, sequence } of world.sluice.records(node, after ? { account, after } : { account }))
      seen.push({ change, key, sequence });
    return seen;
  };

  it('gets all rows of a capped list by its ranges, and of fat pages in smaller bites', async () => {
    const run = await world.sluice.start(lists, { account: 'acct-1', input: {} });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, flaws: [] });
    expect(await countRecords(world.db.pool, 'acct-1', lists.ranges.resource)).toBe(2_600);
    expect(await countRecords(world.db.pool, 'acct-1', lists.bites.resource)).toBe(430);
  });

  it('says that a list is not whole when pages behind a blank one have rows', async () => {
    const run = await world.sluice.start(gap, { account: 'acct-1', input: {} });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'incomplete', complete: false });
    expect(result.flaws[0]).toMatchObject({ node: 'rows', kind: 'truncated' });
    expect(result.flaws[0]?.reason).toMatch(/ended before page 3, but page \d+ ha[sd] rows|came blank twice/);
  });

  it('brings changes first, deletions after a full pass, in the order in which they happened', async () => {
    posts = { ann: [1, 2, 3], bob: [10, 20] };
    const account = 'acct-1';
    const first = await (await world.sluice.start(changes, { account, input: {} })).result();
    expect(first).toMatchObject({ state: 'done', rows: 7 });
    const before = await feed(changes.written, account);
    expect(before).toHaveLength(5);

    posts = { ann: [1, 3, 4], bob: [10, 20] };
    api.reset();
    const second = await (await world.sluice.start(changes, { account, input: {} })).result();
    expect(second).toMatchObject({ state: 'done', calls: 3 });
    const inserted = await feed(changes.written, account, before.at(-1)?.sequence);
    expect(inserted.map(({ change, key }) => `${change} ${key}`)).toEqual(['upsert ann-4']);

    await (await world.sluice.start(changes, { account, input: {}, mode: 'full' })).result();
    const deleted = await feed(changes.written, account, inserted.at(-1)?.sequence);
    expect(deleted.map(({ change, key }) => `${change} ${key}`)).toEqual(['delete ann-2']);
  });
});
