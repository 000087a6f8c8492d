/** A GraphQL-like third party: a bucket of points by plan, of which a call reserves the most and costs what its answer says. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { bucket, numberAt, defineProvider, defineSync, noAuth, post } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorld, type World } from '../../setup/world.ts';

const RESERVED = 100;
const ACTUAL = 10;
const BURST = { free: 300, pro: 600 };
const planOf = (account: string): 'free' | 'pro' => (account.startsWith('pro') ? 'pro' : 'free');

let api: FakeApi;
const shop = defineProvider({
  id: 'points-shop',
  baseUrl: () => api.url,
  auth: noAuth(),
  limits: [
    bucket('points', {
      by: ['account'],
      perSecond: 5,
      burst: ({ account }) => BURST[planOf(account)],
      cost: RESERVED,
      actualCost: numberAt('extensions.cost.actualQueryCost'),
    }),
  ],
});
const Page = z.object({ data: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }) });
const orders = shop.endpoint('orders', {
  input: z.object({}),
  response: Page,
  request: (_input, page) => post('/graphql', { cursor: page.cursor ?? null }),
  paginate: { kind: 'cursor', items: ({ data }) => data.items, next: ({ data }) => data.next },
});
const sync = defineSync('points-shop', { provider: shop, input: z.object({}) }, (s) => ({
  orders: s.one(orders, { input: () => ({}), key: ({ id }) => id }),
}));

let world: World;
beforeAll(async () => {
  world = await createWorld([sync]);
  api = await startFakeApi();
  const pages = 15;
  api.route('POST', '/graphql', ({ body }) => {
    const at = Number((body as { cursor: string | null }).cursor ?? 0);
    return {
      body: {
        data: { items: [{ id: `o${at}` }], next: at + 1 < pages ? String(at + 1) : null },
        extensions: { cost: { requestedQueryCost: RESERVED, actualQueryCost: ACTUAL } },
      },
    };
  });
  api.limit({
    name: 'points',
    kind: 'token-bucket',
    max: 5,
    perMs: 1_000,
    burst: BURST.free,
    cost: () => RESERVED,
    actualCost: () => ACTUAL,
  });
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

it('a cost that the answer tells is given back, so that what was reserved for it holds up nobody', async () => {
  const startedAt = performance.now();
  const run = await world.sluice.start(sync, { account: 'free-1', input: {} });
  expect(await run.result()).toMatchObject({ complete: true, rows: 15 });
  // Without it 15 calls are 1,500 points, of which 300 are there at once: four minutes.
  expect(performance.now() - startedAt).toBeLessThan(60_000);
  expect(api.report()).toMatchObject({ refused: 0, violationCount: 0 });
  const { rows } = await world.db.pool.query<{ burst: number }>(
    `select burst from sluice.limit_bucket where key = 'points-shop/points/free-1'`,
  );
  expect(rows[0]!.burst).toBeCloseTo(BURST.free - 0.5, 3);
});
