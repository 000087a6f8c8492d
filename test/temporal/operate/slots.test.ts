/** How much a worker takes at once, and whose work comes first in a task queue: with fairness at the server, and without it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type StartedRun } from '../../../client/index.ts';
import { freePort } from '../../../dev-servers/free-port.ts';
import { startTemporaryTemporal } from '../../../dev-servers/temporal/temporary-temporal.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { createWorker, type WorkerSettings } from '../../../workers/index.ts';
import { forest, single } from '../../fixtures/forest.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { workflowBundle } from '../../setup/programs/programs.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';
import { createTestDatabase } from '../../setup/servers/database.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

let api: FakeApi;
beforeAll(async () => {
  api = await startForestApi({ friends: 40, posts: 5, notes: 5, latencyMs: 50 });
});
afterAll(() => api?.stop());

const userOf = (path: string): string => path.split('/')[2] as string;

/** A worker that is started after `before`, and ended after what that returns. */
async function withWorker(
  address: string,
  options: Partial<WorkerSettings>,
  before: (client: Awaited<ReturnType<typeof connect>>) => Promise<() => Promise<void>>,
): Promise<void> {
  const db = await createTestDatabase();
  const taskQueue = `slots-${randomUUID().slice(0, 8)}`;
  const temporal = { address };
  const settings = { taskQueue, concurrency: 100, dbConnections: 10, egress: 'default', drainSeconds: 2, logLevel: 'error', ...options }; // prettier-ignore
  const client = await connect({ databaseUrl: db.url, temporal, taskQueue });
  const then = await before(client);
  const worker = await createWorker({
    syncs: [forest, single],
    databaseUrl: db.url,
    temporal,
    settings,
    workflowBundle: workflowBundle(),
    roles: ['bulk'],
  });
  const running = worker.run();
  try {
    await then();
  } finally {
    worker.shutdown();
    await running;
    await client.close();
    await db.drop();
  }
}

describe('slots that tune themselves', () => {
  /** @returns the most calls that were in flight at once. */
  const mostAtOnce = async (targetMemory: number): Promise<number> => {
    const user = randomUUID().slice(0, 8);
    let inFlight = 0;
    let most = 0;
    api.route('GET', '/users/:id/posts', async (call) => {
      most = Math.max(most, ++inFlight);
      await delay(100);
      inFlight--;
      return { body: { items: [{ id: `${userOf(call.path)}-p` }], next: null } };
    });
    await withWorker(
      temporalAddress(),
      { concurrency: 50, tuning: { min: 3, targetMemory, targetCpu: 1 } },
      async (client) => {
        const run = await client.start(forest, { account: user, input: { id: user } });
        return async () => expect(await run.result()).toMatchObject({ complete: true });
      },
    );
    return most;
  };

  it('stay at their least while memory is short, and the run ends all the same', async () => {
    // More is in use than that on any machine.
    expect(await mostAtOnce(0.01)).toBeLessThanOrEqual(3);
  });
});

describe('a worker whose heap is nearly full', () => {
  it('makes no calls and says so, and another one makes them', async () => {
    const db = await createTestDatabase();
    const taskQueue = `heap-${randomUUID().slice(0, 8)}`;
    const address = `127.0.0.1:${await freePort()}`;
    const env = { FOREST_URL: api.url };
    // An idle worker holds more than a tenth of this.
    const full = await startWorkerProcess({
      module: 'forest.ts',
      databaseUrl: db.url,
      taskQueue,
      env: {
        ...env,
        SLUICE_MAX_HEAP: '0.1',
        NODE_OPTIONS: '--max-old-space-size=200',
        SLUICE_METRICS_ADDRESS: address,
        SLUICE_LOG_LEVEL: 'info',
      },
    });
    const client = await connect({ databaseUrl: db.url, temporal: { address: temporalAddress() }, taskQueue });
    let other: WorkerProcess | undefined;
    try {
      const before = api.report().calls;
      const run = await client.start(single, { account: 'full', input: { id: 'full' } });
      await expect
        .poll(async () => (await run.waits()).map(({ text }) => text).join('\n'))
        .toContain('memory of the worker that took it is nearly full');
      expect(api.report().calls).toBe(before);
      const ready = await fetch(`http://${address}/readyz`);
      expect(ready.status).toBe(503);
      expect(await (await fetch(`http://${address}/metrics`)).text()).toMatch(/^sluice_heap_full(?:\{.*\})? 1$/m);
      expect(full.said().lines.join('\n')).toContain('the heap is nearly full: this worker makes no more calls');
      other = await startWorkerProcess({ module: 'forest.ts', databaseUrl: db.url, taskQueue, env });
      expect(await run.result()).toMatchObject({ complete: true });
    } finally {
      await full.kill();
      await other?.kill();
      await client.close();
      await db.drop();
    }
  });
});

describe('tenants in one task queue', () => {
  const BIG = 60;
  const SMALL = 5;
  /** @returns after how many calls the last of the small tenant came. */
  const placeOfSmall = async (address: string): Promise<number> => {
    const order: string[] = [];
    const tag = randomUUID().slice(0, 4);
    api.route('GET', '/users/:id/notes', (call) => {
      order.push(userOf(call.path));
      return { body: { items: [], next: null } };
    });
    await withWorker(address, { concurrency: 2 }, async (client) => {
      const start = (tenant: string, i: number) =>
        client.start(single, { account: `${tag}-${tenant}-${i}`, tenant: `${tag}-${tenant}`, input: { id: tenant } });
      const runs: StartedRun[] = [];
      for (let i = 0; i < BIG; i++) runs.push(await start('big', i));
      for (let i = 0; i < SMALL; i++) runs.push(await start('small', i));
      return async () => {
        for (const run of runs) await run.result();
      };
    });
    expect(order).toHaveLength(BIG + SMALL);
    return order.lastIndexOf('small') + 1;
  };

  it('take turns where the server has fairness on; where it is off, who comes last waits for all before', async () => {
    expect(await placeOfSmall(temporalAddress())).toBeLessThan(BIG / 2);
    const server = await startTemporaryTemporal(() => {}, { 'matching.enableFairness': false });
    try {
      expect(await placeOfSmall(server.address)).toBeGreaterThan(BIG / 2);
    } finally {
      await server.stop();
    }
  });
});
