/** All that is known of one account, as the client and `sluice accounts show` tell it. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineProvider, defineSync, get, noAuth, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

let api: FakeApi;
let world: World;
const provider = defineProvider({
  id: 'shop',
  baseUrl: () => api.url,
  auth: noAuth(),
  limits: [window('account', { by: ['account'], max: 5, perMs: 60_000 })],
});
const syncNamed = (name: string) =>
  defineSync(name, { provider, input: z.object({}) }, (s) => ({
    rows: s.one(
      provider.endpoint(name, {
        input: z.object({}),
        response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
        request: (_, page) => get(`/${name}`, { cursor: page.cursor, limit: page.size }),
        paginate: { kind: 'cursor', items: ({ items }) => items, next: ({ next }) => next, pageSize: { start: 5 } },
      }),
      { input: () => ({}), key: ({ id }) => id },
    ),
  }));
const orders = syncNamed('orders');
const stock = syncNamed('stock');

beforeAll(async () => {
  api = await startFakeApi();
  api.list('/orders', { count: 3, itemAt: (_, i) => ({ id: `o${i}` }) });
  api.list('/stock', { count: 100, itemAt: (_, i) => ({ id: `s${i}` }) });
  world = await createWorld([orders, stock], { encryptionKeys: TEST_KEYS });
});
afterAll(async () => {
  await world?.end();
  await api?.stop();
});

const show = (account: string, ...args: string[]) =>
  command(['accounts', 'show', account, ...args], {
    DATABASE_URL: world.db.url,
    TEMPORAL_ADDRESS: temporalAddress(),
    SLUICE_TASK_QUEUE: world.taskQueue,
  });

describe('what is known of an account', () => {
  it('is the end of its token, the key it waits for, and the last good run beside a newer one that failed', async () => {
    const { accounts } = world.sluice;
    const name = { provider: 'shop', account: 'a1', tenant: 'acme' };
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await accounts.connect({ ...name, credentials: { accessToken: 'at_secret_0123456789', expiresAt } });
    const good = await world.sluice.start(orders, { account: 'a1', input: {} });
    const first = await good.result();
    expect(first.state).toBe('done');
    api.script('/orders', [{ status: 403, body: {} }]);
    const bad = await (await world.sluice.start(orders, { account: 'a1', input: {} })).result();
    expect(bad.complete).toBe(false);
    const waiting = await world.sluice.start(stock, { account: 'a1', input: {} });
    await expect.poll(() => waiting.waits().then(([wait]) => wait?.limit)).toMatch(/^shop\/account\//);

    const [details, ...others] = await accounts.show({ account: 'a1' });
    expect(others).toEqual([]);
    expect(details).toMatchObject({
      provider: 'shop',
      tenant: 'acme',
      status: 'connected',
      token: { state: 'valid', failures: 0 },
      keys: [expect.stringMatching(/^shop\/account\//) as string],
      waits: [{ workflowId: 'sync/stock/a1', text: expect.stringMatching(/^rows: 1 list waits for shop/) as string }],
      syncs: [
        { sync: 'orders', runId: bad.runId, state: bad.state, flaws: 1, lastGood: { runId: first.runId } },
        { sync: 'stock', state: 'running', lastGood: null, ageMs: null, nextRunAt: null, flaws: 0 },
      ],
    });
    // The database adds the time to its own clock.
    expect(Math.abs(Date.parse(details?.token?.endsAt ?? '') - Date.parse(expiresAt))).toBeLessThan(10_000);
    expect(details?.syncs[0]?.ageMs).toBeGreaterThan(0);
    expect(await accounts.show({ account: 'a1', tenant: 'others' })).toEqual([]);
    expect(await accounts.show({ account: 'a1', provider })).toHaveLength(1);

    const shown = await show('a1');
    expect(shown.code).toBe(0);
    expect(shown.output).toMatch(/^shop\/a1 {2}connected since 20\S+Z {2}tenant acme\n {2}token {2}valid, ends 20/);
    expect(shown.output).toMatch(/\n {2}orders {2}\w+ at 20\S+Z; last good run 20\S+Z, [\d.]+ s old\n/);
    expect(shown.output).toContain("1 list not read to the end: npx sluice status 'sync/orders/a1' --flaws");
    expect(shown.output).toMatch(/\n {2}stock {2}running since 20\S+Z; no good run yet\n {2}waits for shop\/account/);
    expect(shown.output).not.toContain('at_secret');
    await waiting.cancel();
  });

  it('is that its user must connect it again, with exit code 1', async () => {
    const name = { provider: 'shop', account: 'a2' };
    await world.sluice.accounts.connect({ ...name, credentials: { accessToken: 'x', refreshToken: 'y' } });
    await world.db.pool.query(
      `update sluice.account set status = 'needs_reconnect', reason = 'HTTP 401: revoked' where account = 'a2'`,
    );
    await world.db.pool.query(
      `update sluice.credential set failures = 2, failure = 'HTTP 503', expires_at = now() - interval '1 day' where account = 'a2'`,
    );
    const shown = await show('a2');
    expect(shown.code).toBe(1);
    expect(shown.output).toContain('its user must connect it again: HTTP 401: revoked');
    expect(shown.output).toMatch(
      /2 refreshes in a row failed \(HTTP 503\), tried again with the next call; its end is 20/,
    );
    expect(await show('nobody', '--json')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^\[\]\nNo account "nobody" is known here/) as string,
    });
  });

  it('is that no token was ever there, where there was none', async () => {
    const { accounts } = world.sluice;
    await accounts.connect({ provider: 'shop', account: 'a4', credentials: { refreshToken: 'only-this-one' } });
    await accounts.connect({ provider: 'shop', account: 'a5', settings: {} });
    const [byRefresh, without] = await Promise.all(['a4', 'a5'].map((account) => accounts.show({ account })));
    expect([byRefresh?.[0]?.token?.state, without?.[0]?.token]).toEqual(['none', null]);
    expect((await show('a4')).output).toContain('  token  none so far: calls go by the other credentials');
    expect((await show('a5')).output).toContain('  token  none: no credentials were ever given');
    await accounts.connect({ provider: 'shop', account: 'a4', credentials: { accessToken: 'at_0123456789' } });
    expect((await accounts.show({ account: 'a4' }))[0]?.token?.state).toBe('valid');
  });

  it('is the first start by the schedule of a sync that has not run for it', async () => {
    await world.sluice.accounts.connect({ provider: 'shop', account: 'a6', settings: {} });
    const scheduled = defineSync('counted', { provider, input: z.object({}), schedule: { every: '1d' } }, (s) => ({
      rows: s.values(() => [], { key: () => '' }),
    }));
    await world.sluice.schedules.apply([scheduled]);
    await world.db.pool.query(`update sluice.due set due_at = '2030-01-01Z' where account = 'a6'`);
    const [details] = await world.sluice.accounts.show({ account: 'a6' });
    expect(details).toMatchObject({
      syncs: [],
      scheduled: [{ sync: 'counted', nextRunAt: '2030-01-01T00:00:00.000Z' }],
    });
    expect((await show('a6')).output).toContain('  counted  not run yet; next run 2030-01-01T00:00:00.000Z');
  });

  it('is the next start by a schedule that says for whom it is', async () => {
    await (await world.sluice.start(orders, { account: 'a3', input: {} })).result();
    const keyword = (name: string, value: string) => ({
      key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      value,
    });
    const schedule = await world.temporal.schedule.create({
      scheduleId: `orders-${world.taskQueue}`,
      spec: { intervals: [{ every: '30 days' }] },
      typedSearchAttributes: [keyword('SluiceAccount', 'a3'), keyword('SluiceSync', 'orders')],
      action: {
        type: 'startWorkflow',
        workflowType: 'sync',
        taskQueue: world.taskQueue,
        args: [{ sync: 'orders', account: 'a3', input: {} }],
      },
    });
    const next = (await schedule.describe()).info.nextActionTimes[0]?.toISOString();
    await expect
      .poll(async () => (await world.sluice.accounts.show({ account: 'a3' }))[0]?.syncs[0]?.nextRunAt)
      .toBe(next);
    expect((await show('a3')).output).toContain(`; next run ${next}`);
    await schedule.pause();
    await expect
      .poll(async () => (await world.sluice.accounts.show({ account: 'a3' }))[0]?.syncs[0]?.nextRunAt)
      .toBeNull();
    await schedule.delete();
  });
});
