import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { SyncHandle } from '../../client/index.ts';
import { defineProvider, defineSync, get, noAuth, window } from '../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';
import { createWorld, type World } from '../setup/world.ts';

const provider = defineProvider({
  id: 'single',
  baseUrl: () => process.env['SINGLE_URL'] ?? 'http://127.0.0.1:1',
  auth: noAuth(),
  limits: [window('app', { by: ['app'], max: 100_000, perMs: 1_000 })],
});
const notes = provider.endpoint('notes', {
  input: z.object({ id: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: ({ id }, page) => get(`/users/${id}/notes`, { cursor: page.cursor, limit: page.size }),
  paginate: {
    kind: 'cursor',
    items: (page) => page.items,
    next: (page) => page.next,
    pageSize: { start: 10, max: 10 },
  },
});
const single = defineSync('single', { provider, input: z.object({ id: z.string() }) }, (s) => ({
  notes: s.one(notes, { input: (input) => input, key: (note) => note.id }),
}));

describe('a run of a single list', () => {
  let api: FakeApi;
  let world: World;
  let connection: Connection;
  let temporal: Client;
  let workflowBundle: { code: string };
  const input = { id: 'u' };
  const account = (): string => `acct-${randomUUID().slice(0, 8)}`;

  beforeAll(async () => {
    world = await createWorld([single]);
    connection = await Connection.connect({ address: inject('temporalAddress') });
    temporal = new Client({ connection });
    const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
    workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  });
  afterAll(async () => {
    await connection?.close();
    await world?.end();
  });
  beforeEach(async () => {
    await world.db.pool.query('update sluice.limit_bucket set blocked_us = 0');
    api = await startFakeApi({ latencyMs: 5 });
    process.env['SINGLE_URL'] = api.url;
    api.list('/users/:id/notes', { count: 255, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
  });
  afterEach(() => api.stop());

  const eventsOf = async (workflowId: string) =>
    (await temporal.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
  /** Its history, and that of the workflow which took over, when one did, are replayed. */
  const expectReplays = async (run: SyncHandle, isHandedOver: boolean): Promise<void> => {
    const children = (await eventsOf(run.workflowId)).filter(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes,
    );
    expect(children).toHaveLength(isHandedOver ? 1 : 0);
    for (const workflowId of isHandedOver ? [run.workflowId, `${run.workflowId}/notes`] : [run.workflowId]) {
      const history = await temporal.workflow.getHandle(workflowId).fetchHistory();
      await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
    }
  };
  /** Calls to activities inside its workflow tasks. */
  const stepsOf = async (run: SyncHandle): Promise<number> =>
    (await eventsOf(run.workflowId)).filter((event) => event.markerRecordedEventAttributes).length;
  const expectAll = (calls = 26): void => {
    expect(api.report().repeated).toEqual([]);
    expect(api.report().calls).toBe(calls);
  };

  it('makes its calls in the run’s own workflow', async () => {
    const run = await world.sluice.start(single, { account: account(), input });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 255, calls: 26 });
    expectAll();
    // One for each call, and a few to open and to end it.
    expect(await stepsOf(run)).toBeGreaterThanOrEqual(26);
    expect(await run.progress()).toMatchObject({
      nodes: [{ state: 'done', pages: 26, units: { done: 1, running: 0 } }],
    });
    await expectReplays(run, false);
  });

  it('is handed over where it stands when it has to wait', async () => {
    api.script('/users/:id/notes', [
      'ok',
      'ok',
      { status: 429, headers: { 'retry-after': '2' }, body: { error: 'slow down' } },
    ]);
    const run = await world.sluice.start(single, { account: account(), input });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 255 });
    expect(api.report().byStatus['429']).toBe(1);
    expectAll(27);
    await expectReplays(run, true);
  });

  it('is handed over before its history grows long', async () => {
    api.list('/users/:id/notes', { count: 1_555, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    const run = await world.sluice.start(single, { account: account(), input, maxHistoryEvents: 10 });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 1_555 });
    expectAll(156);
    // Opened, handed over, ended: what is left is calls.
    expect((await eventsOf(run.workflowId)).length).toBeLessThan(50);
    await expectReplays(run, true);
  });

  it('fails and says why, when its list can’t be read', async () => {
    api.list('/users/:id/notes', { count: () => undefined, itemAt: (_, i) => ({ id: `${i}` }) });
    const run = await world.sluice.start(single, { account: account(), input });
    expect(await run.result()).toMatchObject({ state: 'failed', complete: false });
    expect(await run.progress()).toMatchObject({ error: expect.stringContaining('404') as string });
    await expectReplays(run, false);
  });

  describe('with slow calls', () => {
    beforeEach(async () => {
      await api.stop();
      api = await startFakeApi({ latencyMs: 60 });
      process.env['SINGLE_URL'] = api.url;
      api.list('/users/:id/notes', { count: 1_995, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    });
    const isWalking = () => expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThan(10);
    const callsStop = async (withinMs: number): Promise<number> => {
      let last = -1;
      const isStill = () => {
        const before = last;
        last = api.report().calls;
        return before === last;
      };
      await expect.poll(isStill, { interval: 400, timeout: withinMs }).toBe(true);
      return last;
    };

    it('stops at once when it is paused, and goes on at the page when it is resumed', async () => {
      const run = await world.sluice.start(single, { account: account(), input });
      await isWalking();
      await run.pause();
      expect(await callsStop(2_000)).toBeLessThan(100);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      await run.resume();
      expect(await run.result()).toMatchObject({ state: 'done', rows: 1_995 });
      expectAll(200);
      await expectReplays(run, true);
    });

    it('goes on when it is resumed in the moment in which it is paused', async () => {
      const run = await world.sluice.start(single, { account: account(), input });
      await isWalking();
      for (let times = 0; times < 3; times++) {
        await run.pause();
        await run.resume();
      }
      expect(await run.result()).toMatchObject({ state: 'done', rows: 1_995 });
      expectAll(200);
      await expectReplays(run, true);
    });

    it('carries out signals that it hears together in their order', async () => {
      const run = await world.sluice.start(single, { account: account(), input });
      await isWalking();
      const handle = temporal.workflow.getHandle(run.workflowId);
      for (const name of ['pause', 'resume', 'pause', 'resume', 'pause']) await handle.signal(name);
      await callsStop(12_000);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      for (const name of ['resume', 'pause', 'resume']) await handle.signal(name);
      expect(await run.result()).toMatchObject({ state: 'done', rows: 1_995 });
      expectAll(200);
      await expectReplays(run, true);
    });

    it('hears a signal that somebody else sends, between two of its workflow tasks', async () => {
      const run = await world.sluice.start(single, { account: account(), input });
      await isWalking();
      await temporal.workflow.getHandle(run.workflowId).signal('pause');
      await callsStop(12_000);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      await temporal.workflow.getHandle(run.workflowId).signal('resume');
      expect(await run.result()).toMatchObject({ state: 'done', rows: 1_995 });
      expectAll(200);
      await expectReplays(run, true);
    });

    it('ends as cancelled, and makes no further call', async () => {
      const run = await world.sluice.start(single, { account: account(), input });
      await isWalking();
      await run.cancel();
      await expect(run.result()).rejects.toThrow();
      expect(await run.progress()).toMatchObject({ state: 'cancelled' });
      const calls = await callsStop(2_000);
      expect(calls).toBeLessThan(200);
    });
  });
});
