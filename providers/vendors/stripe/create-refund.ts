/**
 * Pays back a charge or a payment intent, in whole or in part. A repeat with the same key is the same refund; Stripe keeps keys for at least
 * 24 hours.
 * @see https://docs.stripe.com/api/refunds/create
 * @see https://docs.stripe.com/api/idempotent_requests
 */
import { z } from 'zod';
import { forAccount, stripe } from './provider.ts';

const target = z.union([z.object({ charge: z.string() }), z.object({ paymentIntent: z.string() })]);

export const createRefund = stripe.action('createRefund', {
  input: target.and(
    z.object({
      /** In the smallest unit of the currency, e.g. cents. Default: all that is left. */
      amount: z.number().int().min(1).optional(),
      reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
    }),
  ),
  output: z.object({ id: z.string(), amount: z.number(), currency: z.string(), status: z.string().nullable() }),
  what: (input) => `a refund of ${entityOf(input)}`,
  request: (input, context) => ({
    method: 'POST',
    path: '/v1/refunds',
    form: {
      ...('charge' in input ? { charge: input.charge } : { payment_intent: input.paymentIntent }),
      ...(input.amount === undefined ? {} : { amount: String(input.amount) }),
      ...(input.reason === undefined ? {} : { reason: input.reason }),
    },
    headers: { ...forAccount(context), 'idempotency-key': context.idempotencyKey },
  }),
  idempotent: true,
  conflicts: { entity: (input) => `stripe/${entityOf(input)}` },
});

function entityOf(input: z.output<typeof target>): string {
  return 'charge' in input ? input.charge : input.paymentIntent;
}
