import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billing } from '../../../providers/_template/billing.ts';
import { customers } from '../../../providers/_template/provider.ts';
import { simulateSync, startFakeApi, type FakeApi } from '../../../testing/index.ts';

describe('the provider to copy', () => {
  let api: FakeApi;

  beforeAll(async () => {
    api = await startFakeApi();
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
  });
  afterAll(() => api?.stop());

  it('syncs customers and their invoices within the limit that it states', async () => {
    const credentials = { accessToken: 'secret-token-of-a-test' };
    const { result, rows, report } = await simulateSync(billing, { api, input: {}, credentials });
    expect(result).toMatchObject({ state: 'done', complete: true, rows: 12 + 12 * 7 });
    expect(rows(billing.invoices)).toContainEqual({ id: 'c3-2', total: 2, customerName: 'Customer 3' });
    expect(report).toMatchObject({ refused: 0, repeated: [], violations: [] });
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
