/** Calls that take long, and lists that wait long, beside everything that should not notice it. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { z } from 'zod';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { defineProvider, defineSync, get, noAuth } from '../../../providers/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { createWorld, type World } from '../../setup/world.ts';

const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
/** More attempts than failures in a row that make an outage. */
const patientProvider = defineProvider({
  id: 'patient',
  baseUrl: () => process.env['FOREST_URL']!,
  auth: noAuth(),
  limits: [],
  maxAttempts: 8,
});
const listOf = (name: string) =>
  patientProvider.endpoint(name, {
    input: z.object({ id: z.string() }),
    response: Page,
    request: ({ id }, page) => get(`/users/${id}/${name}`, { cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 10 } },
  });
const patient = defineSync('patient', { provider: patientProvider, input: z.object({ id: z.string() }) }, (s) => {
  const friends = s.one(listOf('friends'), { input: (given) => given, key: ({ id }) => id });
  return { friends, posts: s.each(friends, listOf('posts'), { input: ({ id }) => ({ id }), key: ({ id }) => id }) };
});

describe('what takes long', () => {
  let api: FakeApi;
  let world: World;
  const OTHERS = 14;

  beforeAll(async () => {
    world = await createWorld([forest, patient]);
    api = await startFakeApi({ latencyMs: 5 });
    process.env['FOREST_URL'] = api.url;
    const friends: Readonly<Record<string, number>> = { slow: 15, broken: 1, cut: OTHERS + 1 };
    api.list('/users/:id/friends', { count: ({ id }) => friends[id], itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', {
      count: ({ id }) => (id.startsWith('slow') ? 0 : 25),
      itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  // Each waits for a minute or a half, together; each reads a user of its own.
  it.concurrent(
    'is called once for each page, also when a call takes longer than a worker may be silent',
    async ({ expect }) => {
      // The second page is asked for outside of workflow tasks, since the first was slow.
      api.script('/users/slow/friends', [
        { delayMs: 12_000, body: { items: [{ id: 'slow-first' }], next: '10' } },
        { delayMs: 13_000, body: { items: [{ id: 'slow-second' }], next: null } },
      ]);
      const result = await (await world.sluice.start(forest, { account: 'slow', input: { id: 'slow' } })).result();
      expect(result).toMatchObject({ state: 'done', rows: 2 });
      expect(api.report().byPath['/users/slow/friends']).toBe(2);
    },
    200_000,
  );

  it.concurrent(
    'ends as failed when it fails at every attempt, although nobody else calls, and closes nothing',
    async ({ expect }) => {
      api.script('/users/broken-f0/posts', Array<'500'>(50).fill('500'));
      const run = await world.sluice.start(patient, { account: 'broken', input: { id: 'broken' } });
      expect(await run.result()).toMatchObject({
        complete: false,
        flaws: [{ kind: 'failed', reason: expect.stringContaining('(8 attempts)') as string }],
      });
      expect(api.report().byPath['/users/broken-f0/posts']).toBe(8);
      const { rows } = await world.db.pool.query(`select hold from sluice.limit_bucket where key = 'patient/*'`);
      expect(rows).toEqual([{ hold: false }]);
    },
    200_000,
  );

  it.concurrent(
    'lets the others go on when a history is cut, and waits no shorter for it',
    async ({ expect }) => {
      const failures = 7;
      const script = api.script('/users/cut-f3/posts', Array<'500'>(failures).fill('500'));
      const startedAt = performance.now();
      const run = await world.sluice.start(forest, { account: 'cut', input: { id: 'cut' }, maxHistoryEvents: 60 });
      const rowsOfPosts = async (): Promise<number | undefined> => {
        const progress = await run.progress();
        return 'nodes' in progress ? progress.nodes[1]?.rows : undefined;
      };
      await expect.poll(rowsOfPosts, { interval: 50 }).toBe(OTHERS * 25);
      expect(script.remaining(), 'failures still to come when all others had ended').toBeGreaterThan(0);
      expect(await run.result()).toMatchObject({ state: 'done', complete: true });
      // 0.5 + 1 + 2 + 4 + 8 + 16 + 32 s between the attempts, each at least four fifths of it.
      expect(performance.now() - startedAt).toBeGreaterThan(0.8 * 63_500);
      // Its pages may be smaller after so many errors of the server.
      const pages = Object.keys(api.positions('/users/cut-f3/posts')).length;
      expect(api.report().byPath['/users/cut-f3/posts']).toBe(failures + pages);
      expect(api.report().repeated).toEqual([]);
    },
    200_000,
  );
});
