/** Jobs of a third party, over workers that are killed at any step. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { reports } from '../../fixtures/reports.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';

let api: FakeApi;
let world: World;
let worker: WorkerProcess;
const startWorker = () =>
  startWorkerProcess({
    module: 'reports.ts',
    databaseUrl: world.db.url,
    taskQueue: world.taskQueue,
    env: { REPORTS_URL: api.url },
  });
beforeAll(async () => {
  api = await startFakeApi();
  world = await createWorld([], { workers: 0 });
  worker = await startWorker();
});
afterAll(async () => {
  await worker?.kill();
  await world?.end();
  await api?.stop();
});

it('makes no second job when workers are killed while it is made, before it is asked for, and while its file is read', async () => {
  const jobs = api.jobs('/reports', { polls: 2, answerAfterMs: 3_000, results: () => [`${api.url}/file`] });
  const note = 'x'.repeat(2_000);
  api.file('/file', { format: 'csv', count: 6_000, rowAt: (n) => ({ id: `r${n}`, n, note }) });
  const job = async (): Promise<{ state: string; pages: number }> => {
    const { rows } = await world.db.pool.query("select job->>'state' as state, pages from sluice.unit");
    return rows[0] as { state: string; pages: number };
  };
  const killAndStart = async () => {
    await worker.kill();
    worker = await startWorker();
  };
  const run = await world.sluice.start(reports, { account: 'a', input: {} });

  // The job is there, and its answer is on its way.
  await expect.poll(() => jobs.made().length, { timeout: 30_000, interval: 10 }).toBe(1);
  expect(await job()).toMatchObject({ state: 'sending' });
  await killAndStart();
  // The look-up has found it, and nobody has asked how it stands.
  await expect.poll(async () => (await job()).state, { timeout: 60_000, interval: 20 }).toBe('made');
  expect(jobs.made()[0]).toMatchObject({ polls: 0 });
  await killAndStart();
  // Some of its rows are stored.
  await expect.poll(async () => (await job()).pages, { timeout: 60_000, interval: 5 }).toBeGreaterThan(1);
  await killAndStart();

  expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 6_000 });
  expect(jobs.made()).toHaveLength(1);
  const { rows } = await world.db.pool.query('select items, rows, attempts from sluice.unit');
  // Each piece was stored once, and no wait was an attempt.
  expect(rows).toEqual([{ items: 6_000, rows: 6_000, attempts: 0 }]);
});

it('cancels the job of a run that is cancelled, once, also where a worker is killed while it does', async () => {
  const jobs = api.jobs('/reports', { polls: 1_000 });
  let cancels = 0;
  api.route('DELETE', '/reports/:id', async () => {
    cancels++;
    await delay(3_000);
    return { status: 204 };
  });
  const run = await world.sluice.start(reports, { account: 'b', input: {} });
  await expect.poll(() => jobs.made()[0]?.polls ?? 0, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(cancels).toBe(0);
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
  await expect.poll(() => cancels, { timeout: 30_000, interval: 20 }).toBe(1);
  await worker.kill();
  worker = await startWorker();
  // Its loop has looked at what is left when it has cancelled the job of another run.
  api.jobs('/reports', { polls: 1_000 });
  const other = await world.sluice.start(reports, { account: 'c', input: {} });
  await expect.poll(() => job('c'), { timeout: 30_000 }).toMatchObject({ state: 'made' });
  await other.cancel();
  await expect.poll(() => job('c'), { timeout: 30_000 }).toMatchObject({ state: 'left', said: 'cancelled' });
  expect(cancels).toBe(1);
  const left = await job('b');
  expect(left).toMatchObject({ state: 'left' });
  expect(left).not.toHaveProperty('said');
});

async function job(account: string): Promise<Record<string, unknown> | undefined> {
  const { rows } = await world.db.pool.query<{ job: Record<string, unknown> }>(
    'select u.job from sluice.unit u join sluice.run r on r.id = u.run_id where r.account = $1',
    [account],
  );
  return rows[0]?.job;
}
