/**
 * Stripe. Lists go on behind the id of the last row; writes have idempotency keys; errors have a type, a code and the parameter.
 * Next: `sync.ts`, `create-refund.ts`.
 * @see https://docs.stripe.com/rate-limits
 * @see https://docs.stripe.com/api/pagination
 * @see https://docs.stripe.com/error-low-level
 */
import { z } from 'zod';
import {
  bodyField,
  deadCursor,
  defineProvider,
  get,
  permanent,
  refreshAuth,
  retry,
  rules,
  status,
  when,
  window,
} from '../../index.ts';

const settings = z.object({
  /** Keys that begin with `sk_test_` or `rk_test_` are of the test mode. */
  mode: z.enum(['live', 'test']).default('live'),
  /** The connected account that is asked for with a platform's key: https://docs.stripe.com/connect/authentication */
  connectedAccount: z.string().startsWith('acct_').optional(),
});

/** `Stripe-Account`, where a platform asks for one of its accounts. */
export const forAccount = (of: { readonly settings: z.output<typeof settings> }): Record<string, string> =>
  of.settings.connectedAccount === undefined ? {} : { 'stripe-account': of.settings.connectedAccount };

/** The secret key, better a restricted one, is the account's `accessToken`. */
export const stripe = defineProvider(settings, {
  id: 'stripe',
  baseUrl: 'https://api.stripe.com',
  // Where files of reports are: https://docs.stripe.com/api/files/object
  hosts: ['files.stripe.com'],
  headers: { 'stripe-version': '2026-10-28.endive' },
  limits: [
    // 100 reads and 100 writes a second; 25 in test mode.
    window('reads', {
      by: ['account'],
      max: ({ settings: { mode } }) => (mode === 'live' ? 100 : 25),
      perMs: 1_000,
      except: ['createRefund'],
    }),
    window('writes', {
      by: ['account'],
      max: ({ settings: { mode } }) => (mode === 'live' ? 100 : 25),
      perMs: 1_000,
      endpoints: ['createRefund'],
    }),
  ],
  classify: rules([
    // 429 too, but no limit: another call works on the same object. https://docs.stripe.com/rate-limits#object-lock-timeouts
    when(status(429), bodyField('error.code', 'lock_timeout'), retry({ afterMs: 1_000 })),
    // The customer behind whom the page begins was deleted meanwhile.
    when(
      status(400, 404),
      bodyField('error.code', 'resource_missing'),
      bodyField('error.param', 'starting_after'),
      deadCursor(),
    ),
    // The request was good and could not be done: a declined card, a balance that is too small. It says nothing of the key.
    when(status(402), permanent('bug')),
    // A bank or another party behind Stripe did not answer.
    when(status(424), retry({ afterMs: 5_000 })),
    when(bodyField('error.code', 'api_key_expired', 'platform_api_key_expired'), refreshAuth()),
  ]),
});

export const Customer = z.object({
  id: z.string(),
  name: z.string().nullish(),
  email: z.string().nullable(),
  phone: z.string().nullish(),
  currency: z.string().nullish(),
  delinquent: z.boolean().nullish(),
  created: z.number(),
  livemode: z.boolean(),
  metadata: z.record(z.string(), z.string()),
});

export const BalanceTransaction = z.object({
  id: z.string(),
  type: z.string(),
  amount: z.number(),
  fee: z.number(),
  net: z.number(),
  currency: z.string(),
  status: z.string(),
  created: z.number(),
  available_on: z.number(),
  description: z.string().nullable(),
  reporting_category: z.string(),
  source: z.string().nullable(),
});

const listOf = <Row extends z.ZodType>(row: Row) => z.object({ data: z.array(row), has_more: z.boolean() });

/** https://docs.stripe.com/api/customers/list */
export const customers = stripe.endpoint('customers', {
  input: z.object({}),
  response: listOf(Customer),
  request: (_, page, of) => get('/v1/customers', { limit: page.size, starting_after: page.cursor }, forAccount(of)),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data,
    next: ({ data }) => data.at(-1)?.id,
    hasMore: (answer) => answer.has_more,
    pageSize: { start: 100 },
  },
});

/** https://docs.stripe.com/api/balance_transactions/list */
export const balanceTransactions = stripe.endpoint('balanceTransactions', {
  input: z.object({ since: z.string().optional() }),
  response: listOf(BalanceTransaction),
  request: ({ since }, page, of) =>
    get(
      '/v1/balance_transactions',
      { limit: page.size, starting_after: page.cursor, 'created[gte]': since },
      forAccount(of),
    ),
  paginate: {
    kind: 'cursor',
    items: ({ data }) => data,
    next: ({ data }) => data.at(-1)?.id,
    hasMore: (answer) => answer.has_more,
    pageSize: { start: 100 },
  },
});
