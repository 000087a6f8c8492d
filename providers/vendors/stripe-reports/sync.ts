/**
 * What the balance is made of, read from one report run: one job instead of a call for each hundred rows, and with payouts. Data of a day is
 * there some hours after its end.
 * @see https://docs.stripe.com/reports/options
 */
import { z } from 'zod';
import { days, defineSync } from '../../index.ts';
import { stripe } from '../stripe/index.ts';
import { activity, reportTypes } from './activity.ts';

export const stripeActivitySync = defineSync('stripe-activity', { provider: stripe, input: z.object({}) }, (s) => {
  const report = s.one(reportTypes, { input: () => ({}), key: (type) => type.id });
  return {
    report,
    activity: s.each(report, activity, {
      input: (type, { watermark }) => ({
        from: watermark === undefined ? type.data_available_start : Number(watermark),
        until: type.data_available_end,
      }),
      key: (row) => row.balance_transaction_id,
      incremental: { field: (row) => row.created_utc, numbers: 'seconds', lookbackMs: days(2) },
    }),
  };
});
