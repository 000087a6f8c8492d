/**
 * Customers, and all movements of money. Stripe lists by time of creation and has no filter for changes: customers are read anew each time,
 * which also finds deleted ones. Balance transactions do not change but for their status, which is settled within days.
 * @see https://docs.stripe.com/reports/balance-transaction-types
 */
import { z } from 'zod';
import { days, defineSync } from '../../index.ts';
import { balanceTransactions, customers, stripe } from './provider.ts';

export const stripeSync = defineSync('stripe', { provider: stripe, input: z.object({}) }, (s) => ({
  customers: s.one(customers, { input: () => ({}), key: (customer) => customer.id, deletions: 'full-pass' }),
  balanceTransactions: s.one(balanceTransactions, {
    input: (_, { watermark }) => ({ since: watermark }),
    key: (transaction) => transaction.id,
    incremental: { field: (transaction) => transaction.created, numbers: 'seconds', lookbackMs: days(14) },
  }),
}));
