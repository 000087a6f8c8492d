import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Report } from '../../../client/index.ts';
import { insertReport } from '../../../db/index.ts';
import { defineProvider, defineSync, get, noAuth, post, seconds, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

/** The reconciler looks at a report after 10 s, every 5 s. */
const RECONCILED = { timeout: 60_000, interval: 250 };

describe('reports', () => {
  let api: FakeApi;
  let world: World;
  const told: Report[] = [];
  /** What `onFailure` does before it takes a report. */
  let onTold: (report: Report) => void = () => {};

  const provider = defineProvider({
    id: 'social',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })],
    timeouts: { totalMs: 20_000 },
    maxAttempts: 2,
  });
  const Item = z.object({ id: z.string() });
  const items = provider.endpoint('items', {
    input: z.object({ id: z.string() }),
    response: z.object({ items: z.array(Item), next: z.string().nullish() }),
    request: ({ id }, page) => get(`/users/${id}/items`, { limit: page.size, cursor: page.cursor }),
    paginate: {
      kind: 'cursor',
      items: (answer) => answer.items,
      next: (answer) => answer.next,
      pageSize: { start: 10 },
    },
  });
  const list = defineSync('list', { provider, input: z.object({ id: z.string() }) }, (s) => ({
    rows: s.one(items, { input: ({ id }) => ({ id }), key: (item) => item.id }),
  }));
  const send = provider.action('send', {
    input: z.object({ text: z.string() }),
    output: Item,
    request: ({ text }) => post('/messages', { text }),
    what: ({ text }) => `sends "${text}"`,
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/users/:id/items', { count: 25, itemAt: ({ id }, i) => ({ id: `${id}-${i}` }) });
    api.action('POST', '/messages', {});
    world = await createWorld([list], {
      actions: [send],
      onFailure: (report) => {
        onTold(report);
        told.push(report);
      },
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  const only = async (workflowId: string): Promise<Report> => {
    const reports = await world.sluice.reports.list({ workflowId });
    expect(reports).toHaveLength(1);
    return reports[0] as Report;
  };
  const toldOf = (workflowId: string) => told.filter((report) => report.workflowId === workflowId);

  it('are there from before a run begins to after it ended, one for each run', async () => {
    const options = { account: 'a1', input: { id: 'u1' }, startedBy: 'user:1' } as const;
    const [first, second] = await Promise.all([world.sluice.start(list, options), world.sluice.start(list, options)]);
    const before = await only(first.workflowId);
    expect(before).toMatchObject({
      kind: 'sync',
      name: 'list',
      account: 'a1',
      startedBy: 'user:1',
      what: 'list of a1',
    });
    const { runId } = await first.result();
    await second.result();
    const report = await only(first.workflowId);
    expect(report).toMatchObject({ status: 'ok', runId, attempts: 3, error: null, traceback: null });
    expect(Date.parse(report.endedAt as string)).toBeGreaterThan(Date.parse(report.startedAt));
    await (await world.sluice.start(list, { account: 'a1', input: { id: 'u1' } })).result();
    const both = await world.sluice.reports.list({ account: 'a1' });
    expect(both.map(({ startedBy, status }) => [startedBy, status])).toEqual([
      ['user:1', 'ok'],
      ['system', 'ok'],
    ]);
    expect(toldOf(first.workflowId)).toEqual([]);
  });

  it('say of a run that failed what and where, and the app is told', async () => {
    const script = api.script('GET /users/broken/items', ['500'], { repeats: true });
    const run = await world.sluice.start(list, { account: 'a2', input: { id: 'broken' }, startedBy: 'user:2' });
    expect((await run.result()).state).toBe('failed');
    script.stop();
    const report = await only(run.workflowId);
    expect(report).toMatchObject({ status: 'failed', errorType: 'failed', attempts: 2 });
    expect(report.error).toContain('HTTP 500');
    await expect.poll(() => toldOf(run.workflowId)).toEqual([report]);
  });

  it('are told again until the app has taken them', async () => {
    let refusals = 2;
    onTold = ({ account }) => {
      if (account === 'a3' && refusals-- > 0) throw new Error('the mail server is away');
    };
    api.script('POST /messages', [{ status: 403, body: {} }]);
    const handle = await world.sluice.act(send, { account: 'a3', input: { text: 'hi' }, startedBy: 'user:3' });
    await expect(handle.result()).rejects.toThrow('HTTP 403');
    await expect.poll(() => toldOf(handle.workflowId), { timeout: 20_000 }).toHaveLength(1);
    expect(refusals).toBe(-1);
    expect(toldOf(handle.workflowId)[0]).toMatchObject({
      startedBy: 'user:3',
      what: 'sends "hi"',
      errorType: 'auth',
      status: 'failed',
    });
    const traceback = toldOf(handle.workflowId)[0]?.traceback;
    expect(traceback).toContain('activities/action/attempt.ts');
    const row = async () => {
      const { rows } = await world.db.pool.query(`select tell, tell_tries from sluice.report where workflow_id = $1`, [
        handle.workflowId,
      ]);
      return rows as unknown[];
    };
    // It is written down when the app has returned.
    await expect.poll(row).toEqual([{ tell: 'told', tell_tries: 3 }]);
  });

  it('are written by the workflow itself when it was started by another client', async () => {
    const workflowId = 'sync/list/a6';
    await world.temporal.workflow.execute('sync', {
      workflowId,
      taskQueue: world.taskQueue,
      args: [{ sync: 'list', account: 'a6', input: { id: 'u6' } }],
    });
    expect(await only(workflowId)).toMatchObject({ status: 'ok', startedBy: 'system', account: 'a6', attempts: 3 });
  });

  // These wait for the reconciler or for an answer, together.
  it.concurrent(
    'are cancelled, and no failure that the app is told, for a run and an action that were cancelled',
    async ({ expect }) => {
      const script = api.script('GET /users/unwanted/items', ['silent'], { repeats: true });
      const run = await world.sluice.start(list, { account: 'a9', input: { id: 'unwanted' } });
      await expect.poll(async () => (await run.progress()).state).toBe('running');
      await run.cancel();
      await expect
        .poll(() => only(run.workflowId))
        .toMatchObject({
          status: 'cancelled',
          errorType: 'cancelled',
          error: 'it was cancelled',
          endedAt: expect.any(String) as string,
        });
      script.stop();
      const { rows } = await world.db.pool.query('select tell from sluice.report where workflow_id = $1', [
        run.workflowId,
      ]);
      expect(rows).toEqual([{ tell: 'no' }]);
      expect(await world.sluice.reports.list({ status: 'cancelled' })).toHaveLength(1);
    },
  );

  it.concurrent(
    'are ended for a run whose workflow was terminated, and its tree does not say that it runs',
    async ({ expect }) => {
      const script = api.script('GET /users/held/items', ['silent'], { repeats: true });
      const run = await world.sluice.start(list, { account: 'a4', input: { id: 'held' } });
      await expect.poll(async () => (await run.progress()).state).toBe('running');
      await world.temporal.workflow.getHandle(run.workflowId).terminate('somebody had enough');
      // Before a worker has written it down.
      expect(await run.waits()).toEqual([
        { kind: 'run', calls: 0, text: expect.stringContaining('its workflow was terminated in Temporal') },
      ]);
      await expect
        .poll(() => only(run.workflowId), RECONCILED)
        .toMatchObject({ status: 'failed', errorType: 'terminated' });
      script.stop();
      expect((await only(run.workflowId)).error).toContain('somebody had enough');
      expect((await run.progress()).state).toBe('failed');
      expect(await run.waits()).toEqual([]);
      await expect.poll(() => toldOf(run.workflowId), RECONCILED).toHaveLength(1);
    },
  );

  it.concurrent(
    'say that nobody knows whether the write happened when its workflow was terminated in the middle',
    async ({ expect }) => {
      api.script('POST /messages', ['silent-after']);
      const handle = await world.sluice.act(send, { account: 'a5', input: { text: 'x' } });
      await expect.poll(async () => (await handle.status())?.state).toBe('sending');
      await world.temporal.workflow.getHandle(handle.workflowId).terminate('stop');
      await expect
        .poll(() => only(handle.workflowId), RECONCILED)
        .toMatchObject({ status: 'failed', errorType: 'unknown-write' });
    },
  );

  it.concurrent('are ended when the run has a deadline of its own and misses it', async ({ expect }) => {
    const script = api.script('GET /users/slow/items', ['silent'], { repeats: true });
    const workflowId = 'sync/list/a7';
    await world.temporal.workflow.start('sync', {
      workflowId,
      taskQueue: world.taskQueue,
      workflowExecutionTimeout: 2_000,
      args: [{ sync: 'list', account: 'a7', input: { id: 'slow' } }],
    });
    await expect.poll(() => only(workflowId), RECONCILED).toMatchObject({ status: 'failed', errorType: 'timed-out' });
    script.stop();
  });

  it.concurrent(
    'say that a run was never started when the app died before Temporal had accepted it',
    async ({ expect }) => {
      const workflowId = 'action/social/send/a8/never';
      const report = {
        kind: 'action',
        name: 'social/send',
        account: 'a8',
        tenant: 'a8',
        startedBy: 'user:8',
        workflowId,
        rootWorkflowId: workflowId,
        what: 'sends "never"',
      } as const;
      await insertReport(world.db.pool, { ...report, id: randomUUID() });
      await world.db.pool.query(
        `update sluice.report set started_at = started_at - interval '2 minutes', check_at = clock_timestamp() where workflow_id = $1`,
        [workflowId],
      );
      await expect
        .poll(() => only(workflowId), RECONCILED)
        .toMatchObject({ status: 'failed', errorType: 'not-started' });
      await expect.poll(() => toldOf(workflowId), RECONCILED).toHaveLength(1);
    },
  );

  it('can be listed by account, status and kind, and read on from the last one seen', async () => {
    const all = await world.sluice.reports.list();
    expect(all.length).toBeGreaterThan(5);
    const [first, ...rest] = all;
    expect(await world.sluice.reports.list({ after: (first as Report).sequence })).toEqual(rest);
    const newest = await world.sluice.reports.list({ order: 'newest', limit: 2 });
    expect(newest.map(({ id }) => id)).toEqual(
      all
        .slice(-2)
        .toReversed()
        .map(({ id }) => id),
    );
    const failed = await world.sluice.reports.list({ status: 'failed', kind: 'action' });
    expect(failed.map(({ account }) => account).toSorted()).toEqual(['a3', 'a5', 'a8']);
    expect(await world.sluice.reports.list({ status: 'pending' })).toEqual([]);
    await expect(world.sluice.reports.list({ limit: 0 })).rejects.toThrow('from 1 to 1,000');
  });
});
