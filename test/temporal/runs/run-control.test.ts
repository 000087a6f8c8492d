import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { replay } from '../../setup/replay.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a run, from app code', () => {
  let api: FakeApi;
  let world: World;
  const input = { id: 'u' };

  beforeAll(async () => {
    world = await createWorld([forest]);
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    api = await startForestApi();
  });
  afterEach(() => api.stop());

  const callsStop = async (): Promise<void> => {
    let last = -1;
    await expect
      .poll(
        () => {
          const now = api.report().calls;
          const stopped = now === last;
          last = now;
          return stopped;
        },
        { interval: 400, timeout: 20_000 },
      )
      .toBe(true);
  };

  it('attaches to the running one when it is started twice', async () => {
    const options = { account: newAccount(), input };
    const [first, second] = await Promise.all([
      world.sluice.start(forest, options),
      world.sluice.start(forest, options),
    ]);
    const [one, two] = await Promise.all([first.result(), second.result()]);
    expect(two.runId).toBe(one.runId);
    expect(api.report().repeated).toEqual([]);
    const again = await (await world.sluice.start(forest, options)).result();
    expect(again.runId).not.toBe(one.runId);
  });

  it('says that an unknown run is unknown, and keeps the state of an ended one', async () => {
    const of = { sync: forest, account: newAccount() };
    const unknown = world.sluice.run(of);
    expect(await unknown.progress()).toEqual({ state: 'unknown' });
    for (const act of ['pause', 'resume', 'cancel', 'result', 'retryFailed', 'startAgain'] as const)
      await expect(unknown[act](), act).rejects.toThrow(/^(No run of|There is no run of) "sync\/forest\/acct-/);
    const action = world.sluice.action({ workflowId: 'action/forest/none/a/1' });
    await expect(action.cancel()).rejects.toThrow(/^Nothing is known of "action/);
    expect(await world.sluice.progress(randomUUID())).toBeUndefined();
    const run = await world.sluice.start(forest, { account: of.account, input });
    const result = await run.result();
    expect(await world.sluice.run(of).progress()).toMatchObject({ runId: result.runId, state: 'done' });
    expect(await world.sluice.progress(result.runId)).toMatchObject({
      state: 'done',
      nodes: [
        { name: 'friends', state: 'done', units: { waiting: 0, running: 0, done: 1 }, pages: 2, rows: 12, calls: 2 },
        { name: 'posts', state: 'done', units: { waiting: 0, running: 0, done: 12 }, pages: 36, rows: 300, calls: 36 },
      ],
    });
  });

  it('makes no call while it is paused, and goes on at the page when it is resumed', async () => {
    api.list('/users/:id/posts', { count: 200, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    await expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThan(30);
    await run.pause();
    await callsStop();
    const atPause = api.report().calls;
    expect(await run.progress()).toMatchObject({ state: 'paused' });
    expect(atPause).toBeLessThan(242);
    await run.resume();
    expect(await run.result()).toMatchObject({ state: 'done', rows: 12 + 12 * 200 });
    expect(api.report().repeated).toEqual([]);
    expect(api.report().calls).toBe(2 + 12 * 20);
  });

  it('tells its workflow of a pause that it is written down: a worker that hears of it late overturns no resume', async () => {
    api.list('/users/:id/posts', { count: 200, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    await expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThan(30);
    await run.pause();
    await run.resume();
    expect(await run.result()).toMatchObject({ state: 'done', rows: 12 + 12 * 200 });
    const events = await replay(world.temporal, run.workflowId);
    const told = events.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
      signal ? [[signal.signalName, Buffer.from(signal.input?.payloads?.[0]?.data ?? '').toString()]] : [],
    );
    expect(told).toEqual([
      ['pause', 'true'],
      ['resume', '1'],
    ]);
  });

  it('carries out pauses and resumes that come together in their order', async () => {
    api.list('/users/:id/posts', { count: 200, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    await expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThan(30);
    const handle = world.temporal.workflow.getHandle(run.workflowId);
    for (const name of ['pause', 'resume', 'pause', 'resume', 'pause', 'resume']) await handle.signal(name);
    expect(await run.result()).toMatchObject({ state: 'done', rows: 12 + 12 * 200 });
    expect(api.report().repeated).toEqual([]);
    const events = await replay(world.temporal, run.workflowId);
    expect(events.filter((event) => event.workflowTaskCompletedEventAttributes).length).toBeGreaterThan(0);
    const isBad = (event: (typeof events)[number]) =>
      // A signal came while the task was being completed: the server has it done again, with the signal.
      (event.workflowTaskFailedEventAttributes?.failure?.message ?? 'UnhandledCommand') !== 'UnhandledCommand' ||
      event.workflowTaskTimedOutEventAttributes;
    expect(events.filter(isBad)).toEqual([]);
  });

  it('gives its result also to who waited for it before an operator reset it', async () => {
    const script = api.script('GET /users/u/friends', [{ status: 429, headers: { 'retry-after': '1' }, body: {} }], {
      repeats: true,
    });
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    const results = [run.result(), world.sluice.run({ workflowId: run.workflowId }).result()];
    const workflow = world.temporal.workflow.getHandle(run.workflowId);
    const firstTask = async () =>
      (await workflow.fetchHistory()).events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
    await expect.poll(firstTask, { timeout: 30_000 }).toBeDefined();
    const { runId } = await workflow.describe();
    await world.temporal.workflowService.resetWorkflowExecution({
      namespace: world.temporal.options.namespace,
      workflowExecution: { workflowId: run.workflowId, runId },
      workflowTaskFinishEventId: (await firstTask()) as never,
      requestId: randomUUID(),
      reason: 'as an operator does',
    });
    expect((await workflow.describe()).runId).not.toBe(runId);
    // One that was terminated for good says so.
    const other = await world.sluice.start(forest, { account: newAccount(), input });
    await world.temporal.workflow.getHandle(other.workflowId).terminate('for good');
    await expect(other.result()).rejects.toMatchObject({ cause: { name: 'TerminatedFailure' } });
    script.stop();
    for (const result of await Promise.all(results)) expect(result).toMatchObject({ state: 'done', complete: true });
    expect(await run.progress()).toMatchObject({ state: 'done' });
  });

  it('ends as cancelled, keeps what is stored, and makes no further call', async () => {
    api.list('/users/:id/posts', { count: 2_000, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    await expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThan(30);
    await run.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(await run.progress()).toMatchObject({ state: 'cancelled' });
    await callsStop();
    const progress = await run.progress();
    expect('nodes' in progress && progress.nodes[1]?.rows).toBeGreaterThan(0);
  });

  it('is continued as new before its history grows large, with nothing lost and nothing asked twice', async () => {
    api.list('/users/:id/friends', { count: 60, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    const who = newAccount();
    const run = await world.sluice.start(forest, { account: who, input, maxHistoryEvents: 60 });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 60 + 60 * 25 });
    expect(api.report().repeated).toEqual([]);
    let lengths: number[] = [];
    const list = async (): Promise<number> => {
      lengths = [];
      const query = `SluiceAccount = '${who}' AND WorkflowType = 'sync'`;
      for await (const { historyLength } of world.temporal.workflow.list({ query })) lengths.push(historyLength);
      return lengths.length;
    };
    // 60 lists of 3 pages at 60 events a history; visibility follows a little later.
    await expect.poll(list, { timeout: 10_000 }).toBeGreaterThan(3);
    expect(Math.max(...lengths)).toBeLessThan(200);
  });

  it('replays the history it has made, with the same commands, in which no workflow task has failed or timed out', async () => {
    const who = newAccount();
    const run = await world.sluice.start(forest, { account: who, input });
    await run.result();
    await replay(world.temporal, run.workflowId);
  });

  it('counts and lists a child that can’t be read, and is incomplete, not green', async () => {
    api.list('/users/:id/posts', {
      count: ({ id }) => (id === 'u-f3' ? undefined : 5),
      itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
    });
    const result = await (await world.sluice.start(forest, { account: newAccount(), input })).result();
    expect(result).toMatchObject({ state: 'incomplete', complete: false, rows: 12 + 11 * 5 });
    expect(result.flaws).toEqual([
      {
        node: 'posts',
        kind: 'skipped',
        reason: expect.stringContaining('HTTP 404') as string,
        count: 1,
        example: 'u-f3',
      },
    ]);
  });

  it('fails when more children than the set share can’t be read', async () => {
    api.list('/users/:id/posts', {
      count: ({ id }) => (/f[0-3]$/.test(id) ? undefined : 5),
      itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
    });
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    expect(await run.result()).toMatchObject({ state: 'failed', complete: false });
    expect(await run.progress()).toMatchObject({ state: 'failed', error: expect.stringContaining('404') as string });
  });

  it('visits a parent once although two lists bring it', async () => {
    api.list('/users/:id/friends', { count: 20, itemAt: (_, i) => ({ id: `same-${i % 12}` }) });
    await (await world.sluice.start(forest, { account: newAccount(), input })).result();
    expect(api.report().byRoute['GET /users/:id/posts']).toBe(12 * 3);
  });

  it('waits without holding anything when the third party blocks the key, and nobody calls meanwhile', async () => {
    api.script('/users/:id/posts', [{ status: 429, headers: { 'retry-after': '3' }, body: { error: 'slow down' } }]);
    const run = await world.sluice.start(forest, { account: newAccount(), input });
    // While it waits, the Web UI says for what.
    const details = async (id: string): Promise<string> =>
      (await world.temporal.workflow.getHandle(id).query<{ currentDetails?: string }>('__temporal_workflow_metadata'))
        .currentDetails ?? '';
    await expect
      .poll(() => details(run.workflowId), { interval: 100 })
      .toMatch(/posts.*waiting: .*(forest\/app\/app|HTTP 429).*until \d{4}-/);
    expect(await run.result()).toMatchObject({ state: 'done', rows: 12 + 12 * 25 });
    const report = api.report();
    expect(report.byStatus['429']).toBe(1);
    const { events } = await world.temporal.workflow.getHandle(run.workflowId).fetchHistory();
    // Every call that waited is one scheduled activity, however often it looked in.
    // The only timer looks whether anything has moved in the last hours.
    const timers = events?.flatMap(({ timerStartedEventAttributes: timer }) => timer ?? []) ?? [];
    expect(timers.filter(({ startToFireTimeout }) => Number(startToFireTimeout?.seconds) < 3_600)).toEqual([]);
    expect(events?.filter((event) => event.activityTaskFailedEventAttributes)).toEqual([]);
  });
});
