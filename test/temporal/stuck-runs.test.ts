/** Runs that no worker carries out, or whose workflow tasks or steps fail: what `waits()` says of them. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import type { RunWait, SyncHandle } from '../../client/index.ts';
import { defineSync } from '../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';
import { forest, friends, provider } from '../fixtures/forest.ts';
import { createWorld, type World } from '../setup/world.ts';

/** What a worker of an older version serves. */
const other = defineSync('other', { provider, input: z.object({ id: z.string() }) }, (s) => ({
  friends: s.one(friends, { input: (given) => given, key: ({ id }) => id }),
}));

/** Before the server gives a task that was meant for a worker that has died to others, and the time until it is told. */
const TOLD = { timeout: 40_000, interval: 250 };

describe('a run that nobody carries out', () => {
  let api: FakeApi;
  let world: World;
  let connection: Connection;
  let temporal: Client;
  const input = { id: 'u' };
  const account = (): string => `acct-${randomUUID().slice(0, 8)}`;

  beforeAll(async () => {
    connection = await Connection.connect({ address: inject('temporalAddress') });
    temporal = new Client({ connection });
  });
  afterAll(() => connection?.close());
  beforeEach(async () => {
    world = await createWorld([forest], { workers: 0 });
    api = await startFakeApi({ latencyMs: 20 });
    process.env['FOREST_URL'] = api.url;
    api.list('/users/:id/friends', { count: 12, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: 500, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
  });
  afterEach(async () => {
    await world.end();
    await api.stop();
  });

  const ofWorkers = async (run: SyncHandle): Promise<RunWait[]> =>
    (await run.waits()).filter(({ kind }) => kind === 'worker');
  /** A run whose worker has ended in a pause: no task is at work. */
  const pausedRun = async (): Promise<SyncHandle> => {
    const worker = await world.startWorker();
    const run = await world.sluice.start(forest, { account: account(), input });
    await expect.poll(() => api.report().calls, { interval: 10, timeout: 10_000 }).toBeGreaterThan(30);
    expect(await run.waits()).toEqual([]);
    await run.pause();
    await expect
      .poll(() =>
        temporal.workflow
          .getHandle(run.workflowId)
          .describe()
          .then(({ raw }) => raw.pendingWorkflowTask ?? null),
      )
      .toBe(null);
    await worker.stop();
    expect(await run.waits()).toEqual([]);
    return run;
  };

  const brokenWorker = async () => {
    const native = await NativeConnection.connect({ address: inject('temporalAddress') });
    const worker = await Worker.create({
      connection: native,
      taskQueue: world.taskQueue,
      workflowsPath: fileURLToPath(new URL('../fixtures/other-workflows.ts', import.meta.url)),
    });
    const serving = worker.run();
    return {
      stop: async () => {
        worker.shutdown();
        await serving;
        await native.close();
      },
    };
  };

  it('says that no worker serves its task queue, from before it has begun', async () => {
    const run = await world.sluice.start(forest, { account: account(), input });
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
    const env = { ...process.env, DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: inject('temporalAddress') };
    const status = execFileSync('npx', ['tsx', 'cli/main.ts', 'status', run.workflowId], { env, encoding: 'utf8' });
    expect(status).toContain(`no worker serves task queue "${world.taskQueue}"`);
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await run.waits()).toEqual([]);
  });

  it('says that the workers of its task queue have gone', async () => {
    const run = await pausedRun();
    await run.resume();
    await expect
      .poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD)
      .toContain('have just ended or are too busy; start more of them');
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
  });

  it('says how its workflow tasks fail after a broken deploy, and goes on by itself when that is mended', async () => {
    const run = await pausedRun();
    const broken = await brokenWorker();
    try {
      await run.resume();
      await temporal.workflow.getHandle(`${run.workflowId}/posts`).signal('wake');
      const texts = async () => (await ofWorkers(run)).map(({ node, text }) => [node, text]);
      await expect.poll(texts, TOLD).toEqual([
        [
          undefined,
          expect.stringMatching(
            /^sync\/.* workflow task has failed (once|\d times): .*[Nn]ondeterminism.*workflow terminate .*sluice retry/,
          ) as string,
        ],
        [
          'posts',
          expect.stringMatching(
            /^sync\/.*\/posts: its workflow task has failed .*resource.*goes on by itself/,
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
    expect(api.report().repeated).toEqual([]);
    expect(await run.waits()).toEqual([]);
  }, 120_000);

  it('can be ended and retried, as it says, when nobody can carry it out any more', async () => {
    const run = await pausedRun();
    const broken = await brokenWorker();
    await run.resume();
    await expect.poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD).toContain('ondeterminism');
    await broken.stop();
    await temporal.workflow.getHandle(run.workflowId).terminate('its code is gone');
    await world.startWorker();
    const rest = await run.retryFailed();
    expect(await rest.result()).toMatchObject({ state: 'done', complete: true });
    const rows = await world.db.pool.query('select count(*)::int as count from sluice.record');
    expect(rows.rows).toEqual([{ count: 12 + 12 * 500 }]);
  }, 120_000);

  it('says what a step fails by, again and again, and goes on by itself when that is mended', async () => {
    const worker = await world.startWorker({ syncs: [other] });
    const run = await world.sluice.start(forest, { account: account(), input });
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
    const env = { ...process.env, DATABASE_URL: world.db.url, TEMPORAL_ADDRESS: inject('temporalAddress') };
    const status = execFileSync('npx', ['tsx', 'cli/main.ts', 'status', run.workflowId], { env, encoding: 'utf8' });
    expect(status).toMatch(/^starting\n.*This worker has no sync "forest"/);
    expect(status).not.toContain('no worker has taken it up yet');
    await worker.stop();
    await world.startWorker();
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await run.waits()).toEqual([]);
  }, 120_000);

  it('can be cancelled when it could never be opened, and started anew', async () => {
    const old = await world.startWorker({ syncs: [other] });
    const of = account();
    const run = await world.sluice.start(forest, { account: of, input });
    await expect.poll(() => ofWorkers(run).then(([wait]) => wait?.text), TOLD).toContain('has no sync "forest"');
    const result = run.result().then(
      () => 'done',
      (error: WorkflowFailedError) => error.cause,
    );
    const first = await temporal.workflow.getHandle(run.workflowId).describe();
    await run.cancel();
    await expect
      .poll(() => Promise.race([result, Promise.resolve('open')]), { timeout: 10_000 })
      .toBeInstanceOf(CancelledFailure);
    expect(await run.waits()).toEqual([]);
    const ended = await temporal.workflow.getHandle(run.workflowId, first.runId).describe();
    expect(ended.status.name).toBe('CANCELLED');
    const reports = await world.sluice.reports.list({ account: of });
    expect(reports).toMatchObject([{ status: 'cancelled', errorType: 'cancelled', attempts: 0 }]);
    expect(api.report().calls).toBe(0);

    await old.stop();
    await world.startWorker();
    const again = await world.sluice.start(forest, { account: of, input });
    expect(await again.result()).toMatchObject({ state: 'done', complete: true });
    expect((await temporal.workflow.getHandle(run.workflowId).describe()).runId).not.toBe(first.runId);
  }, 120_000);
});
