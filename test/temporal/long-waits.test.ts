/** Calls that take long, and lists that wait long, beside everything that should not notice it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';
import { forest } from '../fixtures/forest.ts';
import { createWorld, type World } from '../setup/world.ts';

describe('what takes long', () => {
  let api: FakeApi;
  let world: World;
  const input = { id: 'u' };
  const account = (): string => `acct-${randomUUID().slice(0, 8)}`;

  beforeAll(async () => {
    world = await createWorld([forest]);
  });
  afterAll(() => world?.end());
  beforeEach(async () => {
    api = await startFakeApi({ latencyMs: 5 });
    process.env['FOREST_URL'] = api.url;
    api.list('/users/:id/posts', { count: 25, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
  });
  afterEach(() => api.stop());

  it('is called once for each page, also when a call takes longer than a worker may be silent', async () => {
    api.list('/users/:id/friends', { count: 15, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: 0, itemAt: () => ({}) });
    // The second page is asked for outside of workflow tasks, since the first was slow.
    api.script('/users/u/friends', [
      { delayMs: 12_000, body: { items: [{ id: 'first' }], next: '10' } },
      { delayMs: 13_000, body: { items: [{ id: 'second' }], next: null } },
    ]);
    const result = await (await world.sluice.start(forest, { account: account(), input })).result();
    expect(result).toMatchObject({ state: 'done', rows: 2 });
    expect(api.report().byPath['/users/u/friends']).toBe(2);
  }, 60_000);

  it('lets the others go on when a history is cut, and waits no shorter for it', async () => {
    const failures = 6;
    const others = 39;
    api.list('/users/:id/friends', { count: others + 1, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    const script = api.script('/users/u-f3/posts', Array<'500'>(failures).fill('500'));
    const startedAt = performance.now();
    const run = await world.sluice.start(forest, { account: account(), input, maxHistoryEvents: 60 });
    const rowsOfPosts = async (): Promise<number | undefined> => {
      const progress = await run.progress();
      return 'nodes' in progress ? progress.nodes[1]?.rows : undefined;
    };
    await expect.poll(rowsOfPosts, { timeout: 30_000, interval: 50 }).toBe(others * 25);
    expect(script.remaining(), 'failures still to come when all others had ended').toBeGreaterThan(0);
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    // 0.5 + 1 + 2 + 4 + 8 + 16 s between the attempts, each at least four fifths of it.
    expect(performance.now() - startedAt).toBeGreaterThan(0.8 * 31_500);
    expect(api.report().byPath['/users/u-f3/posts']).toBe(failures + 3);
    expect(api.report().repeated).toEqual([]);
  }, 90_000);
});
