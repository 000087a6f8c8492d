/** Runs that no worker carries out, or whose workflow tasks or steps fail: what `waits()` says of them. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, test as base, beforeAll, describe, expect, vi } from 'vitest';
import { z } from 'zod';
import type { RunWait, SyncHandle } from '../../../client/index.ts';
import { defineSync } from '../../../providers/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { forest, friends, provider } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { sluice } from '../../setup/programs/command-line.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

/** What a worker of an older version serves. */
const other = defineSync('other', { provider, input: z.object({ id: z.string() }) }, (s) => ({
  friends: s.one(friends, { input: (given) => given, key: ({ id }) => id }),
}));

/** Before the server gives a task that was meant for a worker that has died to others, and the time until it is told. */
const TOLD = { interval: 250 };
const POSTS = 200;

/** Each test has a world and a user of its own, so that they wait side by side. */
interface Site {
  readonly world: World;
  readonly user: string;
  readonly start: () => Promise<SyncHandle>;
  readonly calls: () => number;
  /** A run whose worker has ended in a pause: no task is at work. */
  readonly pausedRun: () => Promise<SyncHandle>;
  /** A worker with other workflows. */
  readonly brokenWorker: () => Promise<{ stop(): Promise<void> }>;
  /** What `sluice status` says. */
  readonly statusOf: (run: SyncHandle) => Promise<string>;
}

let api: FakeApi;
beforeAll(async () => {
  api = await startForestApi({ latencyMs: 20, posts: POSTS });
});
afterAll(() => api?.stop());

const test = base.extend<{ site: Site }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest wants to see which fixtures a fixture needs
  site: async ({}, use) => {
    const world = await createWorld([forest], { workers: 0 });
    await use(siteOf(world, `u${randomUUID().slice(0, 8)}`));
    await world.end();
  },
}).concurrent;

function siteOf(world: World, user: string): Site {
  const start = () => world.sluice.start(forest, { account: user, input: { id: user } });
  const calls = () =>
    Object.entries(api.report().byPath).reduce(
      (sum, [path, count]) => (path.startsWith(`/users/${user}`) ? sum + count : sum),
      0,
    );
  return {
    world,
    user,
    start,
    calls,
    pausedRun: async () => {
      const worker = await world.startWorker();
      const run = await start();
      await vi.waitUntil(() => calls() > 30, { interval: 10, timeout: 60_000 });
      // On a busy machine a step may wait for its worker for a moment, and `waits()` rightly says so.
      await vi.waitUntil(async () => (await run.waits()).length === 0, { interval: 50, timeout: 10_000 });
      await run.pause();
      const { workflow } = world.temporal;
      const isIdle = async () => !(await workflow.getHandle(run.workflowId).describe()).raw.pendingWorkflowTask;
      await vi.waitUntil(isIdle, { timeout: 60_000 });
      await worker.stop();
      expect(await run.waits()).toMatchObject([{ kind: 'operator' }]);
      return run;
    },
    brokenWorker: async () => {
      const native = await NativeConnection.connect({ address: temporalAddress() });
      const worker = await Worker.create({
        connection: native,
        taskQueue: world.taskQueue,
        workflowsPath: fileURLToPath(new URL('../../fixtures/other-workflows.ts', import.meta.url)),
      });
      const serving = worker.run();
      return {
        stop: async () => {
          worker.shutdown();
          await serving;
          await native.close();
        },
      };
    },
    statusOf: async (run) => {
      const env = { DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: temporalAddress() };
      const { code, output } = await sluice(['status', run.workflowId], env);
      expect(code).toBe(0);
      return output;
    },
  };
}

const ofWorkers = async (run: SyncHandle): Promise<RunWait[]> =>
  (await run.waits()).filter(({ kind }) => kind === 'worker');

describe('a run that nobody carries out', () => {
  test('says that no worker serves its task queue, from before it has begun', async ({ expect, site }) => {
    const { world } = site;
    const run = await site.start();
    await expect
      .poll(() => ofWorkers(run), TOLD)
      .toEqual([
        {
          kind: 'worker',
          calls: 0,
          text: expect.stringMatching(
            new RegExp(
              `^${run.workflowId}: its workflow task waits for 1\\d s: no worker serves task queue "${world.taskQueue}"; start one`,
            ),
          ) as string,
        },
      ]);
    expect(await run.progress()).toMatchObject({ state: 'starting' });
    const status = await site.statusOf(run);
    expect(status).toContain(`no worker serves task queue "${world.taskQueue}"`);
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await run.waits()).toEqual([]);
  });

  test('says that the workers of its task queue have gone', async ({ expect, site }) => {
    const { world } = site;
    const run = await site.pausedRun();
    await run.resume();
    await expect
      .poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD)
      .toContain('have just ended or are too busy; start more of them');
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
  });

  test('says how its workflow tasks fail after a broken deploy, and goes on by itself when that is mended', async ({
    expect,
    site,
  }) => {
    const { world } = site;
    const run = await site.pausedRun();
    const broken = await site.brokenWorker();
    try {
      await run.resume();
      const texts = async () => (await ofWorkers(run)).map(({ node, text }) => [node, text]);
      await expect
        .poll(texts, TOLD)
        .toEqual([
          [
            undefined,
            expect.stringMatching(
              /^sync\/.* workflow task has failed (once|\d times): .*[Nn]ondeterminism.*workflow terminate .*sluice retry/,
            ) as string,
          ],
        ]);
      await expect
        .poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD)
        .toMatch(/failed [2-9] times: .*ondeterminism/);
    } finally {
      await broken.stop();
    }
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(api.report().repeated.filter(({ path }) => path.startsWith(`/users/${site.user}`))).toEqual([]);
    expect(await run.waits()).toEqual([]);
  }, 120_000);

  test('can be ended and retried, as it says, when nobody can carry it out any more', async ({ expect, site }) => {
    const { world } = site;
    const run = await site.pausedRun();
    const broken = await site.brokenWorker();
    await run.resume();
    await expect.poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD).toContain('ondeterminism');
    await broken.stop();
    await world.temporal.workflow.getHandle(run.workflowId).terminate('its code is gone');
    await world.startWorker();
    const rest = await run.retryFailed();
    expect(await rest.result()).toMatchObject({ state: 'done', complete: true });
    const rows = await world.db.pool.query('select count(*)::int as count from sluice.record');
    expect(rows.rows).toEqual([{ count: 12 + 12 * POSTS }]);
  }, 120_000);

  test('says what a step fails by, again and again, and goes on by itself when that is mended', async ({
    expect,
    site,
  }) => {
    const { world } = site;
    const worker = await world.startWorker({ syncs: [other] });
    const run = await site.start();
    const said = (times: string): unknown => [
      {
        kind: 'worker',
        calls: 0,
        text: expect.stringMatching(
          new RegExp(
            `^${run.workflowId}: openRun has failed ${times}: This worker has no sync "forest".*(next attempt in \\d+ s|it is tried again now)$`,
          ),
        ) as string,
      },
    ];
    await expect.poll(() => run.waits(), { timeout: 5_000 }).toEqual(said('(once|\\d times)'));
    await expect.poll(() => run.waits(), { timeout: 8_000 }).toEqual(said('[2-9] times'));
    const status = await site.statusOf(run);
    expect(status).toMatch(/^sync\/\S+  starting\n.*This worker has no sync "forest"/);
    expect(status).not.toContain('no worker has taken it up yet');
    await worker.stop();
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await run.waits()).toEqual([]);
  }, 120_000);

  test('can be cancelled when it could never be opened, and started anew', async ({ expect, site }) => {
    const { world } = site;
    const old = await world.startWorker({ syncs: [other] });
    const run = await site.start();
    await expect.poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD).toContain('has no sync "forest"');
    const result = run.result().then(
      () => 'done',
      (error: WorkflowFailedError) => error.cause,
    );
    const first = await world.temporal.workflow.getHandle(run.workflowId).describe();
    await run.cancel();
    await expect
      .poll(() => Promise.race([result, Promise.resolve('open')]), { timeout: 10_000 })
      .toBeInstanceOf(CancelledFailure);
    expect(await run.waits()).toEqual([]);
    const ended = await world.temporal.workflow.getHandle(run.workflowId, first.runId).describe();
    expect(ended.status.name).toBe('CANCELLED');
    const reports = await world.sluice.reports.list({ account: site.user });
    expect(reports).toMatchObject([{ status: 'cancelled', errorType: 'cancelled', attempts: 0 }]);
    expect(site.calls()).toBe(0);

    await old.stop();
    await world.startWorker();
    const again = await site.start();
    expect(await again.result()).toMatchObject({ state: 'done', complete: true });
    expect((await world.temporal.workflow.getHandle(run.workflowId).describe()).runId).not.toBe(first.runId);
  }, 120_000);
});
