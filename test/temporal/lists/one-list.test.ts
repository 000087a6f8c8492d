import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SyncHandle } from '../../../client/index.ts';
import { defineProvider, defineSync, get, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { replay } from '../../setup/replay.ts';
import { createWorld, type World } from '../../setup/world.ts';

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
  let world: World;

  beforeAll(async () => {
    world = await createWorld([single]);
  });
  afterAll(() => world?.end());

  const eventsOf = async (workflowId: string) =>
    (await world.temporal.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
  /** The histories of its whole chain are replayed. @returns how many there are. */
  const expectReplays = async ({ workflowId }: SyncHandle): Promise<number> => {
    let histories = 0;
    for await (const { runId } of world.temporal.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      await replay(world.temporal, workflowId, runId);
      histories++;
    }
    return histories;
  };
  /** Calls to activities inside its workflow tasks. */
  const stepsOf = async (run: SyncHandle): Promise<number> =>
    (await eventsOf(run.workflowId)).filter((event) => event.markerRecordedEventAttributes).length;

  describe('with fast calls', () => {
    let api: FakeApi;
    const input = { id: 'u' };
    const account = (): string => `acct-${randomUUID().slice(0, 8)}`;

    beforeEach(async () => {
      await world.db.pool.query('update sluice.limit_bucket set blocked_us = 0');
      api = await startFakeApi({ latencyMs: 5 });
      process.env['SINGLE_URL'] = api.url;
      api.list('/users/:id/notes', { count: 255, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    });
    afterEach(() => api.stop());

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
      await expectReplays(run);
    });

    it('goes on where it stands when it had to wait', async () => {
      api.script('/users/:id/notes', [
        'ok',
        'ok',
        { status: 429, headers: { 'retry-after': '2' }, body: { error: 'slow down' } },
      ]);
      const run = await world.sluice.start(single, { account: account(), input });
      expect(await run.result()).toMatchObject({ state: 'done', rows: 255 });
      expect(api.report().byStatus['429']).toBe(1);
      expectAll(27);
      await expectReplays(run);
    });

    it('goes on in a new history before this one grows long', async () => {
      api.list('/users/:id/notes', { count: 755, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
      const run = await world.sluice.start(single, { account: account(), input, maxHistoryEvents: 10 });
      expect(await run.result()).toMatchObject({ state: 'done', rows: 755 });
      expectAll(76);
      expect((await eventsOf(run.workflowId)).length).toBeLessThan(50);
      await vi.waitUntil(async () => (await expectReplays(run)) > 5, { timeout: 10_000, interval: 100 });
    });

    it('fails and says why, when its list can’t be read', async () => {
      api.list('/users/:id/notes', { count: () => undefined, itemAt: (_, i) => ({ id: `${i}` }) });
      const run = await world.sluice.start(single, { account: account(), input });
      expect(await run.result()).toMatchObject({ state: 'failed', complete: false });
      expect(await run.progress()).toMatchObject({ error: expect.stringContaining('404') as string });
      await expectReplays(run);
    });
  });

  // Side by side, each with a user of its own.
  describe('with slow calls', () => {
    let api: FakeApi;
    beforeAll(async () => {
      api = await startFakeApi({ latencyMs: 60 });
      process.env['SINGLE_URL'] = api.url;
      api.list('/users/:id/notes', { count: 1_995, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    });
    afterAll(() => api?.stop());
    const callsOf = (user: string): number => api.report().byPath[`/users/${user}/notes`] ?? 0;
    /** A run that has made some calls. */
    const walking = async (user: string): Promise<SyncHandle> => {
      const run = await world.sluice.start(single, { account: user, input: { id: user } });
      await vi.waitUntil(() => callsOf(user) > 10, { interval: 10, timeout: 60_000 });
      return run;
    };
    /** When none has come for 0.4 s. @returns how many there were. */
    const callsStop = async (user: string, withinMs: number): Promise<number> => {
      let last = -1;
      const isStill = () => {
        const before = last;
        last = callsOf(user);
        return before === last;
      };
      await vi.waitUntil(isStill, { interval: 400, timeout: withinMs });
      return last;
    };
    /** How often it has told its state to the list of workflows. */
    const toldStates = async (run: SyncHandle): Promise<number> =>
      (await eventsOf(run.workflowId)).filter((event) => event.upsertWorkflowSearchAttributesEventAttributes).length;
    const expectAllOnce = async (run: SyncHandle, user: string): Promise<void> => {
      expect(await run.result()).toMatchObject({ state: 'done', rows: 1_995 });
      expect(callsOf(user)).toBe(200);
      expect(api.report().repeated.filter(({ path }) => path === `/users/${user}/notes`)).toEqual([]);
      await expectReplays(run);
    };

    it.concurrent('stops at once when it is paused, and goes on at the page when it is resumed', async ({ expect }) => {
      const run = await walking('paused');
      await run.pause();
      expect(await callsStop('paused', 2_000)).toBeLessThan(100);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      await run.resume();
      await expectAllOnce(run, 'paused');
    });

    it.concurrent('goes on when it is resumed in the moment in which it is paused', async () => {
      const run = await walking('both');
      for (let times = 0; times < 3; times++) {
        await run.pause();
        await run.resume();
      }
      await expectAllOnce(run, 'both');
    });

    it.concurrent('carries out signals that it hears together in their order', async ({ expect }) => {
      const run = await walking('order');
      const handle = world.temporal.workflow.getHandle(run.workflowId);
      const signals = ['pause', 'resume', 'pause', 'resume', 'pause'];
      for (const name of signals) await handle.signal(name);
      // Each is carried out by a step of its own, and says so. Between two of them a busy machine may make no call for a while.
      await expect.poll(() => toldStates(run), { interval: 100 }).toBe(signals.length);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      await callsStop('order', 12_000);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      for (const name of ['resume', 'pause', 'resume']) await handle.signal(name);
      await expectAllOnce(run, 'order');
    });

    it.concurrent('hears a signal that somebody else sends, between two of its workflow tasks', async ({ expect }) => {
      const run = await walking('signal');
      await world.temporal.workflow.getHandle(run.workflowId).signal('pause');
      await expect.poll(() => toldStates(run), { interval: 100 }).toBe(1);
      await callsStop('signal', 12_000);
      expect(await run.progress()).toMatchObject({ state: 'paused' });
      await world.temporal.workflow.getHandle(run.workflowId).signal('resume');
      await expectAllOnce(run, 'signal');
    });

    it.concurrent('ends as cancelled, and makes no further call', async ({ expect }) => {
      const run = await walking('cancelled');
      await run.cancel();
      await expect(run.result()).rejects.toThrow();
      expect(await run.progress()).toMatchObject({ state: 'cancelled' });
      const calls = await callsStop('cancelled', 2_000);
      expect(calls).toBeLessThan(200);
    });
  });
});
