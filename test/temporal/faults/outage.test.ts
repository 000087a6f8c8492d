import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RunProgress } from '../../../contracts/run.ts';
import { defineProvider, defineSync, get, noAuth, window, type LimitDeclaration } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi, type OutageKind } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const PARENTS = 30;
const CHILDREN = 30;
/** After it was noticed. Long enough for three failures at every page, were each tried again with its own backoff. */
const OUTAGE_MS = 4_500;
/** So many that fail at once are noticed before a budget of three is spent, however they are spread over the workers. */
const AT_ONCE = 20;
const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });

const apis = new Map<string, FakeApi>();

function syncOf(name: string, limits: readonly LimitDeclaration[]) {
  const provider = defineProvider({
    id: name,
    baseUrl: () => apis.get(name)!.url,
    auth: noAuth(),
    limits,
    timeouts: { connectMs: 500, headersMs: 500, bodyMs: 500, totalMs: 1_000 },
    maxAttempts: 3,
  });
  const list = (endpoint: string, path: (id: string) => string, pageSize: number) =>
    provider.endpoint(endpoint, {
      input: z.object({ id: z.string() }),
      response: Page,
      request: ({ id }, page) => get(path(id), { cursor: page.cursor, limit: page.size }),
      paginate: {
        kind: 'cursor',
        items: (page: z.output<typeof Page>) => page.items,
        next: (page: z.output<typeof Page>) => page.next,
        pageSize: { start: pageSize },
      },
    });
  const parents = list('parents', () => '/parents', 10);
  const children = list('children', (id) => `/parents/${id}/children`, 2);
  return defineSync(name, { provider, input: z.object({}) }, (s) => {
    const top = s.one(parents, { input: () => ({ id: '' }), key: ({ id }) => id });
    return { top, below: s.each(top, children, { input: ({ id }) => ({ id }), key: ({ id }) => id, window: AT_ONCE }) };
  });
}

const cases: readonly [string, OutageKind, readonly LimitDeclaration[]][] = [
  ['limited', '503', [window('app', { by: ['app'], max: 25, perMs: 1_000 })]],
  ['unlimited', 'refuse', []],
];
const syncs = new Map(cases.map(([name, , limits]) => [name, syncOf(name, limits)]));

describe('an outage in the middle of a sync', () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld([...syncs.values()], { workers: 2 });
  });
  afterAll(async () => {
    await world?.end();
    await Promise.all([...apis.values()].map((api) => api.stop()));
  });

  it.each(cases)(
    'of a provider that is %s (%s): nobody hammers it, no attempts are spent, and it goes on by itself',
    { timeout: 240_000 },
    async (name, kind) => {
      // Without a limit only the third party's own slowness keeps the sync from being over at once.
      const api = await startFakeApi({ latencyMs: 30 });
      apis.set(name, api);
      api.list('/parents', { count: PARENTS, itemAt: (_, i) => ({ id: `p${i}` }) });
      api.list('/parents/:id/children', { count: CHILDREN, itemAt: ({ id }, i) => ({ id: `${id}-${i}` }) });
      const sync = syncs.get(name)!;
      const run = await world.sluice.start(sync, { account: 'a', input: {} });
      const progress = async () => (await run.progress()) as RunProgress;
      const pages = async () => (await progress()).nodes?.find((node) => node.name === 'below')?.pages ?? 0;
      await expect.poll(pages, { interval: 20 }).toBeGreaterThan(30);

      const outage = api.outage({ kind });
      await outage.begun;
      // What it waits for can be seen: at each call that waits, and at the provider's gate.
      const waits = async () => {
        const node = world.temporal.workflow.getHandle(run.workflowId);
        const { pendingActivities } = (await node.describe()).raw;
        return (pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message ?? '').join('\n');
      };
      await expect
        .poll(waits, { interval: 100 })
        .toMatch(new RegExp(`${name}(/children)? is failing since \\d{4}-.*: next probe at \\d{4}-`));
      const noticedAt = api.now();
      expect((await progress()).state).toBe('running');
      const key = await world.db.pool.query<{ hold: boolean }>('select hold from sluice.limit_bucket where key = $1', [
        `${name}/*/children`,
      ]);
      expect(key.rows).toEqual([{ hold: true }]);
      // From here on nothing is spent: neither by those who wait nor by the probes.
      const spent = async () => {
        const { rows } = await world.db.pool.query<{ spent: number }>(
          `select coalesce(sum(attempts), 0)::int as spent from sluice.unit u join sluice.run r on r.id = u.run_id
            where r.workflow_id = $1`,
          [run.workflowId],
        );
        return rows[0]!.spent;
      };
      const spentWhenNoticed = await spent();
      expect(spentWhenNoticed).toBeGreaterThan(0);
      await expect.poll(() => api.now() - noticedAt, { interval: 50 }).toBeGreaterThan(OUTAGE_MS);
      await outage.end();
      expect(await spent()).toBeLessThanOrEqual(spentWhenNoticed);
      const doneBefore = await pages();
      expect(doneBefore).toBeLessThan((PARENTS * CHILDREN) / 2);

      const result = await run.result();
      expect(result).toMatchObject({ state: 'done', complete: true, flaws: [], rows: PARENTS * (1 + CHILDREN) });
      const report = api.report();
      expect(report.repeated).toEqual([]);
      expect(report.violations).toEqual([]);
      // Calls of this run that did not bring a page: those in flight when it began, their first repetition, and probes.
      // Each by its own backoff would have made four or five in that time.
      const failed = result.calls - report.positions;
      expect(failed).toBeGreaterThanOrEqual(7);
      expect(failed).toBeLessThanOrEqual(2 * AT_ONCE + 6);
    },
  );
});
