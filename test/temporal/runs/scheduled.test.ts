import { afterAll, beforeAll, describe, it } from 'vitest';
import { Client, Connection, ScheduleOverlapPolicy, type ScheduleHandle } from '@temporalio/client';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

describe('a sync started by a plain Temporal schedule', () => {
  let api: FakeApi;
  let world: World;
  let connection: Connection;
  let temporal: Client;
  const schedules: ScheduleHandle[] = [];

  beforeAll(async () => {
    api = await startFakeApi();
    process.env['FOREST_URL'] = api.url;
    api.list('/users/:id/friends', { count: 3, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: 4, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    world = await createWorld([forest]);
    connection = await Connection.connect({ address: temporalAddress() });
    temporal = new Client({ connection });
  });
  afterAll(async () => {
    await Promise.all(schedules.map((schedule) => schedule.delete()));
    await connection?.close();
    await world?.end();
    await api?.stop();
  });

  /** With the workflow id that a run has: the server adds the time to it. */
  const scheduled = async (account: string, id: string) => {
    const schedule = await temporal.schedule.create({
      scheduleId: `forest-${account}-${world.taskQueue}`,
      spec: { intervals: [{ every: '30 days' }] },
      policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL },
      action: {
        type: 'startWorkflow',
        workflowType: 'sync',
        workflowId: `sync/forest/${account}`,
        taskQueue: world.taskQueue,
        args: [{ sync: 'forest', account, input: { id } }],
      },
    });
    schedules.push(schedule);
    return schedule;
  };
  const started = async (schedule: ScheduleHandle): Promise<string[]> => {
    const { info } = await schedule.describe();
    return info.recentActions.map(({ action }) => action.workflow.workflowId);
  };
  const runsOf = async (account: string): Promise<number> =>
    (await world.db.pool.query('select 1 from sluice.run where account = $1', [account])).rowCount ?? 0;

  // Each call waits for half a minute, together; each reads a user of its own.
  it.concurrent('is one run with the one that the app has started', async ({ expect }) => {
    const script = api.script('GET /users/u1/friends', ['silent'], { repeats: true });
    const schedule = await scheduled('a1', 'u1');
    const run = await world.sluice.start(forest, { account: 'a1', input: { id: 'u1' }, startedBy: 'user:1' });
    await expect.poll(async () => (await run.progress()).state).toBe('running');
    await schedule.trigger();
    await expect.poll(() => started(schedule)).toHaveLength(1);
    const [workflowId] = await started(schedule);
    expect(workflowId).toMatch(/^sync\/forest\/a1-\d{4}-/);
    expect(await temporal.workflow.getHandle(workflowId as string).result()).toMatchObject({
      attachedTo: 'sync/forest/a1',
    });
    expect(await runsOf('a1')).toBe(1);
    await run.cancel();
    script.stop();
    await expect.poll(async () => (await run.progress()).state).toBe('cancelled');
    expect(await world.sluice.reports.list({ account: 'a1' })).toMatchObject([{ startedBy: 'user:1' }]);
  });

  it.concurrent(
    'is a run like any other when none is running: the app finds it, and a start attaches to it',
    async ({ expect }) => {
      const held = api.script('GET /users/u2/friends', ['silent'], { repeats: true });
      const schedule = await scheduled('a2', 'u2');
      await schedule.trigger();
      const run = world.sluice.run({ sync: forest, account: 'a2' });
      await expect.poll(async () => (await run.progress()).state).toBe('running');
      await world.sluice.start(forest, { account: 'a2', input: { id: 'u2' } });
      expect(await runsOf('a2')).toBe(1);
      await run.pause();
      held.stop();
      await run.resume();
      const result = await run.result();
      expect(result).toMatchObject({ state: 'done', complete: true });
      const [workflowId] = await started(schedule);
      expect(await temporal.workflow.getHandle(workflowId as string).result()).toEqual(result);
      expect(await world.sluice.reports.list({ account: 'a2' })).toMatchObject([
        { status: 'ok', workflowId: 'sync/forest/a2', startedBy: 'system' },
      ]);
    },
  );
});
