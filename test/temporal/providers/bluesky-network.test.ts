import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minimumCalls } from '../../../examples/bluesky/minimum-calls.ts';
import { startPds, type RunningPds } from '../../../examples/bluesky/pds.ts';
import { blueskyNetwork } from '../../../providers/bluesky/network.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a real Bluesky server, synced whole', () => {
  const limit = 30;
  const windowSeconds = 3;
  let pds: RunningPds;
  let world: World;
  let network: ReturnType<typeof blueskyNetwork>;

  beforeAll(async () => {
    pds = await startPds({ accounts: 8, posts: 12, follows: 3, limit, windowSeconds });
    network = blueskyNetwork({ baseUrl: pds.url, max: limit, perMs: windowSeconds * 1_000 });
    world = await createWorld([network], { workers: 2 });
  }, 300_000);
  afterAll(async () => {
    await world?.end();
    await pds?.stop();
  });

  it('stores exactly what is there, with the fewest calls, and is never refused', async () => {
    const run = await world.sluice.start(network, { account: 'pds', input: {} });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    const keys = async (name: 'accounts' | 'posts' | 'follows' | 'followed'): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of world.sluice.records<unknown>(network[name], { account: 'pds' })) found.push(key);
      return found.toSorted();
    };
    const { expected } = pds;
    expect(await keys('accounts')).toEqual(expected.accounts.map(({ did }) => did).toSorted());
    expect(await keys('posts')).toEqual([...expected.postUris].toSorted());
    expect(await keys('follows')).toEqual([...expected.followUris].toSorted());
    expect(await keys('followed')).toEqual([...expected.followedDids].toSorted());
    const stats = await pds.stats();
    expect(stats.refused).toBe(0);
    expect(stats.total).toBe(minimumCalls(expected, { pageLimit: 100 }));
  });

  it('changes nothing the second time but when rows were last seen', async () => {
    const before: string[] = [];
    for await (const { sequence } of world.sluice.records(network.posts, { account: 'pds' })) before.push(sequence);
    expect(before.length).toBeGreaterThan(0);
    await (await world.sluice.start(network, { account: 'pds', input: {} })).result();
    const changed: unknown[] = [];
    for await (const record of world.sluice.records(network.posts, { account: 'pds', after: before.at(-1) }))
      changed.push(record);
    expect(changed).toEqual([]);
  });
});
