import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { newAccount, startForestApi } from '../../setup/forest-api.ts';
import { callsWithin } from '../../setup/run-facts.ts';
import { createWorld, type World } from '../../setup/world.ts';

describe('a run that is ended before its time', () => {
  let api: FakeApi;
  let world: World;
  const input = { id: 'u' };

  beforeAll(async () => {
    world = await createWorld([forest]);
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    // What a test before this one was told to wait for.
    await world.db.pool.query('update sluice.limit_bucket set blocked_us = 0');
    api = await startForestApi();
  });
  afterEach(() => api.stop());

  it('ends what is open as truncated when its deadline passes, although the third party asked to wait for an hour', async () => {
    api.script('/users/:id/posts', [{ status: 429, headers: { 'retry-after': '3600' }, body: {} }]);
    const startedAt = Date.now();
    const run = await world.sluice.start(forest, { account: newAccount(), input, deadline: 4_000 });
    const result = await run.result();
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    expect(result).toMatchObject({ state: 'incomplete', complete: false });
    expect(result.flaws).toEqual([
      expect.objectContaining({
        node: 'posts',
        kind: 'truncated',
        reason: expect.stringMatching(/^the deadline of the run, 20.*Z, has passed$/) as string,
      }),
    ]);
    const progress = await run.progress();
    expect(progress).toMatchObject({ state: 'incomplete' });
    if (!('nodes' in progress)) throw new Error('no progress');
    for (const { units } of progress.nodes) expect(units).toMatchObject({ waiting: 0, running: 0 });
    expect(await callsWithin(api, 1_500)).toBe(0);
  });

  it('also when it is paused', async () => {
    api.list('/users/:id/posts', { count: 2_000, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    const run = await world.sluice.start(forest, { account: newAccount(), input, deadline: 5_000 });
    await expect.poll(() => api.report().calls, { interval: 10 }).toBeGreaterThan(20);
    await run.pause();
    expect(await run.result()).toMatchObject({ state: 'incomplete' });
  });

  it('gives up when nothing moves for as long as was said, and not while something does', async () => {
    api.script('/users/:id/posts', [{ status: 429, headers: { 'retry-after': '3600' }, body: {} }]);
    const run = await world.sluice.start(forest, { account: newAccount(), input, giveUpAfterMs: 3_000 });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'incomplete' });
    expect(result.flaws[0]).toMatchObject({ kind: 'truncated', reason: 'the run made no progress for 3 s' });
  });

  it('is not ended early when it is done before', async () => {
    api.list('/users/:id/posts', { count: 5, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    const run = await world.sluice.start(forest, {
      account: newAccount(),
      input,
      deadline: 60_000,
      giveUpAfterMs: 1_000,
    });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 12 + 12 * 5 });
  });

  it('refuses times that make no sense', async () => {
    const start = (options: object) => world.sluice.start(forest, { account: newAccount(), input, ...options });
    await expect(start({ deadline: 'tomorrow' })).rejects.toThrow(TypeError);
    await expect(start({ deadline: new Date(0) })).rejects.toThrow(/time to come/);
    await expect(start({ giveUpAfterMs: 10 })).rejects.toThrow(/1,000 or more/);
  });
});
