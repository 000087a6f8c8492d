/**
 * What the balance is made of, as a report that Stripe makes: a run is submitted, asked for, and its file is read. Columns that lists do not
 * have (payouts, fees by category) come with each row. Data is there by the day. Used by: `sync.ts`.
 * @see https://docs.stripe.com/reports/api
 * @see https://docs.stripe.com/reports/report-types/balance
 */
import { z } from 'zod';
import { get, minutes, path, post, seconds } from '../../index.ts';
import { forAccount, stripe } from '../stripe/index.ts';

export const REPORT_TYPE = 'balance_change_from_activity.itemized.3';

/** From when until when there is data, epoch seconds. https://docs.stripe.com/api/reporting/report_type/object */
export const ReportType = z.object({
  id: z.string(),
  data_available_start: z.number(),
  data_available_end: z.number(),
});

export const reportTypes = stripe.endpoint('reportTypes', {
  input: z.object({}),
  response: ReportType,
  request: (_, __, of) => get(path`/v1/reporting/report_types/${REPORT_TYPE}`, {}, forAccount(of)),
  paginate: { kind: 'single', items: (type) => [type] },
});

/** As CSV has it: all of it is text, and what is empty is null. */
const cell = z.string().transform((value) => (value === '' ? null : value));
/** `2026-01-31 23:59:59`, of UTC. */
const moment = z.string().transform((value) => Date.parse(`${value.replace(' ', 'T')}Z`) / 1_000);

/** Its columns are those that are asked for. Amounts are decimal, in the currency's main unit. */
export const Activity = z.object({
  balance_transaction_id: z.string(),
  created_utc: moment,
  available_on_utc: cell,
  currency: z.string(),
  gross: z.string(),
  fee: z.string(),
  net: z.string(),
  reporting_category: z.string(),
  source_id: cell,
  description: cell,
  automatic_payout_id: cell,
});

export const ReportRun = z.object({
  id: z.string(),
  status: z.string(),
  error: z.string().nullish(),
  result: z.object({ url: z.string().nullable() }).nullish(),
});

/** https://docs.stripe.com/api/reporting/report_run/create */
export const activity = stripe.endpoint('activity', {
  input: z.object({ from: z.number(), until: z.number() }),
  response: z.array(Activity),
  job: {
    submitted: ReportRun,
    polled: ReportRun,
    submit: ({ from, until }, of) => ({
      ...post('/v1/reporting/report_runs'),
      headers: { ...forAccount(of), 'idempotency-key': of.key },
      form: {
        report_type: REPORT_TYPE,
        'parameters[interval_start]': String(from),
        'parameters[interval_end]': String(until),
        ...Object.fromEntries(
          Object.keys(Activity.shape).map((column, index) => [`parameters[columns][${index}]`, column]),
        ),
      },
    }),
    id: ({ id }) => id,
    poll: (id, _, of) => get(path`/v1/reporting/report_runs/${id}`, {}, forAccount(of)),
    state: ({ status, error, result }) => {
      if (status === 'failed') return { state: 'failed', reason: error ?? undefined };
      return status === 'succeeded' && result?.url ? { state: 'done', results: [result.url] } : { state: 'running' };
    },
    // The key makes it the same run again.
    whenUnknown: 'submit-again',
    pollMs: { first: seconds(5), most: minutes(1) },
  },
  request: (_, page, of) => get(page.job.result, {}, forAccount(of)),
  format: 'csv',
  paginate: { kind: 'single', items: (rows) => rows },
});
