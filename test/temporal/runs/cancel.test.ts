/** A run that is cancelled while it makes calls inside its workflow tasks, where Temporal is heard only seconds later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SyncHandle } from '../../../client/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { forest, single } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { callsWithin } from '../../setup/run-facts.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** `WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND` of Temporal's API. */
const UNHANDLED_COMMAND = 1;
/** Lists of the tree that are in hand side by side: `window` of the fixture. */
const LISTS_IN_HAND = 8;

describe('a run that is cancelled in the middle', () => {
  let api: FakeApi;
  let world: World;
  const input = { id: 'u' };

  beforeAll(async () => {
    world = await createWorld([forest, single]);
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    // 20 s of calls and more.
    api = await startForestApi({ latencyMs: 40, notes: 4_995, posts: 10_000 });
  });
  afterEach(() => api.stop());

  const isWalking = () => expect.poll(() => api.report().calls, { interval: 10, timeout: 10_000 }).toBeGreaterThan(30);
  const stateOf = async (run: SyncHandle) => (await run.progress()).state;
  /** @returns calls that arrived after the cancellation was accepted. */
  const cancelled = async (run: SyncHandle): Promise<number> => {
    await run.cancel();
    const before = api.report().calls;
    await expect.poll(() => stateOf(run), { interval: 50, timeout: 3_000 }).toBe('cancelled');
    await expect(run.result()).rejects.toThrow();
    const after = api.report().calls - before;
    expect(await callsWithin(api, 500)).toBe(0);
    const ended = await run.progress();
    expect(ended).toMatchObject({ state: 'cancelled' });
    // What was left is said to be left, and not to go on.
    for (const { state, units } of 'nodes' in ended ? ended.nodes : []) {
      expect(['done', 'unread']).toContain(state);
      expect(units.running).toBe(0);
    }
    expect(await failedTasks(run)).toEqual([]);
    return after;
  };
  /**
   * Why workflow tasks of the run's last history failed. Not those that the server gives back because a cancellation came while they were
   * being ended: by design it is heard first then.
   */
  const failedTasks = async ({ workflowId }: SyncHandle): Promise<number[]> => {
    const { events } = await world.temporal.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? [])
      .flatMap((event) => event.workflowTaskFailedEventAttributes?.cause ?? [])
      .map(Number)
      .filter((cause) => cause !== UNHANDLED_COMMAND);
  };

  it('hears it at once while it reads a single list', async () => {
    const run = await world.sluice.start(single, { account: newAccount(), input });
    await isWalking();
    expect(await cancelled(run)).toBeLessThanOrEqual(1);
  });

  it('hears it at once in every list of a tree', async () => {
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    await isWalking();
    expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
  });

  it('hears it while its history is cut again and again', async () => {
    for (let round = 0; round < 3; round++) {
      const run = await world.sluice.start(forest, { account: newAccount(), input, maxHistoryEvents: 30 });
      await isWalking();
      const before = api.report().calls;
      await expect.poll(() => api.report().calls - before, { interval: 5 }).toBeGreaterThan(40 + round * 7);
      expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
    }
  });

  it('begins no call after it has ended, where each answer takes 400 ms', async () => {
    const slow = await startForestApi({ latencyMs: 400, notes: 4_995, posts: 10_000 });
    try {
      const run = await world.sluice.start(forest, { account: newAccount(), input });
      await expect.poll(() => slow.report().calls, { interval: 10 }).toBeGreaterThan(20);
      await run.cancel();
      await expect.poll(() => stateOf(run), { interval: 10 }).toBe('cancelled');
      expect(await callsWithin(slow, 1_500)).toBe(0);
    } finally {
      await slow.stop();
    }
  });

  it('ends as cancelled also when it was paused, and makes no call then', async () => {
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    await isWalking();
    await run.pause();
    await expect.poll(() => stateOf(run)).toBe('paused');
    expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
  });

  it.each([
    ['single list', single],
    ['tree', forest],
  ])('writes down that it was cancelled when it hears a pause and a resume together with it: a %s', async (_, sync) => {
    const run = await world.sluice.start(sync, { account: newAccount(), input });
    await isWalking();
    await run.pause();
    await run.resume();
    expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
    expect(await world.sluice.reports.list({ workflowId: run.workflowId })).toMatchObject([
      { status: 'cancelled', errorType: 'cancelled' },
    ]);
  });

  it('has ended as it had where the cancellation came too late: it was read to its end, and says so', async () => {
    const small = await startForestApi({ latencyMs: 500, notes: 5, posts: 1 });
    try {
      const run = await world.sluice.start(single, { account: newAccount(), input });
      await expect.poll(() => small.report().calls, { interval: 5 }).toBe(1);
      // Its end can't be written down, while it is being cancelled.
      const held = await world.db.pool.connect();
      await held.query('begin; lock table sluice.report in exclusive mode');
      const waiting = `select 1 from pg_locks where not granted and relation = 'sluice.report'::regclass`;
      await expect.poll(async () => (await world.db.pool.query(waiting)).rowCount, { interval: 20 }).toBeGreaterThan(0);
      await world.temporal.workflow.getHandle(run.workflowId).cancel();
      await held.query('commit');
      held.release();
      expect(await run.result()).toMatchObject({ state: 'done', complete: true });
      expect(await world.sluice.reports.list({ workflowId: run.workflowId })).toMatchObject([{ status: 'ok' }]);
    } finally {
      await small.stop();
    }
  });

  it('ends at once, whenever it is asked for after its start', async () => {
    for (const afterMs of [0, 2, 5, 10, 20, 40, 80]) {
      const run = await world.sluice.start(forest, { account: newAccount(), input });
      await sleep(afterMs);
      expect(await cancelled(run), `${afterMs} ms after the start`).toBeLessThanOrEqual(LISTS_IN_HAND);
    }
  });

  it('ends at once, whenever it is asked for after a resume', async () => {
    for (const afterMs of [0, 3, 6, 9, 13, 20, 30, 40]) {
      const run = await world.sluice.start(forest, { account: newAccount(), input });
      const before = api.report().calls;
      await expect.poll(() => api.report().calls - before, { interval: 5 }).toBeGreaterThan(20);
      await run.pause();
      await run.resume();
      await sleep(afterMs);
      expect(await cancelled(run), `${afterMs} ms after the resume`).toBeLessThanOrEqual(LISTS_IN_HAND);
    }
  });

  it('makes no call until it is resumed when it is paused at its start', async () => {
    api.list('/users/:id/notes', { count: 95, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    for (const afterMs of [0, 5, 20, 60]) {
      const run = await world.sluice.start(single, { account: newAccount(), input });
      await sleep(afterMs);
      await run.pause();
      const before = api.report().calls;
      await sleep(500);
      expect(api.report().calls - before, `${afterMs} ms after the start`).toBeLessThanOrEqual(1);
      await run.resume();
      expect(await run.result()).toMatchObject({ state: 'done', rows: 95 });
    }
  });

  it('makes no call when it is paused right after a resume', async () => {
    for (const afterMs of [0, 3, 6, 9, 13, 20]) {
      const run = await world.sluice.start(forest, { account: newAccount(), input });
      const walked = api.report().calls;
      await expect.poll(() => api.report().calls - walked, { interval: 5 }).toBeGreaterThan(20);
      await run.pause();
      await run.resume();
      await sleep(afterMs);
      await run.pause();
      const before = api.report().calls;
      await sleep(800);
      expect(api.report().calls - before, `${afterMs} ms after the resume`).toBeLessThanOrEqual(LISTS_IN_HAND);
      await run.cancel();
    }
  });

  it.each<[string, (run: SyncHandle, account: string) => Promise<SyncHandle>]>([
    ['for the same', (_, account) => world.sluice.start(single, { account, input })],
    ['for something else', (_, account) => world.sluice.start(single, { account, input: { id: 'v' } })],
    [
      'by one that takes what is there',
      (_, account) => world.sluice.start(single, { account, input, ifRunning: 'attach' }),
    ],
    ['by one that refuses to', (_, account) => world.sluice.start(single, { account, input, ifRunning: 'refuse' })],
    ['behind it', (_, account) => world.sluice.start(single, { account, input, ifRunning: 'queue' })],
    ['with the same input', (run) => run.startAgain()],
    [
      'for what was not read',
      (run, account) =>
        run.retryFailed().catch(async (error: unknown) => {
          // It had come to its end before it heard of the cancellation: then there is nothing to read again.
          if ((await run.progress())?.state !== 'done') throw error;
          return world.sluice.start(single, { account, input });
        }),
    ],
  ])('can be started again at once: %s', async (_, startOver) => {
    const who = newAccount();
    const run = await world.sluice.start(single, { account: who, input });
    await isWalking();
    await run.cancel();
    api.list('/users/:id/notes', { count: 95, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    const again = await startOver(run, who);
    expect(await again.result()).toMatchObject({ state: 'done', complete: true });
    const reports = await world.sluice.reports.list({ account: who });
    // The first one may have come to its end before it heard of the cancellation.
    expect(reports).toMatchObject([{ status: expect.stringMatching(/^(cancelled|ok)$/) as string }, { status: 'ok' }]);
  });

  it('can be started again by a schedule at once', async () => {
    const who = newAccount();
    const run = await world.sluice.start(single, { account: who, input });
    await isWalking();
    await run.cancel();
    api.list('/users/:id/notes', { count: 95, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    const result = await world.temporal.workflow.execute('sync', {
      workflowId: `by-schedule/${who}`,
      taskQueue: world.taskQueue,
      args: [{ sync: 'single', account: who, input }],
    });
    expect(result).toMatchObject({ state: 'done', complete: true });
  });

  it('is not joined when nobody ends it: the start says why', async () => {
    const away = await createWorld([single], { workers: 0 });
    try {
      const who = newAccount();
      const run = await away.sluice.start(single, { account: who, input });
      await run.cancel();
      await expect(away.sluice.start(single, { account: who, input })).rejects.toThrow(
        /is being ended, .* whether a worker/,
      );
      await away.startWorker();
      await expect(run.result()).rejects.toThrow();
    } finally {
      await away.end();
    }
  });

  it('stays as it ended when it has ended meanwhile', async () => {
    api.list('/users/:id/notes', { count: 95, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    const run = await world.sluice.start(single, { account: newAccount(), input });
    await run.result();
    await run.cancel();
    expect(await run.progress()).toMatchObject({ state: 'done' });
  });

  it('is not marked when Temporal has nothing to cancel', async () => {
    const run = await world.sluice.start(single, { account: newAccount(), input });
    await isWalking();
    await world.temporal.workflow.getHandle(run.workflowId).terminate('as an operator does');
    await run.cancel();
    expect(await stateOf(run)).not.toBe('paused');
    await expect(world.sluice.run({ workflowId: 'sync/nobody/knows' }).cancel()).rejects.toThrow(
      /No run of .* is known/,
    );
  });

  it('ends as cancelled when nobody served it at that moment', async () => {
    const away = await createWorld([single], { workers: 0 });
    try {
      const worker = await away.startWorker();
      const run = await away.sluice.start(single, { account: newAccount(), input });
      await isWalking();
      await worker.stop();
      await run.cancel();
      await away.startWorker();
      await expect(run.result()).rejects.toThrow();
      expect(await run.progress()).toMatchObject({ state: 'cancelled' });
    } finally {
      await away.end();
    }
  });
});
