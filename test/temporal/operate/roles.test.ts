/** Roles of workers: what was started with a priority is served by those that have that role, and by nobody else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { diagnose, type Priority } from '../../../client/index.ts';
import { defineProvider, defineSync, get, noAuth, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorker } from '../../../workers/index.ts';
import { workflowBundle } from '../../setup/programs/programs.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('workers with roles', () => {
  let api: FakeApi;
  let world: World;

  const provider = defineProvider({
    id: 'roles',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  });
  const items = provider.endpoint('items', {
    input: z.object({}),
    response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
    request: (_, page) => get('/items', { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
  });
  const sync = defineSync('roles-items', { provider, input: z.object({}) }, (s) => ({
    list: s.one(items, { input: () => ({}), key: ({ id }) => id }),
  }));
  const note = provider.action('note', {
    input: z.object({}),
    output: z.object({ id: z.string() }),
    request: () => post('/notes', {}),
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/items', { count: 3, itemAt: (_, i) => ({ id: `i${i}` }) });
    api.route('POST', '/notes', async () => ({ body: { id: 'n1' } }));
    world = await createWorld([sync], { actions: [note], roles: ['bulk', 'background'] });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });
  const start = (priority: Priority) => world.sluice.start(sync, { account: priority, input: {}, priority });
  const queues = async (): Promise<string[]> =>
    (await diagnose({ databaseUrl: world.db.url, temporal: { address: temporalAddress() }, taskQueue: world.taskQueue, probe: false })) // prettier-ignore
      .filter(({ check }) => check === 'workers')
      .map(({ status, found }) => `${status}: ${found}`);

  it('take what was started with theirs; the rest waits until a worker with that role comes, and the doctor names its queue', async () => {
    const bulk = await start('bulk');
    const background = await start('background');
    const interactive = await start('interactive');
    const action = await world.sluice.act(note, { account: 'a1', input: {} });
    expect(await bulk.result()).toMatchObject({ complete: true });
    expect(await background.result()).toMatchObject({ complete: true });
    expect(await interactive.progress()).toEqual({ state: 'starting' });
    const queue = `${world.taskQueue}-interactive`;
    const found = await queues();
    expect(found).toHaveLength(3);
    expect(found.filter((each) => each.startsWith('ok'))).toHaveLength(2);
    expect(found).toContain(`wrong: nobody asks for workflow tasks and activity tasks of task queue "${queue}"`);

    const other = await world.startWorker({ roles: ['interactive'] });
    expect(await interactive.result()).toMatchObject({ complete: true });
    expect(await action.result()).toEqual({ id: 'n1' });
    expect((await queues()).every((each) => each.startsWith('ok'))).toBe(true);
    const taskQueueOf = async (workflowId: string) =>
      (await world.temporal.workflow.getHandle(workflowId).describe()).taskQueue;
    expect(await taskQueueOf('sync/roles-items/bulk')).toBe(world.taskQueue);
    expect(await taskQueueOf('sync/roles-items/background')).toBe(`${world.taskQueue}-background`);
    expect(await taskQueueOf(action.workflowId)).toBe(queue);
    await other.stop();
  });

  it('end as soon as they run where they were shut down before that', async () => {
    const settings = {
      concurrency: 5,
      dbConnections: 2,
      egress: 'default',
      drainSeconds: 1,
      logLevel: 'error',
    } as const;
    const worker = await createWorker({
      databaseUrl: world.db.url,
      temporal: { address: temporalAddress() },
      actions: [note],
      settings: { ...settings, taskQueue: `${world.taskQueue}-early` },
      workflowBundle: workflowBundle(),
    });
    worker.shutdown();
    expect(await worker.run()).toBeUndefined();
  });

  it('refuse to serve nothing', async () => {
    await expect(world.startWorker({ roles: [] })).rejects.toThrow('`roles` is empty');
  });
});
