import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ScheduleOverlapPolicy, WorkflowFailedError, type ScheduleHandle } from '@temporalio/client';
import { SyncBusy, type IfRunning } from '../../../client/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a start that finds a run going on', () => {
  let api: FakeApi;
  let world: World;
  let account: string;
  const schedules: ScheduleHandle[] = [];

  beforeAll(async () => {
    world = await createWorld([forest]);
  });
  afterAll(async () => {
    await Promise.all(schedules.map((schedule) => schedule.delete()));
    await world?.end();
  });
  beforeEach(async () => {
    api = await startForestApi({ friends: 2, posts: 3 });
    account = newAccount();
  });
  afterEach(() => api.stop());

  const start = (id: string, options: { ifRunning?: IfRunning; mode?: 'full' } = {}) =>
    world.sluice.start(forest, { account, input: { id }, startedBy: `user:${id}`, ...options });
  /** A run that goes on until it is let go. */
  const startHeld = async () => {
    const script = api.script('GET /users/one/friends', [{ status: 429, headers: { 'retry-after': '1' }, body: {} }], {
      repeats: true,
    });
    const run = await start('one');
    await expect.poll(async () => (await run.progress()).state).toBe('running');
    return { run, letGo: () => script.stop() };
  };

  it('attaches to it when it was asked for the same, and says so', async () => {
    const { run, letGo } = await startHeld();
    const second = await world.sluice.start(forest, { account, input: { id: 'one' } });
    expect(run.attached).toBeUndefined();
    expect(second.attached).toMatchObject({ input: { id: 'one' }, mode: 'incremental', startedBy: 'user:one' });
    expect(Date.parse(second.attached?.startedAt as string)).toBeLessThanOrEqual(Date.now());
    letGo();
    expect(await second.result()).toEqual(await run.result());
  });

  it('is refused when it asks for something else, and says what is going on and what to do', async () => {
    const { run } = await startHeld();
    const refused = await start('two').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SyncBusy);
    expect(refused).toMatchObject({ running: { input: { id: 'one' }, workflowId: run.workflowId } });
    expect((refused as Error).message).toMatch(
      /is going on since \d{4}-.*, started by user:one, with another input: {"id":"one"}, and not {"id":"two"}\. Wait .*"queue"/,
    );
    // A full pass is more than what goes on.
    await expect(start('one', { mode: 'full' })).rejects.toThrow('reading only what changed, and not in full');
    await expect(start('one', { ifRunning: 'refuse' })).rejects.toThrow('for the same');
    await expect(start('one', { ifRunning: 'wait' as never })).rejects.toThrow('`ifRunning` is "wait"');
    expect(await world.sluice.reports.list({ account })).toHaveLength(1);
    await run.cancel();
    await expect(run.result()).rejects.toThrow(WorkflowFailedError);
  });

  it('is refused before a worker has taken the run up, too', async () => {
    const input = { sync: 'forest', account, input: { id: 'one' } };
    const handle = await world.temporal.workflow.start('sync', {
      workflowId: `sync/forest/${account}`,
      taskQueue: `nobody-${account}`,
      args: [input],
    });
    await expect(start('two')).rejects.toThrow(SyncBusy);
    await handle.terminate();
  });

  it('attaches whatever the input was when the caller says so; its result is that run’s, also when a newer one has begun', async () => {
    const { run, letGo } = await startHeld();
    const second = await start('two', { ifRunning: 'attach' });
    expect(second.attached?.input).toEqual({ id: 'one' });
    letGo();
    const first = await run.result();
    const third = await start('three');
    expect(third.attached).toBeUndefined();
    expect((await second.result()).runId).toBe(first.runId);
    expect((await third.result()).runId).not.toBe(first.runId);
  });

  it('is a run of its own behind it when it is queued, one after the other in their order', async () => {
    const { run, letGo } = await startHeld();
    const second = await start('two', { ifRunning: 'queue' });
    const third = await start('three', { ifRunning: 'queue' });
    expect(second.attached).toBeUndefined();
    expect(await second.progress()).toEqual({ state: 'queued' });
    expect((await third.waits())[0]).toMatchObject({ kind: 'run' });
    await expect(second.pause()).rejects.toThrow('nothing to pause');
    letGo();
    const results = [await run.result(), await second.result(), await third.result()];
    expect(results.map(({ state, rows }) => [state, rows])).toEqual(
      Array.from({ length: 3 }, () => ['done', 2 + 2 * 3]),
    );
    expect(new Set(results.map(({ runId }) => runId)).size).toBe(3);
    const { rows } = await world.db.pool.query<{ input: unknown }>(
      'select input from sluice.run where account = $1 order by started_at',
      [account],
    );
    expect(rows.map(({ input }) => input)).toEqual([{ id: 'one' }, { id: 'two' }, { id: 'three' }]);
    expect(await second.progress()).toMatchObject({ state: 'done', runId: results[1]?.runId });
    expect((await world.db.pool.query('select 1 from sluice.entity_lock')).rowCount).toBe(0);
  }, 60_000);

  it('can be cancelled while it is queued: it never begins, and the one behind it does', async () => {
    const { run, letGo } = await startHeld();
    const second = await start('two', { ifRunning: 'queue' });
    const third = await start('three', { ifRunning: 'queue' });
    await second.cancel();
    await expect(second.result()).rejects.toThrow(WorkflowFailedError);
    const reports = await world.sluice.reports.list({ workflowId: second.workflowId });
    expect(reports).toMatchObject([
      { status: 'cancelled', error: 'it was cancelled before its turn: no call was made', name: 'forest', attempts: 0 },
    ]);
    letGo();
    await run.result();
    expect(await third.result()).toMatchObject({ state: 'done' });
    const { rows } = await world.db.pool.query('select 1 from sluice.run where account = $1', [account]);
    expect(rows).toHaveLength(2);
  }, 60_000);

  it('is not overtaken by one that is queued between two runs', async () => {
    const { run, letGo } = await startHeld();
    const second = await start('two', { ifRunning: 'queue' });
    letGo();
    await run.result();
    // The second one has not begun, or has just begun.
    const third = await start('three', { ifRunning: 'queue' });
    await Promise.all([second.result(), third.result()]);
    const runs = await world.db.pool.query('select input from sluice.run where account = $1 order by started_at', [
      account,
    ]);
    expect(runs.rows).toMatchObject([{ input: { id: 'one' } }, { input: { id: 'two' } }, { input: { id: 'three' } }]);
  }, 60_000);

  it('makes no call once it is cancelled after its turn has come, and ends as other runs do', async () => {
    const { run, letGo } = await startHeld();
    const second = await start('two', { ifRunning: 'queue' });
    const waiting = api.script('GET /users/two/friends', [{ status: 429, headers: { 'retry-after': '1' }, body: {} }], {
      repeats: true,
    });
    letGo();
    await run.result();
    await expect.poll(() => second.progress(), { timeout: 30_000 }).toMatchObject({ state: 'running' });
    await second.cancel();
    const pauses = 'select paused_by from sluice.run where account = $1 and ended_at is null';
    for (const { paused_by } of (await world.db.pool.query<{ paused_by: string }>(pauses, [account])).rows)
      expect(paused_by).toBe('cancel');
    await expect(second.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    // By the account and the sync, as an operator does.
    const third = await start('two', { ifRunning: 'queue' });
    const fourth = await start('two', { ifRunning: 'queue' });
    await world.sluice.run({ sync: forest, account }).cancel();
    await expect(third.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await expect.poll(() => fourth.progress(), { timeout: 30_000 }).toMatchObject({ state: 'running' });
    await world.sluice.run({ sync: forest, account }).cancel();
    await expect(fourth.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    waiting.stop();
  }, 90_000);

  it('has a handle on its own run: that of the run before touches no other', async () => {
    const first = await start('zero');
    const ended = await first.result();
    const { run, letGo } = await startHeld();
    expect(await first.progress()).toMatchObject({ state: 'done', runId: ended.runId });
    expect(await first.waits()).toEqual([]);
    await expect(first.pause()).rejects.toThrow(/is over: there is nothing to pause/);
    await expect(first.resume()).rejects.toThrow(/is over: there is nothing to resume/);
    await first.cancel();
    letGo();
    const result = await run.result();
    expect(result.state).toBe('done');
    // So has one that was started again.
    const again = await first.startAgain();
    const repeated = await again.result();
    await (await start('five')).result();
    expect((await again.result()).runId).toBe(repeated.runId);
    expect(await again.progress()).toMatchObject({ runId: repeated.runId });
  }, 60_000);

  it('meets the run that began after a cancelled one, and does not wait for its end', async () => {
    const workflowId = `sync/forest/${account}`;
    const args = [{ sync: 'forest', account, input: { id: 'one' } }];
    const cancelled = await world.temporal.workflow.start('sync', { workflowId, taskQueue: `nobody-${account}`, args });
    await cancelled.cancel();
    const scheduled = await world.temporal.workflow.start('sync', {
      workflowId: `by-schedule/${account}`,
      taskQueue: world.taskQueue,
      args,
    });
    const looks = async () => (await scheduled.describe()).raw.pendingActivities?.[0]?.attempt ?? 0;
    await expect.poll(looks, { interval: 50, timeout: 30_000 }).toBeGreaterThan(1);
    await cancelled.terminate();
    const { run, letGo } = await startHeld();
    // Where it was quicker, the start has met its run.
    if (run.attached) letGo();
    else expect(await scheduled.result()).toMatchObject({ attachedTo: workflowId });
    letGo();
    expect(await run.result()).toMatchObject({ state: 'done' });
  }, 60_000);

  it('follows the same rule when a schedule makes it', async () => {
    const { run, letGo } = await startHeld();
    const scheduled = async (id: string, ifRunning?: IfRunning) => {
      const schedule = await world.temporal.schedule.create({
        scheduleId: `${account}-${id}-${ifRunning}`,
        spec: { intervals: [{ every: '30 days' }] },
        policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL },
        action: {
          type: 'startWorkflow',
          workflowType: 'sync',
          workflowId: `sync/forest/${account}`,
          taskQueue: world.taskQueue,
          args: [{ sync: 'forest', account, input: { id }, ...(ifRunning ? { ifRunning } : {}) }],
        },
      });
      schedules.push(schedule);
      await schedule.trigger();
      const started = async () => (await schedule.describe()).info.recentActions[0]?.action.workflow.workflowId;
      await expect.poll(started).toBeDefined();
      return world.temporal.workflow.getHandle((await started()) as string);
    };
    expect(await (await scheduled('one')).result()).toMatchObject({ attachedTo: run.workflowId, input: { id: 'one' } });
    const refused = await (await scheduled('two')).result().catch((error: unknown) => error);
    expect((refused as WorkflowFailedError).cause).toMatchObject({
      type: 'SyncBusy',
      message: expect.stringContaining('with another input: {"id":"one"}, and not {"id":"two"}') as string,
    });
    expect(await (await scheduled('two', 'attach')).result()).toMatchObject({ attachedTo: run.workflowId });
    const queued = await scheduled('two', 'queue');
    letGo();
    expect(await run.result()).toMatchObject({ state: 'done' });
    expect(await queued.result()).toMatchObject({ state: 'done', rows: 2 + 2 * 3 });
  }, 60_000);
});
