import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billing } from '../../providers/_template/billing.ts';
import { customers } from '../../providers/_template/provider.ts';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';
import { createWorld, type World } from '../setup/world.ts';

describe('the provider to copy', () => {
  let api: FakeApi;
  let world: World;
  const stored: unknown[] = [];

  beforeAll(async () => {
    api = await startFakeApi();
    process.env['TEMPLATE_URL'] = api.url;
    api.list('/customers', {
      count: 12,
      itemAt: (_, i) => ({ id: `c${i}`, name: `Customer ${i}` }),
      fields: { items: 'data', next: 'next_cursor' },
    });
    api.list('/customers/:id/invoices', {
      count: 7,
      itemAt: ({ id }, i) => ({ id: `${id}-${i}`, total: i }),
      pagination: 'page',
      total: 'exact',
      fields: { items: 'data' },
    });
    api.limit({ name: 'per-token', by: 'token', max: 100, perMs: 10_000 });
    world = await createWorld([billing], {
      credentials: { get: () => Promise.resolve({ accessToken: 'secret-token-of-a-test' }) },
    });
  });
  afterAll(async () => {
    await world?.end();
    await api?.stop();
  });

  it('syncs customers and their invoices within the limit that it states', async () => {
    const run = await world.sluice.start(billing, { account: 'acme', input: {} });
    expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 12 + 12 * 7 });
    for await (const { data } of world.sluice.records(billing.invoices, { account: 'acme' })) stored.push(data);
    expect(stored).toContainEqual({ id: 'c3-2', total: 2, customerName: 'Customer 3' });
    expect(api.report()).toMatchObject({ refused: 0, repeated: [], violations: [] });
  });

  const answer = (status: number, body: unknown) => ({ status, headers: {}, text: JSON.stringify(body), elapsedMs: 1 });
  it.each([
    [400, { error: 'token_expired' }, 'refresh-auth'],
    [400, { error: 'account_suspended' }, 'skip'],
    [400, { error: 'bad_request' }, 'permanent'],
    [200, { status: 'busy' }, 'retry'],
    [403, { error: 'quota' }, 'limited'],
    [403, { error: 'private' }, 'permanent'],
    [404, {}, 'permanent'],
    [413, {}, 'shrink-page'],
    [429, {}, 'limited'],
    [503, {}, 'retry'],
    [200, { data: [] }, 'ok'],
  ] as const)('decides %i %j as %s', (status, body, kind) => {
    expect(customers.decide(answer(status, body)).kind).toBe(kind);
  });
});
