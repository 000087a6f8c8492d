import { NativeConnection, Worker } from '@temporalio/worker';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ShapeActivities } from '../../../examples/shapes/activities.ts';
import { syncShops } from '../../../examples/shapes/app.ts';
import {
  chain,
  charge,
  chunks,
  group,
  map,
  nested,
  purchase,
  reserve,
  starmap,
} from '../../../examples/shapes/syncs.ts';
import type * as shapes from '../../../examples/shapes/workflows.ts';
import type { Node } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const ORDERS = 23;
const CUSTOMERS = 12;
const LINES = 6;
const NOTES = 3;
/** Calls of one `map` and one `nested`: pages of orders, then customers; or pages of lines and stock of each line. */
const ORDER_PAGES = Math.ceil(ORDERS / 5);
const MAP_CALLS = ORDER_PAGES + CUSTOMERS;
const NESTED_CALLS = ORDER_PAGES + ORDERS * (Math.ceil(LINES / 5) + LINES);

describe('the shapes of task queues', () => {
  let api: FakeApi;
  let world: World;
  let app: { client: Client; end: () => Promise<void>; queue: string };
  let told: { what: string; openCalls: number; calls: number }[] = [];

  beforeAll(async () => {
    api = await startFakeApi({ latencyMs: [1, 40] });
    process.env['SHOP_URL'] = api.url;
    const orderOf = (id: string, i: number) => ({ id, customerId: `c${i % CUSTOMERS}` });
    api.object('/orders/:id', ({ id }) => orderOf(id, 3));
    api.object('/customers/:id', ({ id }) => ({ id, addressId: `${id}-home` }));
    api.object('/addresses/:id', ({ id }) => ({ id }));
    api.object('/orders/:id/lines/:line/stock', ({ line }) => ({ id: `stock-${line}` }));
    api.list('/shops/:id/orders', { count: ORDERS, itemAt: ({ id }, i) => orderOf(`${id}-o${i}`, i) });
    api.list('/orders/:id/lines', { count: LINES, itemAt: ({ id }, i) => ({ id: `${id}-l${i}`, orderId: id }) });
    api.list('/orders/:id/notes', { count: NOTES, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
    api.route('GET', '/customers', ({ query }) => {
      const ids = query.get('ids')?.split(',') ?? [];
      return { body: { customers: ids.map((id) => ({ id })) } };
    });
    api.action('POST', '/reservations', {});
    api.action('POST', '/charges', {});
    world = await createWorld([chain, group, map, starmap, chunks, nested], {
      actions: [reserve, charge],
      sagas: [purchase],
    });
    app = await startApp();
  });
  afterAll(async () => {
    await app?.end();
    await world?.end();
    await api?.stop();
    delete process.env['SHOP_URL'];
  });
  beforeEach(() => {
    api.reset();
    told = [];
  });

  /** The app's own worker, beside Sluice's: plain Temporal. */
  async function startApp() {
    const queue = `${world.taskQueue}-app`;
    const activities: ShapeActivities = {
      tell: (what) => {
        const { inFlight, calls } = api.report();
        told.push({ what, openCalls: inFlight, calls });
        return Promise.resolve();
      },
    };
    const address = temporalAddress();
    const native = await NativeConnection.connect({ address });
    const workflowsPath = new URL('../../../examples/shapes/workflows.ts', import.meta.url).pathname;
    const worker = await Worker.create({ connection: native, taskQueue: queue, workflowsPath, activities });
    const done = worker.run();
    const connection = await Connection.connect({ address });
    return {
      queue,
      client: new Client({ connection }),
      end: async () => {
        worker.shutdown();
        await done;
        await connection.close();
        await native.close();
      },
    };
  }

  const keysOf = async (node: Node, account: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of world.sluice.records(node, { account })) keys.push(key);
    return keys.sort();
  };
  const numbered = (count: number, name: (i: number) => string): string[] =>
    Array.from({ length: count }, (_, i) => name(i)).sort();

  it('chain: each link is called with what the one before it has brought', async () => {
    const run = await world.sluice.start(chain, { account: 'chain', input: { orderId: 'o1' } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 3, calls: 3 });
    expect(await keysOf(chain.third, 'chain')).toEqual(['c3-home']);
  });

  it('chain of writes: a saga hands each output on, and sends each write once', async () => {
    const handle = await world.sluice.saga(purchase, { account: 'saga', input: { orderId: 'o1', amount: 5 } });
    const { stock, payment } = await handle.result();
    expect(stock.id).toMatch(/^reservations-/);
    expect(payment.id).toMatch(/^charges-/);
    expect(api.report().byRoute).toEqual({ 'POST /reservations': 1, 'POST /charges': 1 });
  });

  it('group: several kinds of children of one parent side by side, one end for all', async () => {
    const run = await world.sluice.start(group, { account: 'group', input: { orderId: 'o1' } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 1 + LINES + NOTES + 1 });
    expect(await keysOf(group.itsLines, 'group')).toHaveLength(LINES);
    expect(await keysOf(group.itsNotes, 'group')).toHaveLength(NOTES);
    expect(await keysOf(group.whose, 'group')).toEqual(['c3']);
  });

  it('group of syncs: started together from app code, awaited together', async () => {
    const results = await syncShops(world.sluice, ['g1', 'g2', 'g3']);
    expect(results.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    expect(api.report().calls).toBe(3 * MAP_CALLS);
  });

  it('map: one call for every row of a list, and for every value once', async () => {
    const run = await world.sluice.start(map, { account: 'map', input: { shopId: 's1' } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    expect(await keysOf(map.customers, 'map')).toEqual(numbered(CUSTOMERS, (i) => `c${i}`));
    expect(api.report().byRoute).toEqual({ 'GET /shops/:id/orders': ORDER_PAGES, 'GET /customers/:id': CUSTOMERS });
  });

  it('starmap: each call gets several arguments from its row', async () => {
    const run = await world.sluice.start(starmap, { account: 'starmap', input: { orderId: 'o1' } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    expect(await keysOf(starmap.stocks, 'starmap')).toEqual(numbered(LINES, (i) => `stock-o1-l${i}`));
    expect(api.report().unknownPaths).toEqual({});
  });

  it('chunks: ten ids a call, and what is left in the last one', async () => {
    const run = await world.sluice.start(chunks, { account: 'chunks', input: { shopId: 's1' } });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true });
    expect(await keysOf(chunks.found, 'chunks')).toEqual(numbered(CUSTOMERS, (i) => `c${i}`));
    expect(api.report().byRoute).toEqual({ 'GET /shops/:id/orders': 1, 'GET /customers': Math.ceil(ORDERS / 10) });
  });

  it('chord: the callback comes once, when every sync of the group has ended', async () => {
    const shops = ['x1', 'x2', 'x3', 'x4'];
    const rows = await app.client.workflow.execute<typeof shapes.chord>('chord', {
      taskQueue: app.queue,
      workflowId: `${app.queue}-chord`,
      args: [world.taskQueue, shops],
    });
    expect(rows).toBe(shops.length * (ORDERS + CUSTOMERS));
    expect(told).toEqual([{ what: `4 shops, ${rows} rows`, openCalls: 0, calls: shops.length * MAP_CALLS }]);
    // The same runs as those of `sluice.start`: everybody finds them by account and sync.
    const progress = await world.sluice.run({ sync: map, account: 'x1' }).progress();
    expect(progress).toMatchObject({ state: 'done', account: 'x1' });
  });

  it('nested chains as a tree: the run is done when the last grandchild is, and not a moment before', async () => {
    const run = await world.sluice.start(nested, { account: 'nested', input: { shopId: 's1' } });
    let looks = 0;
    let callsWhenDone: number | undefined;
    const ended = run.result();
    await expect
      .poll(
        async () => {
          looks++;
          const { state } = await run.progress();
          if (state === 'done') callsWhenDone = api.report().calls;
          return state;
        },
        { interval: 10, timeout: 30_000 },
      )
      .toBe('done');
    expect(looks).toBeGreaterThan(3);
    expect(callsWhenDone).toBe(NESTED_CALLS);
    expect(await ended).toMatchObject({ state: 'done', complete: true, calls: NESTED_CALLS });
    expect(await keysOf(nested.stocks, 'nested')).toHaveLength(ORDERS * LINES);
    const reports = await world.sluice.reports.list({ workflowId: run.workflowId });
    expect(reports.map(({ status }) => status)).toEqual(['ok']);
    expect(api.report()).toMatchObject({ calls: NESTED_CALLS, inFlight: 0, repeated: [] });
  });

  it('chains inside a chain: the outer one goes on once, after the last inner one', async () => {
    const shops = ['n1', 'n2', 'n3'];
    const rows = await app.client.workflow.execute<typeof shapes.outerChain>('outerChain', {
      taskQueue: app.queue,
      workflowId: `${app.queue}-outer`,
      args: [world.taskQueue, shops],
    });
    expect(rows).toBe(shops.length * (ORDERS + CUSTOMERS + ORDERS + ORDERS * LINES + ORDERS * LINES));
    const inner = shops.map((shop) => `inner chain of ${shop} has ended`);
    expect(told.slice(0, -1).map(({ what }) => what)).toEqual(expect.arrayContaining(inner));
    expect(told).toHaveLength(shops.length + 1);
    expect(told.at(-1)).toEqual({
      what: 'outer chain has ended',
      openCalls: 0,
      calls: shops.length * (MAP_CALLS + NESTED_CALLS),
    });
  });
});
