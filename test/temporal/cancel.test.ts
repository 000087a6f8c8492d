/** A run that is cancelled while it makes calls inside its workflow tasks, where Temporal is heard only seconds later. */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import type { SyncHandle } from '../../client/index.ts';
import { defineSync, get } from '../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';
import { forest, provider } from '../fixtures/forest.ts';
import { createWorld, type World } from '../setup/world.ts';

const notes = provider.endpoint('notes', {
  input: z.object({ id: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: ({ id }, page) => get(`/users/${id}/notes`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 10, max: 10 } },
});
const single = defineSync('single', { provider, input: z.object({ id: z.string() }) }, (s) => ({
  notes: s.one(notes, { input: (input) => input, key: (note) => note.id }),
}));

/** Lists of the tree that are in hand side by side: `window` of the fixture. */
const LISTS_IN_HAND = 8;

describe('a run that is cancelled in the middle', () => {
  let api: FakeApi;
  let world: World;
  let connection: Connection;
  let temporal: Client;
  const input = { id: 'u' };
  const account = (): string => `acct-${randomUUID().slice(0, 8)}`;

  beforeAll(async () => {
    world = await createWorld([forest, single]);
    connection = await Connection.connect({ address: inject('temporalAddress') });
    temporal = new Client({ connection });
  });
  afterAll(async () => {
    await connection?.close();
    await world?.end();
  });
  beforeEach(async () => {
    // 20 s of calls and more.
    api = await startFakeApi({ latencyMs: 40 });
    process.env['FOREST_URL'] = api.url;
    api.list('/users/:id/notes', { count: 4_995, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    api.list('/users/:id/friends', { count: 12, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: 10_000, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
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
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await run.progress()).toMatchObject({ state: 'cancelled' });
    return api.report().calls - before;
  };

  it('hears it at once while it reads a single list', async () => {
    const run = await world.sluice.start(single, { account: account(), input });
    await isWalking();
    expect(await cancelled(run)).toBeLessThanOrEqual(1);
  });

  it('hears it at once in every list of a tree', async () => {
    const run = await world.sluice.start(forest, { account: account(), input });
    await isWalking();
    expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
  });

  it('ends as cancelled also when it was paused, and makes no call then', async () => {
    const run = await world.sluice.start(forest, { account: account(), input });
    await isWalking();
    await run.pause();
    await expect.poll(() => stateOf(run)).toBe('paused');
    expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
  });

  it.each([
    ['single list', single],
    ['tree', forest],
  ])('writes down that it was cancelled when it hears a pause and a resume together with it: a %s', async (_, sync) => {
    const run = await world.sluice.start(sync, { account: account(), input });
    await isWalking();
    await run.pause();
    await run.resume();
    expect(await cancelled(run)).toBeLessThanOrEqual(LISTS_IN_HAND);
    expect(await world.sluice.reports.list({ workflowId: run.workflowId })).toMatchObject([
      { status: 'cancelled', errorType: 'cancelled' },
    ]);
  });

  it('can be started again at once', async () => {
    const who = account();
    const run = await world.sluice.start(single, { account: who, input });
    await isWalking();
    await cancelled(run);
    api.list('/users/:id/notes', { count: 95, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    const again = await world.sluice.start(single, { account: who, input });
    expect(await again.result()).toMatchObject({ state: 'done' });
  });

  it('stays as it ended when it has ended meanwhile', async () => {
    api.list('/users/:id/notes', { count: 95, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    const run = await world.sluice.start(single, { account: account(), input });
    await run.result();
    await run.cancel();
    expect(await run.progress()).toMatchObject({ state: 'done' });
  });

  it('is not marked when Temporal has nothing to cancel', async () => {
    const run = await world.sluice.start(single, { account: account(), input });
    await isWalking();
    await temporal.workflow.getHandle(run.workflowId).terminate('as an operator does');
    await run.cancel();
    expect(await stateOf(run)).not.toBe('paused');
    await expect(world.sluice.run({ workflowId: 'sync/nobody/knows' }).cancel()).rejects.toThrow(/not found/);
  });

  it('ends as cancelled when nobody served it at that moment', async () => {
    const away = await createWorld([single], { workers: 0 });
    try {
      const worker = await away.startWorker();
      const run = await away.sluice.start(single, { account: account(), input });
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
