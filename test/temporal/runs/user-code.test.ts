import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineProvider,
  defineSync,
  get,
  noAuth,
  seconds,
  window,
  type StoreTransaction,
} from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Post = z.object({ id: z.string(), n: z.number() });
const PostPage = z.object({ items: z.array(Post), next: z.string().nullish() });

describe('the user’s own code', () => {
  let api: FakeApi;
  let world: World;

  /** The same sync with another mapping and another hook: what a new build of a worker has. */
  const build = (
    map: (post: z.output<typeof Post>) => unknown,
    store?: (tx: StoreTransaction, rows: readonly unknown[]) => Promise<void>,
  ) => {
    const provider = defineProvider({
      id: 'blog',
      baseUrl: () => api.url,
      auth: noAuth(),
      limits: [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })],
      maxAttempts: 3,
    });
    const posts = provider.endpoint('posts', {
      input: z.object({}),
      response: PostPage,
      request: (_, page) => get('/posts', { cursor: page.cursor, limit: page.size }),
      paginate: {
        kind: 'cursor',
        items: (answer) => answer.items,
        next: (answer) => answer.next,
        pageSize: { start: 10 },
      },
    });
    return defineSync('blog', { provider, input: z.object({}) }, (s) => ({
      posts: s.one(posts, { input: () => ({}), key: (post) => post.id, map, ...(store ? { store } : {}) }),
    }));
  };
  const plain = build((post) => post);

  beforeAll(async () => {
    api = await startFakeApi({ latencyMs: 10 });
    api.list('/posts', { count: 995, itemAt: (_, i) => ({ id: `p${i}`, n: i }) });
    world = await createWorld([], { workers: 0 });
    await world.db.pool.query('create table public.my_post (id text primary key, n int)');
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('may be edited in the middle of a run: the new mapping takes effect at the next call, nothing breaks', async () => {
    const first = await world.startWorker({ syncs: [build(({ id }) => ({ id, version: 1 }))] });
    const run = await world.sluice.start(plain, { account: 'edited', input: {} });
    await expect.poll(() => api.report().calls, { interval: 5 }).toBeGreaterThan(8);
    await first.stop();
    const second = await world.startWorker({ syncs: [build(({ id }) => ({ id, version: 2 }))] });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 995 });
    await second.stop();
    const versions = new Map<number, number>();
    for await (const { data } of world.sluice.records<unknown>(plain.posts, { account: 'edited' })) {
      const { version } = data as { version: number };
      versions.set(version, (versions.get(version) ?? 0) + 1);
    }
    expect(versions.get(1)).toBeGreaterThanOrEqual(80);
    expect(versions.get(2)).toBeGreaterThan(0);
    expect((versions.get(1) ?? 0) + (versions.get(2) ?? 0)).toBe(995);
    expect(api.report().repeated).toEqual([]);
  });

  it('writes its own table in the page’s transaction: both or neither', async () => {
    let failures = 0;
    const store = async (tx: StoreTransaction, rows: readonly unknown[]): Promise<void> => {
      for (const { id, n } of rows as z.output<typeof Post>[]) {
        await tx.query(
          'insert into public.my_post (id, n) values ($1, $2) on conflict (id) do update set n = excluded.n',
          [id, n],
        );
        // Half way through a page, once: the whole page must be gone, and come again.
        if (n === 55 && failures++ === 0) throw new Error('the hook has a bad moment');
      }
    };
    const worker = await world.startWorker({ syncs: [build((post) => post, store)] });
    const run = await world.sluice.start(plain, { account: 'hooked', input: {} });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 995 });
    await worker.stop();
    expect(failures).toBe(2);
    const { rows } = await world.db.pool.query(
      'select count(*) as mine, (select count(*) from sluice.record where account = $1) as ours from public.my_post',
      ['hooked'],
    );
    expect(rows[0]).toEqual({ mine: 995, ours: 995 });
  });

  it('that throws is told with its place, tried once more, and fails its list with the reason, not the worker', async () => {
    const logged: string[] = [];
    const worker = await world.startWorker({
      log: pino({ level: 'error' }, { write: (line) => void logged.push(line) }),
      syncs: [
        build((post) => {
          if (post.n === 25) throw new TypeError('cannot map this post');
          return post;
        }),
      ],
    });
    const run = await world.sluice.start(plain, { account: 'broken', input: {} });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'failed', complete: false, rows: 20, calls: 2 + 2 });
    expect(result.flaws).toEqual([
      {
        node: 'posts',
        kind: 'failed',
        reason: '`map` of node "posts" threw TypeError: cannot map this post (the same answer 2 times)',
        count: 1,
        example: '',
      },
    ]);
    await worker.stop();
    const lines = logged.map((line) => JSON.parse(line) as { node?: string; stack?: string });
    expect(lines.filter(({ node }) => node === 'posts')).toHaveLength(2);
    for (const { stack } of lines) expect(stack).toMatch(/^ +at .*user-code\.test\.ts:\d+/);
  });

  it('reads on where it stopped, in the order of change', async () => {
    const all: string[] = [];
    let middle = '';
    for await (const { sequence, key } of world.sluice.records<unknown>(plain.posts, {
      account: 'hooked',
      batchSize: 7,
    })) {
      all.push(key);
      if (all.length === 100) middle = sequence;
    }
    const rest: string[] = [];
    for await (const { key } of world.sluice.records<unknown>(plain.posts, { account: 'hooked', after: middle }))
      rest.push(key);
    expect(rest).toEqual(all.slice(100));
    await expect(
      world.sluice.records<unknown>(plain.posts, { account: 'hooked', after: 'page 2' })[Symbol.asyncIterator]().next(),
    ).rejects.toThrow(/pass the `sequence`/);
  });
});
