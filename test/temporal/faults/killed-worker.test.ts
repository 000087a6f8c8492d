import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';

const FRIENDS = 60;
const POSTS = 45;
const PAGES = 6 + FRIENDS * 5;
/** Lanes in flight in one worker: the list of friends, and eight lists of posts. */
const LANES = 9;
const MAX_PER_SECOND = 60;

describe('workers killed with SIGKILL in the middle', () => {
  let api: FakeApi;
  let world: World;
  const workers: WorkerProcess[] = [];
  const startWorker = async (): Promise<void> => {
    workers.push(
      await startWorkerProcess({
        module: 'forest.ts',
        databaseUrl: world.db.url,
        taskQueue: world.taskQueue,
        env: { FOREST_URL: api.url, FOREST_MAX: String(MAX_PER_SECOND) },
      }),
    );
  };

  beforeAll(async () => {
    api = await startFakeApi({ latencyMs: 30 });
    api.list('/users/:id/friends', { count: FRIENDS, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: POSTS, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    api.limit({ name: 'app', by: 'app', kind: 'sliding', max: MAX_PER_SECOND, perMs: 1_000 });
    world = await createWorld([], { workers: 0 });
    await Promise.all([startWorker(), startWorker()]);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
    await world?.end();
    await api?.stop();
  });

  it('resumes at the page, stores the same rows, repeats at most one call for each lane and kill, and keeps the limit', async () => {
    const run = await world.sluice.start(forest, { account: 'acct-1', input: { id: 'u' } });
    let kills = 0;
    const calls = () => api.report().calls;
    for (const threshold of [40, 130, 220]) {
      await expect.poll(calls, { timeout: 60_000, interval: 20 }).toBeGreaterThan(threshold);
      await workers.shift()?.kill();
      kills++;
      await startWorker();
    }
    const result = await run.result();
    expect(result).toMatchObject({ state: 'done', complete: true, flaws: [], rows: FRIENDS + FRIENDS * POSTS });
    const keys = new Set<string>();
    for await (const { key } of world.sluice.records(forest.posts, { account: 'acct-1' })) keys.add(key);
    expect(keys.size).toBe(FRIENDS * POSTS);
    expect(calls()).toBeGreaterThanOrEqual(PAGES);
    expect(calls() - PAGES).toBeLessThanOrEqual(kills * LANES);
    // Two processes share one limit, also over kills: the third party counted nobody above it.
    expect(api.report()).toMatchObject({ refused: 0, violations: [] });
  });

  it('goes on within two minutes when all workers that had its calls are frozen and never come back', async () => {
    const run = await world.sluice.start(forest, { account: 'acct-2', input: { id: 'v' } });
    const before = api.report().calls;
    const calls = () => api.report().calls - before;
    await expect.poll(calls, { timeout: 60_000, interval: 20 }).toBeGreaterThan(60);
    const frozen = [...workers];
    for (const { child } of frozen) child.kill('SIGSTOP');
    await startWorker();
    const sofar = calls();
    // What a frozen worker has in hand is free when its workflow task, its heartbeats and its permits have run out. Temporal goes on
    // giving tasks to each poll that it left open, for the minute that a poll lives: nobody can tell it from one who is slow.
    await expect.poll(calls, { timeout: 120_000, interval: 100 }).toBeGreaterThan(sofar + 2 * LANES);
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: FRIENDS + FRIENDS * POSTS });
    expect(calls() - PAGES).toBeLessThanOrEqual(frozen.length * LANES);
    // Woken, they change nothing.
    for (const { child } of frozen) child.kill('SIGCONT');
    await Promise.all(frozen.map((worker) => worker.kill()));
  }, 300_000);
});
