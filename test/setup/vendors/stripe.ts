/** Stripe as its documentation describes it: pages behind a row, newest first, and writes that know their keys. */
import type { FakeApi } from '../../../testing/index.ts';

interface Row {
  readonly id: string;
  readonly created: number;
}

export function playStripe(api: FakeApi) {
  const now = Math.floor(Date.now() / 1_000);
  const customers = Array.from({ length: 230 }, (_, i) => ({
    id: `cus_${i}`,
    object: 'customer',
    name: `Customer ${i}`,
    email: `c${i}@example.com`,
    created: now - i * 60,
    livemode: false,
    metadata: { tier: 'gold' },
  }));
  const transaction = (i: number, created: number) => ({
    id: `txn_${i}`,
    object: 'balance_transaction',
    type: 'charge',
    amount: 1_000 + i,
    fee: 30,
    net: 970 + i,
    currency: 'eur',
    status: 'available',
    created,
    available_on: created + 172_800,
    description: null,
    reporting_category: 'charge',
    source: `ch_${i}`,
  });
  const transactions = Array.from({ length: 40 }, (_, i) => transaction(i, now - i * 86_400));

  const list = (path: string, rows: () => readonly Row[]) =>
    api.route(
      'GET',
      path,
      ({ query }) => {
        const since = Number(query.get('created[gte]') ?? 0);
        const asked = rows().filter(({ created }) => created >= since);
        const after = query.get('starting_after');
        const start = after === null ? 0 : asked.findIndex(({ id }) => id === after) + 1;
        if (after !== null && start === 0) return { status: 400, body: { error: missing(after) } };
        const size = Math.min(Number(query.get('limit') ?? 10), 100);
        const data = asked.slice(start, start + size);
        return { body: { object: 'list', url: path, data, has_more: start + size < asked.length } };
      },
      ({ query }) => query.toString(),
    );
  list('/v1/customers', () => customers);
  list('/v1/balance_transactions', () => transactions);
  const refunds = api.action('POST', '/v1/refunds', {
    status: 200,
    make: (body) => ({
      object: 'refund',
      amount: Number((body as { amount?: string }).amount ?? 1_000),
      currency: 'eur',
      status: 'succeeded',
    }),
  });
  const test = { kind: 'sliding', max: 25, perMs: 1_000 } as const;
  api.limit({ name: 'reads', ...test, by: ['account', 'method'], headers: 'none' });
  return { customers, transactions, transaction, refunds };
}

function missing(id: string): object {
  const message = `No such customer: '${id}'`;
  return { type: 'invalid_request_error', code: 'resource_missing', param: 'starting_after', message };
}
