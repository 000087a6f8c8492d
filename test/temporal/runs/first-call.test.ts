/** The first call of a run is made with its opening: one step for a run of one page, and a person's act in the middle of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SyncHandle } from '../../../client/index.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { single } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { replay } from '../../setup/replay.ts';
import { callsWithin } from '../../setup/run-facts.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('the first call of a run', () => {
  let api: FakeApi;
  let world: World;
  let next: string | null;
  let answer: () => void;
  let isHeld: boolean;

  beforeAll(async () => {
    world = await createWorld([single]);
    api = await startForestApi();
    api.route('GET', '/users/:id/notes', async ({ path, query }) => {
      if (isHeld) await new Promise<void>((resolve) => (answer = resolve));
      return { body: { items: [{ id: `${path.split('/')[2]}-n${query.get('cursor') ?? 0}` }], next } };
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });
  beforeEach(() => {
    isHeld = true;
    next = null;
  });

  const started = async (): Promise<{ run: SyncHandle; calls: () => number }> => {
    const before = api.report().calls;
    const id = newAccount();
    const run = await world.sluice.start(single, { account: id, input: { id } });
    const calls = () => api.report().calls - before;
    await expect.poll(calls, { interval: 5, timeout: 20_000 }).toBe(1);
    return { run, calls };
  };

  it('is one step with its opening and its end, where one page is all', async () => {
    isHeld = false;
    const id = newAccount();
    const run = await world.sluice.start(single, { account: id, input: { id } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 1, calls: 1 });
    expect(await world.sluice.reports.list({ workflowId: run.workflowId })).toMatchObject([
      { status: 'ok', attempts: 1 },
    ]);
    const events = await replay(world.temporal, run.workflowId);
    expect(events.filter(({ markerRecordedEventAttributes }) => markerRecordedEventAttributes)).toHaveLength(1);
    expect(events.filter((event) => event.activityTaskScheduledEventAttributes)).toEqual([]);
  });

  it('is heard to its end when the run is cancelled meanwhile, and is the last', async () => {
    next = '1';
    const { run, calls } = await started();
    await run.cancel();
    answer();
    await expect(run.result()).rejects.toThrow(/cancel/i);
    expect(await run.progress()).toMatchObject({ state: 'cancelled' });
    expect(calls()).toBe(1);
    await replay(world.temporal, run.workflowId);
  });

  it('leaves its page to a run that is paused meanwhile, which makes no other call before it is resumed', async () => {
    next = '1';
    const { run, calls } = await started();
    await run.pause();
    answer();
    await expect
      .poll(async () => (await run.progress()) as object, { interval: 20 })
      .toMatchObject({ state: 'paused', nodes: [{ rows: 1 }] });
    expect(await callsWithin(api, 500)).toBe(0);
    expect(calls()).toBe(1);
    [isHeld, next] = [false, null];
    await run.resume();
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 2 });
    expect(calls()).toBe(2);
    await replay(world.temporal, run.workflowId);
  });
});
