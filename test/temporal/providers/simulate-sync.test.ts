import { chmodSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, oauth2, post, seconds, window } from '../../../providers/index.ts';
import {
  ActionStuck,
  simulateAction,
  simulateSync,
  SimulationStuck,
  startFakeApi,
  startSimulator,
} from '../../../testing/index.ts';
import type { FakeApi, Simulator } from '../../../testing/index.ts';

const Order = z.object({ id: z.string() });
// As it is in production: nothing of it leads to the fake third party.
const provider = defineProvider({
  id: 'shop',
  baseUrl: 'https://shop.invalid/v1',
  auth: oauth2({ tokenUrl: 'https://login.invalid/oauth/token', clientId: 'app' }),
  limits: [window('account', { by: ['account'], max: 20, perMs: seconds(1) })],
});
const orders = provider.endpoint('orders', {
  input: z.object({ shop: z.string() }),
  response: z.object({ items: z.array(Order), next: z.string().nullish() }),
  request: ({ shop }, page) => get(`/shops/${shop}/orders`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next, pageSize: { start: 5 } },
});
const sync = defineSync('shop', { provider, input: z.object({ shop: z.string() }) }, (s) => ({
  orders: s.one(orders, { input: (input) => input, key: (order) => order.id, deletions: 'full-pass' }),
}));
const growing = defineSync('growing', { provider, input: z.object({ shop: z.string() }) }, (s) => ({
  orders: s.one(
    provider.endpoint('grown-orders', {
      input: z.object({ shop: z.string() }),
      response: z.object({ items: z.array(Order), next: z.string().nullish() }),
      request: ({ shop }, page) => get(`/shops/${shop}/orders`, { cursor: page.cursor, limit: page.size }),
      paginate: {
        kind: 'cursor',
        items: ({ items }) => items,
        next: ({ next }) => next,
        pageSize: { start: 5, max: 50 },
      },
    }),
    { input: (given) => given, key: ({ id }) => id },
  ),
}));
const order = provider.action('order', {
  input: z.object({ shop: z.string(), sku: z.string() }),
  output: Order,
  request: ({ shop, sku }, { idempotencyKey }) =>
    post(`/shops/${shop}/orders`, { sku }, { 'idempotency-key': idempotencyKey }),
  idempotent: true,
  maxAttempts: 3,
});
const input = { shop: 's1' };

/** A place of its own for temporary folders: other tests of this machine make some, too. */
const place = mkdtempSync(join(tmpdir(), 'simulate-sync-'));
chmodSync(place, 0o711); // Postgres may run as another user
const { TMPDIR: usual } = process.env;
process.env['TMPDIR'] = place;
afterAll(() => {
  // Other files of this process come after it.
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  rmSync(place, { recursive: true });
});
const left = () => readdirSync(place);
let api: FakeApi;
let rowsToday = 12;
beforeAll(async () => {
  api = await startFakeApi();
  api.list('/shops/:shop/orders', { count: () => rowsToday, itemAt: (_, i) => ({ id: `o${i}` }) });
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.reset();
  rowsToday = 12;
});

describe('one simulated sync', () => {
  it('runs on servers of its own, calls and refreshes at the fake third party, and leaves nothing behind', async () => {
    // Servers that a test must never touch.
    vi.stubEnv('DATABASE_URL', 'postgresql://nobody@127.0.0.1:1/production');
    vi.stubEnv('TEMPORAL_ADDRESS', '127.0.0.1:1');
    // A folder for temporary files in which nobody else has any.
    const folder = mkdtempSync(join(tmpdir(), 'sluice-simulate-sync-'));
    chmodSync(folder, 0o755); // Postgres may run as another user
    vi.stubEnv('TMPDIR', folder);
    const oauth = api.oauth();
    const credentials = oauth.issue('simulated');
    oauth.expire('simulated');
    const simulated = await simulateSync(sync, { api, input, credentials }).finally(() => vi.unstubAllEnvs());

    expect(simulated.result).toMatchObject({ state: 'done', complete: true, flaws: [], rows: 12 });
    expectTypeOf(simulated.rows(sync.orders)).toEqualTypeOf<{ id: string }[]>();
    expect(
      simulated
        .rows(sync.orders)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(Array.from({ length: 12 }, (_, i) => `o${i}`).sort());
    expect(simulated.calls).toBe(4); // the refused one, and three pages
    expect(simulated.violations).toEqual([]);
    expect(simulated.report).toMatchObject({ calls: 5, unauthorized: 1, repeated: [] });
    expect(api.report().openConnections).toBe(0);
    expect(oauth.account('simulated')).toMatchObject({ refreshes: 1, isLost: false });
    expect(readdirSync(folder)).toEqual([]);
    rmdirSync(folder);
  });
});

describe('one simulated action', () => {
  it('is performed on servers of its own, at the fake third party, and leaves nothing behind', async () => {
    const before = left();
    const writes = api.action('POST', '/shops/:shop/orders', {});
    const credentials = api.oauth().issue('simulated');
    const options = { api, input: { shop: 's1', sku: 'tea' }, credentials };
    const { status, output, calls, violations } = await simulateAction(order, options);
    expect(status).toMatchObject({ state: 'done', error: null });
    expectTypeOf(output).toEqualTypeOf<{ id: string } | undefined>();
    expect(output?.id).toBe(writes.objects()[0]?.id);
    expect(calls).toBe(1);
    expect(violations).toEqual([]);
    expect(left()).toEqual(before);
  });
});

describe('a simulator', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator?.stop());
  const login = (account: string) => ({ account, credentials: api.oauth().issue(account) });

  it('says why a run pauses that nobody can mend, and is good for the next run of the account', async () => {
    api.oauth();
    const stuck = simulator.run(sync, { api, input, account: 'late' });
    await expect(stuck).rejects.toThrow(SimulationStuck);
    await expect(stuck).rejects.toThrow(/"shop" pauses: .*"late" is not connected to "shop"/);
    expect(api.report().calls).toBe(0);
    expect((await simulator.run(sync, { api, input, ...login('late') })).result.state).toBe('done');
  });

  it('gives up a run that takes too long, and says how far it came and what it waits for', async () => {
    api.script('/shops/:shop/orders', ['ok', { status: 429, headers: { 'retry-after': '60' } }]);
    const stuck = simulator.run(sync, { api, input, ...login('slow'), timeoutMs: 2_000 });
    await expect(stuck).rejects.toThrow(/had not ended after 2 s.*\n {2}orders: running, 1 pages, 5 rows, 2 calls/);
    await expect(stuck).rejects.toThrow(/\n {2}orders: 1 list waits for .*429/);
  });

  it('asks for pages of one size where a cassette needs them', async () => {
    rowsToday = 120;
    const sizes = async (growsPages: boolean) => {
      const limits = new Set<string | null>();
      const account = growsPages ? 'grows' : 'steady';
      api.limit({
        name: account,
        max: 1_000,
        cost: ({ path, query }) => (path.endsWith('/orders') && limits.add(query.get('limit')), 1),
      });
      expect((await simulator.run(growing, { api, input, ...login(account), growsPages })).result.state).toBe('done');
      return limits.size;
    };
    expect(await sizes(true)).toBeGreaterThan(1);
    expect(await sizes(false)).toBe(1);
  });

  it('refuses options that it does not know, before anything is run', async () => {
    const options = { api, inputs: input } as never;
    await expect(simulator.run(sync, options)).rejects.toThrow('simulateSync: unknown option `inputs`; known are api');
    await expect(simulator.act(order, options)).rejects.toThrow('simulateAction: unknown option `inputs`');
    expect(api.report().calls).toBe(0);
  });

  it('performs actions: one that fails is a result, and the same key is the same action', async () => {
    const writes = api.action('POST', '/shops/:shop/orders', {});
    const options = { api, input: { shop: 's1', sku: 'tea' }, ...login('writer') };
    api.script('POST /shops/:shop/orders', [{ status: 422, body: { error: 'sold out' } }]);
    const failed = await simulator.act(order, { ...options, idempotencyKey: 'k1' });
    expect(failed).toMatchObject({ status: { state: 'failed', errorType: 'bug' }, output: undefined, calls: 1 });
    api.script('POST /shops/:shop/orders', ['reset-after', '503']);
    const done = await simulator.act(order, { ...options, idempotencyKey: 'k2' });
    expect(done).toMatchObject({ status: { state: 'done' }, calls: 3 });
    expect(await simulator.act(order, { ...options, idempotencyKey: 'k2' })).toMatchObject({ output: done.output });
    expect(writes.objects()).toHaveLength(1);
  });

  it('gives up an action that takes too long, and says what it waits for', async () => {
    api.action('POST', '/shops/:shop/orders', {});
    api.script('POST /shops/:shop/orders', [{ status: 429, headers: { 'retry-after': '60' } }]);
    const options = { api, input: { shop: 's1', sku: 'tea' }, ...login('late-writer'), timeoutMs: 2_000 };
    const stuck = simulator.act(order, options);
    await expect(stuck).rejects.toThrow(ActionStuck);
    await expect(stuck).rejects.toThrow(
      /^The action "shop\/order" had not ended after 2 s \(ready, 1 calls\)\n.*(429|blocked by an answer)/,
    );
  });

  it('keeps an account from run to run: what is gone at the third party is gone from the rows', async () => {
    const first = await simulator.run(sync, { api, input, ...login('again') });
    rowsToday = 7;
    const second = await simulator.run(sync, { api, input, account: 'again', mode: 'full' });
    expect(first.rows(sync.orders)).toHaveLength(12);
    expect(second.rows(sync.orders)).toHaveLength(7);
    expect((await simulator.run(sync, { api, input, ...login('other') })).rows(sync.orders)).toHaveLength(7);
  });

  it('shares a limit between several workers, and reports what the third party refused', async () => {
    rowsToday = 150;
    api.limit({ name: 'tighter', by: 'account', max: 10, perMs: 1_000, headers: 'retry-after-seconds' });
    const { result, violations } = await simulator.run(sync, { api, input, ...login('two'), workers: 2 });
    expect(result).toMatchObject({ state: 'done', complete: true, rows: 150 });
    expect(violations.length).toBeGreaterThan(0);
    expect(violations[0]).toMatchObject({ limit: 'tighter', max: 10 });
  });
});
