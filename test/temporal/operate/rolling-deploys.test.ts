/** Builds of the workers side by side under load: versioned ones (Temporal's worker deployments), and plain ones. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { diagnose, type BuildStanding, type StartedRun } from '../../../client/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { buildOfGrove } from '../../setup/two-builds.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const FRIENDS = 20;
const POSTS = 45;
/** Pages of ten. */
const CALLS = FRIENDS / 10 + FRIENDS * 5;
const ROWS = FRIENDS + FRIENDS * POSTS;

describe('two builds of versioned workers, side by side under load', () => {
  const one = buildOfGrove('one');
  const two = buildOfGrove('two');
  let api: FakeApi;
  let world: World;
  let next: WorkflowBundleWithSourceMap;
  let after: { stop(): Promise<void> };

  beforeAll(async () => {
    api = await startForestApi({ friends: FRIENDS, posts: POSTS, latencyMs: 150 });
    // Its histories and those of today can't replay each other.
    next = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../../fixtures/next-workflows.ts', import.meta.url)),
      logger: new DefaultLogger('WARN'),
    });
    world = await createWorld([], { workers: 0 });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });
  const start = (account: string): Promise<StartedRun> => world.sluice.start(one, { account, input: { id: account } });
  const settingsOf = (buildId: string) => ({
    taskQueue: world.taskQueue,
    build: { deployment: world.taskQueue, buildId },
    concurrency: 100,
    dbConnections: 10,
    egress: 'default',
    drainSeconds: 5,
    logLevel: 'error',
  });
  /** All roles of a build ask for tasks. */
  const served = (buildId: string) =>
    vi.waitUntil(
      async () =>
        (await world.sluice.deployments.list()).some(
          (each) => each.buildId === buildId && each.taskQueues.length === 3,
        ),
      { timeout: 60_000, interval: 250 },
    );
  /** What `sluice doctor` says of the task queues of the three roles. */
  const queues = async (): Promise<string[]> =>
    (await diagnose({ databaseUrl: world.db.url, temporal: { address: temporalAddress() }, taskQueue: world.taskQueue, probe: false })) // prettier-ignore
      .filter(({ check }) => check === 'workers')
      .filter(({ found }) => found.includes(`"${world.taskQueue}`))
      .map(({ status }) => status);
  const brief = ({ buildId, state, runs, workers }: BuildStanding) => ({ buildId, state, runs, workers });
  const storedBy = async (account: string): Promise<Record<string, number>> => {
    const { rows } = await world.db.pool.query<{ build: string; count: number }>(
      `select data->>'build' as build, count(*)::int as count from sluice.record where account = $1 group by 1`,
      [account],
    );
    return Object.fromEntries(rows.map(({ build, count }) => [build, count]));
  };

  it('pin runs to theirs and move them at a page when another is promoted: no call twice, no run lost, none stuck', async () => {
    const before = await world.startWorker({ syncs: [one], settings: settingsOf('one') });
    await served('one');
    // It asks for tasks, and is given none.
    expect(await queues()).toEqual(['wrong', 'wrong', 'wrong']);
    await world.sluice.deployments.promote({ buildId: 'one' });
    await expect.poll(queues, { interval: 250 }).toEqual(['ok', 'ok', 'ok']);
    const early = await Promise.all(['a', 'b'].map(start));
    const paused = await start('paused');
    await expect.poll(() => api.report().calls, { interval: 20 }).toBeGreaterThan(60);
    await paused.pause();
    after = await world.startWorker({ syncs: [two], settings: settingsOf('two'), workflowBundle: next });
    await served('two');
    // It serves, and is given nothing before it is promoted.
    const late = await start('e');
    await expect.poll(async () => (await storedBy('e'))['one'] ?? 0, { interval: 20 }).toBeGreaterThan(0);
    expect(await storedBy('e')).not.toHaveProperty('two');
    await world.sluice.deployments.promote({ buildId: 'two' });
    const newest = await start('f');
    const results = await Promise.all([...early, late, newest].map((run) => run.result()));
    for (const result of results) expect(result).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    expect(await storedBy('f')).toEqual({ two: ROWS });
    // Both have worked on those that were under way.
    expect(Object.keys(await storedBy('e')).sort()).toEqual(['one', 'two']);
    // A paused run has moved too, so the old build has nothing left and its worker may end.
    await expect
      .poll(async () => (await world.sluice.deployments.list()).map(brief), { interval: 250 })
      .toMatchObject([
        { buildId: 'two', state: 'current', runs: 1, workers: 1 },
        { buildId: 'one', runs: 0 },
      ]);
    await before.stop();
    await paused.resume();
    expect(await paused.result()).toMatchObject({ state: 'done', complete: true, rows: ROWS });
    expect(api.report()).toMatchObject({ calls: 5 * CALLS, repeated: [] });
  });

  // A worker that has ended is counted until a question of its would have been answered: both tests wait for that side by side.
  const GONE = { timeout: 120_000, interval: 500 };

  it.concurrent(
    'are taken off a build whose workers are gone, which is told, and go on in the same history',
    async ({ expect }) => {
      const three = await world.startWorker({ syncs: [buildOfGrove('three')], settings: settingsOf('three') });
      await served('three');
      await world.sluice.deployments.promote({ buildId: 'three' });
      // One that is being opened when another build is promoted moves to that one after one page at most.
      const holder = await world.db.pool.connect();
      await holder.query('begin; lock table sluice.run in share row exclusive mode');
      const opening = await start('h');
      const { pendingActivities } = await vi.waitUntil(
        async () => {
          const { raw } = await world.temporal.workflow.getHandle(opening.workflowId).describe();
          return raw.pendingActivities?.length ? raw : undefined;
        },
        { timeout: 60_000, interval: 100 },
      );
      expect(pendingActivities).toMatchObject([{ activityType: { name: 'openRun' } }]);
      await world.sluice.deployments.promote({ buildId: 'two' });
      await holder.query('rollback');
      holder.release();
      expect(await opening.result()).toMatchObject({ state: 'done', rows: ROWS });
      expect((await storedBy('h'))['two']).toBeGreaterThanOrEqual(ROWS - FRIENDS);
      await world.sluice.deployments.promote({ buildId: 'three' });
      const run = await start('g');
      await expect.poll(async () => (await storedBy('g'))['three'] ?? 0, { interval: 20 }).toBeGreaterThan(0);
      await run.pause();
      await after.stop();
      await three.stop();
      // Nobody serves the build that the run is pinned to.
      const five = await world.startWorker({ syncs: [buildOfGrove('five')], settings: settingsOf('five') });
      await served('five');
      await world.sluice.deployments.promote({ buildId: 'five' });
      await run.resume();
      const env = {
        DATABASE_URL: world.db.url,
        TEMPORAL_ADDRESS: temporalAddress(),
        SLUICE_TASK_QUEUE: world.taskQueue,
      };
      const list = () => command(['deployments', 'list'], env);
      const workersOf = async (build: string) =>
        (await world.sluice.deployments.list()).find(({ buildId }) => buildId === build)?.workers;
      await expect.poll(() => workersOf('three'), GONE).toBe(0);
      const said = await list();
      expect(said.output).toMatch(/:five {2}current {2}0 runs pinned to it, 1 worker for /);
      expect(said.output).toMatch(
        /:three {2}draining {2}1 run pinned to it, .*\n {2}nobody serves them: start a worker of this build again, or `npx sluice deployments release three`/,
      );
      const released = await command(['deployments', 'release', 'three', '--why', 'its workers are gone'], env);
      expect(released.code === 0 || released.output.includes('nobody serves')).toBe(true);
      expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: ROWS });
      expect(await storedBy('g')).toHaveProperty('five');
      expect(api.report().repeated).toEqual([]);
      await expect(world.sluice.deployments.promote({ buildId: 'six' })).rejects.toThrow(
        /No worker of build "six".*five/s,
      );
      await expect(world.sluice.deployments.release({ buildId: 'five' })).rejects.toThrow('is the current one');
      await five.stop();
    },
  );

  it.concurrent(
    'say of a current one whose workers are gone that nobody serves it',
    async ({ expect, onTestFinished }) => {
      const other = await createWorld([], { workers: 0 });
      onTestFinished(() => other.end());
      const { taskQueue, sluice } = other;
      const build = { deployment: taskQueue, buildId: 'one' };
      const worker = await other.startWorker({ syncs: [one], settings: { ...settingsOf('one'), taskQueue, build } });
      await vi.waitUntil(async () => (await sluice.deployments.list())[0]?.taskQueues.length === 3, {
        timeout: 60_000,
        interval: 250,
      });
      await sluice.deployments.promote({ buildId: 'one' });
      await worker.stop();
      await expect.poll(async () => (await sluice.deployments.list())[0]?.workers, GONE).toBe(0);
      const env = { DATABASE_URL: other.db.url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: taskQueue };
      expect(await command(['deployments', 'list'], env)).toMatchObject({
        code: 1,
        output: expect.stringMatching(
          /:one {2}current {2}.*\n {2}nobody serves it, and what is started waits: .* or promote another one/,
        ) as string,
      });
    },
  );
});
