/** Lists that vendors make as a file: ordered once, read once, whatever is lost. */
import { describe, expect, test } from 'vitest';
import { shopifyVariantsSync } from '../../../providers/vendors/shopify-bulk/index.ts';
import { stripeActivitySync } from '../../../providers/vendors/stripe-reports/index.ts';
import type { FakeApi, Simulator } from '../../../testing/index.ts';
import { playShopify } from '../../setup/vendors/shopify.ts';
import { playStripeReports } from '../../setup/vendors/stripe-reports.ts';
import { onSimulator, onThirdParty, whole } from '../../setup/vendors/vendor-stage.ts';

let simulator: Simulator;
onSimulator((started) => (simulator = started));

// Vendors side by side, each with its tests in order.
const it = test.sequential;

describe.concurrent('a report run of Stripe', () => {
  let api: FakeApi;
  onThirdParty((played) => (api = played));
  const account = { account: 'st', credentials: { accessToken: 'rk_test_of-a-test' }, settings: { mode: 'test' } };

  it('is made once although the answer was lost, and the next one begins where the last one ended', async () => {
    const { movements, end, runs } = playStripeReports(api);
    api.script('POST /v1/reporting/report_runs', ['reset-after']);
    const first = await simulator.run(stripeActivitySync, { api, input: {}, ...account });
    expect(first.result).toMatchObject({ ...whole, rows: 301 });
    expect(runs.size).toBe(1);
    const rows = first.rows(stripeActivitySync.activity);
    expect(rows).toContainEqual({
      balance_transaction_id: 'txn_0',
      created_utc: end - 3_600,
      available_on_utc: null,
      currency: 'eur',
      gross: '12.30',
      fee: '0.30',
      net: '12.00',
      reporting_category: 'charge',
      source_id: null,
      description: 'Tea, green',
      automatic_payout_id: null,
    });
    // Of the last hours, which came late.
    movements.push({ id: 'txn_late', created: end - 30 * 3_600 });
    const second = await simulator.run(stripeActivitySync, { api, input: {}, account: 'st' });
    expect(second.result).toMatchObject(whole);
    expect(second.rows(stripeActivitySync.activity)).toHaveLength(301);
    const [, { form }] = [...runs.values()] as [unknown, { form: URLSearchParams }];
    expect(Number(form.get('parameters[interval_start]'))).toBe(end - 3_600 - 2 * 86_400);
  });

  it('is made anew when it has failed, and ends the list with the reason when it always does', async () => {
    playStripeReports(api);
    const failed = { id: 'frr_x', status: 'failed', error: 'no such column', result: null };
    api.route('GET', '/v1/reporting/report_runs/:id', () => ({ body: failed }));
    const { result } = await simulator.run(stripeActivitySync, { api, input: {}, ...account, account: 'st2' });
    expect(result).toMatchObject({ complete: false });
    expect(JSON.stringify(result.flaws)).toContain('no such column');
  });
});

describe.concurrent('a bulk operation of Shopify', () => {
  let api: FakeApi;
  onThirdParty((played) => (api = played));
  const account = { account: 'sh', credentials: { accessToken: 'shpat-of-a-test' }, settings: { shop: 'acme' } };

  it('waits while the shop has another one, is found again when the answer was lost, and finds what was deleted', async () => {
    const { variants, operations } = playShopify(api, { capacity: 1_000, perSecond: 100 });
    api.script('POST /graphql.json', ['reset-after']);
    // A minute, in which it may still be on its way; then it is looked up.
    const first = await simulator.run(shopifyVariantsSync, { api, input: {}, ...account, timeoutMs: 150_000 });
    expect(first.result).toMatchObject({ ...whole, rows: 400 });
    expect(operations).toHaveLength(1);
    expect(first.rows(shopifyVariantsSync.variants)).toContainEqual(variants[7]);
    // Of another app.
    operations.push({ id: 'gid://shopify/BulkOperation/other', query: '{ orders }', status: 'RUNNING', polls: 0 });
    setTimeout(() => (operations[1]!.status = 'COMPLETED'), 2_000);
    variants.splice(100, 3);
    const second = await simulator.run(shopifyVariantsSync, { api, input: {}, account: 'sh', timeoutMs: 150_000 });
    expect(second.result).toMatchObject(whole);
    expect(operations).toHaveLength(3);
    expect(second.rows(shopifyVariantsSync.variants)).toHaveLength(397);
    expect(second.violations).toEqual([]);
  });

  it('that is empty leaves nothing', async () => {
    const { variants } = playShopify(api, { capacity: 1_000, perSecond: 100 });
    variants.length = 0;
    const { result } = await simulator.run(shopifyVariantsSync, { api, input: {}, ...account, account: 'sh3' });
    expect(result).toMatchObject({ ...whole, rows: 0 });
  });
});
