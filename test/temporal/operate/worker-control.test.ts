/** What an operator asks of a worker from afar: fewer calls at once, none, as many as before; and to drain. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { connect, type Sluice } from '../../../client/index.ts';
import { workerIdentity } from '../../../contracts/version.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { createWorker, type SluiceWorker } from '../../../workers/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { workflowBundle } from '../../setup/programs/programs.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

const FRIENDS = 60;
/** A worker looks every ten seconds, or a fifth later. */
const HEARS_WITHIN_MS = 13_000;
const HEARD = { timeout: 40_000, interval: 200 };

let api: FakeApi;
let db: TestDatabase;
let sluice: Sluice;
let worker: SluiceWorker;
let running: Promise<void>;
let inFlight = 0;
let most = 0;
let made = 0;
let callMs = 300;
let name = '';

beforeAll(async () => {
  api = await startForestApi({ friends: FRIENDS, posts: 5, notes: 5, latencyMs: 0 });
  api.route('GET', '/users/:id/posts', async ({ path }) => {
    made++;
    most = Math.max(most, ++inFlight);
    await delay(callMs);
    inFlight--;
    return { body: { items: [{ id: `${path.split('/')[2]}-p` }], next: null } };
  });
  db = await createTestDatabase();
  const taskQueue = `control-${randomUUID().slice(0, 8)}`;
  const temporal = { address: temporalAddress() };
  sluice = await connect({ databaseUrl: db.url, temporal, taskQueue });
  worker = await createWorker({
    syncs: [forest],
    databaseUrl: db.url,
    temporal,
    settings: { taskQueue, concurrency: 20, dbConnections: 10, egress: 'default', drainSeconds: 10, logLevel: 'error' },
    workflowBundle: workflowBundle(),
  });
  running = worker.run();
  const found = await vi.waitUntil(
    async () => (await sluice.workers.list()).workers.find(({ control }) => control !== null),
    HEARD,
  );
  name = found.identity;
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await sluice?.close();
  await db?.drop();
  await api?.stop();
});

const standing = async () => (await sluice.workers.list()).workers.find(({ identity }) => identity === name)?.control;

it('a worker makes no calls, fewer, and as many as it was started with, as it is asked', async () => {
  expect(await standing()).toEqual({ startedWith: 20, concurrency: null, isDraining: false });
  const operator = sluice.as({ by: 'user:op', why: 'the database is busy' });
  expect(await operator.workers.setConcurrency(name, 0)).toEqual({
    startedWith: 20,
    concurrency: 0,
    isDraining: false,
  });
  await delay(HEARS_WITHIN_MS);
  const run = await sluice.start(forest, { account: 'a', input: { id: 'a' } });
  const waits = async () => (await run.waits()).map(({ text }) => text).join('\n');
  await expect.poll(waits, { interval: 200 }).toContain('an operator has set how many calls at once this worker makes');
  expect(made).toBe(0);
  await operator.workers.setConcurrency(name, 2);
  await vi.waitUntil(() => made >= 20, HEARD);
  expect(most).toBeLessThanOrEqual(4);
  expect(await operator.workers.setConcurrency(name, null)).toEqual({
    startedWith: 20,
    concurrency: null,
    isDraining: false,
  });
  expect(await run.result()).toMatchObject({ complete: true });
  // Nothing was made twice because it had to wait.
  expect(made).toBe(FRIENDS);
  const acts = await sluice.audit.list({ act: 'workers.setConcurrency' });
  expect(acts.map(({ by, why, subject }) => ({ by, why, subject }))).toEqual(
    Array.from({ length: 3 }, () => ({
      by: 'user:op',
      why: 'the database is busy',
      subject: { kind: 'worker', id: name },
    })),
  );
});

it('what can not be is refused with what there is', async () => {
  await expect(sluice.workers.setConcurrency(name, 21)).rejects.toThrow(
    /started with 20 calls at once, which is the most/,
  );
  await expect(sluice.workers.setConcurrency(name, 1.5)).rejects.toThrow(/whole number, 0 to 10000/);
  const none = workerIdentity('1@nowhere');
  await expect(sluice.workers.drain(none)).rejects.toThrow(
    `No worker "${none}" was heard of in the last two minutes; there are: ${name}.`,
  );
  expect(await standing()).toEqual({ startedWith: 20, concurrency: null, isDraining: false });
});

it('a worker that is asked to drain ends what it has in hand, and ends', async () => {
  const before = made;
  // So that the run is not over before the worker hears of it.
  callMs = 4_000;
  await sluice.workers.setConcurrency(name, 2);
  await delay(HEARS_WITHIN_MS);
  const run = await sluice.start(forest, { account: 'b', input: { id: 'b' } });
  await vi.waitUntil(() => made > before, HEARD);
  expect(await sluice.workers.drain(name)).toMatchObject({ isDraining: true });
  await running;
  expect(inFlight).toBe(0);
  expect(await run.progress()).toMatchObject({ state: 'running' });
  await run.cancel();
});
