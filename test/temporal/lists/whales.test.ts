import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const WHALE_PAGES = 400;
const BIG_PAGES = 120;
const SMALL_PAGES = 5;
const SMALL_ACCOUNTS = 20;
const PAGE_SIZE = 10;
/** Little enough to be what holds the runs back, also on a busy machine. */
const MAX_PER_SECOND = 20;

describe('one account with a long list beside many with short ones, under one limit and in one worker', () => {
  let api: FakeApi;
  let world: World;

  const provider = defineProvider({
    id: 'sea',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: MAX_PER_SECOND, perMs: 1_000 })],
  });
  const Page = z.object({ items: z.array(z.object({ id: z.string() })), total: z.number() });
  const rows = provider.endpoint('rows', {
    input: z.object({ id: z.string() }),
    response: Page,
    request: ({ id }, page) => get(`/lists/${id}`, { page: page.number, limit: page.size }),
    // The long list asks for as many pages at once as it can: nothing but fairness holds it back.
    paginate: {
      kind: 'page',
      items: ({ items }) => items,
      total: ({ total }) => total,
      pageSize: { start: PAGE_SIZE },
      lanes: 40,
    },
  });
  const sea = defineSync('sea', { provider, input: z.object({ id: z.string() }) }, (s) => ({
    rows: s.one(rows, { input: (input) => input, key: (row) => row.id }),
  }));

  beforeAll(async () => {
    api = await startFakeApi({ latencyMs: 20 });
    api.list('/lists/:id', {
      count: ({ id }) =>
        PAGE_SIZE * (id.startsWith('whale') ? WHALE_PAGES : id.startsWith('big') ? BIG_PAGES : SMALL_PAGES),
      pagination: 'page',
      total: 'exact',
    });
    world = await createWorld([sea]);
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  const pagesOf = (id: string): number => api.report().byPath[`/lists/${id}`] ?? 0;
  const start = (id: string, options: { priority?: 'interactive' | 'bulk' | 'background'; weight?: number } = {}) =>
    world.sluice.start(sea, { account: id, input: { id }, ...options });
  const priorityOf = async (workflowId: string) => {
    const { events } = await world.temporal.workflow.getHandle(workflowId).fetchHistory();
    return events?.[0]?.workflowExecutionStartedEventAttributes?.priority;
  };
  /** Starts the small ones and waits for them. @returns the whale's pages meanwhile. */
  const swim = async (): Promise<number> => {
    const before = pagesOf('whale');
    const runs = await Promise.all(Array.from({ length: SMALL_ACCOUNTS }, (_, i) => start(`small${i}`)));
    const results = await Promise.all(runs.map((run) => run.result()));
    // The last page is full: one call more sees the end. Page numbers side by side can't overlap: another one looks at the front again.
    for (const result of results)
      expect(result).toMatchObject({ state: 'done', complete: true, calls: SMALL_PAGES + 2 });
    return pagesOf('whale') - before;
  };

  /** But for the fronts, which are looked at again. */
  const expectNoneTwice = (): void => {
    const { unknownPaths, repeated } = api.report();
    expect(unknownPaths).toEqual({});
    expect(repeated.filter(({ position, calls }) => position !== '0' || calls > 2)).toEqual([]);
  };

  it('the short ones end while the long one has hardly moved, and a call for a person overtakes it', async () => {
    const whale = await start('whale');
    await expect.poll(() => pagesOf('whale'), { interval: 20 }).toBeGreaterThan(30);

    // By its share the long one gets 1 call of 21, so 5; its turn comes more often while the others are being started.
    expect(await swim()).toBeLessThan(WHALE_PAGES / 3);
    expect(pagesOf('whale')).toBeLessThan(WHALE_PAGES / 2);

    const beforePerson = pagesOf('whale');
    expect(await (await start('person', { priority: 'interactive' })).result()).toMatchObject({ state: 'done' });
    expect(pagesOf('whale') - beforePerson).toBeLessThan(WHALE_PAGES / 4);

    // The task queue knows it too: the run's workflow, and so its calls, have its priority and fairness key.
    expect(await priorityOf('sync/sea/person')).toMatchObject({ priorityKey: 1, fairnessKey: 'person' });
    expect(await priorityOf('sync/sea/whale')).toMatchObject({ priorityKey: 3, fairnessKey: 'whale' });

    expect(await whale.result()).toMatchObject({ state: 'done', complete: true, calls: WHALE_PAGES + 2 });
    expectNoneTwice();
  });

  it('shares a limit by weight while both have work', async () => {
    const heavy = await start('big-heavy', { weight: 4 });
    const light = await start('big-light', { weight: 1 });
    expect(await heavy.result()).toMatchObject({ state: 'done', complete: true });
    // In turn it would have about as many pages as the heavy one.
    expect(pagesOf('big-light')).toBeLessThan(0.75 * BIG_PAGES);
    expect(await light.result()).toMatchObject({ state: 'done', complete: true });
    expectNoneTwice();
  });
});
