/**
 * Salesforce. Each org has its own host. What is small is read by SOQL, in pages of a query locator. What is large is
 * read by a job of the Bulk API 2.0. Limits are told by 403. Next: `sync.ts`, `upsert-record.ts`.
 * @see https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query.html
 * @see https://developer.salesforce.com/docs/platform/api-asynch/guide/query-bulk-api-2-0.html
 * @see https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html
 */
import { z } from 'zod';
import {
  bodyField,
  body,
  days,
  deadCursor,
  defineProvider,
  get,
  inflight,
  limited,
  minutes,
  oauth2,
  path,
  post,
  retry,
  rules,
  seconds,
  when,
  window,
  type Answer,
} from '../../index.ts';

const settings = z.object({
  /** What stands before `.my.salesforce.com`: `acme`, or `acme--dev.sandbox` for a sandbox. */
  domain: z.string().regex(/^[a-z0-9-]+(\.[a-z]+)?$/, 'it must be what stands before ".my.salesforce.com"'),
  /** Calls in any 24 hours, as the org's edition and licenses have it. */
  callsADay: z.number().int().min(1).default(100_000),
});

const hostOf = (of: { readonly settings: z.output<typeof settings> }) =>
  `https://${of.settings.domain}.my.salesforce.com`;

/** Errors come as a list. https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html */
const code = (...codes: string[]) => bodyField('0.errorCode', ...codes);
/** Under 403. */
const TOO_MANY = code('REQUEST_LIMIT_EXCEEDED');

/** The consumer key and secret of the connected app are had from the environment. */
export const salesforce = defineProvider(settings, {
  id: 'salesforce',
  // Pages and results of a query must be asked for in its own version.
  baseUrl: (of) => `${hostOf(of)}/services/data/v67.0`,
  hosts: ['*.my.salesforce.com', '*.*.my.salesforce.com'],
  // How long a session lasts is set by the org, and not told: a refused one is renewed.
  // https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_refresh_token_flow.htm
  auth: oauth2({
    tokenUrl: (of) => `${hostOf(of)}/services/oauth2/token`,
    clientId: () => process.env['SALESFORCE_CLIENT_ID'],
    clientSecret: () => process.env['SALESFORCE_CLIENT_SECRET'],
    clientAuth: 'body',
  }),
  // https://developer.salesforce.com/docs/platform/salesforce-app-limits-cheatsheet/guide/salesforce-app-limits-platform-api.html
  limits: [
    // Of the whole org, whoever calls; each answer tells it.
    window('day', {
      by: ['account'],
      max: ({ settings: { callsADay } }) => callsADay,
      perMs: days(1),
      except: ['refresh'],
      told,
    }),
    // Calls that last for more than 20 seconds; which ones do is not known before.
    inflight('at-once', { by: ['account'], max: 25, except: ['refresh'] }),
    window('jobs', { by: ['account'], max: 10_000, perMs: days(1), endpoints: ['contacts.submit'] }),
  ],
  classify: rules([
    when(TOO_MANY, body(/concurrent/i), limited({ limit: 'at-once', afterMs: () => seconds(20) })),
    // The 24 hours slide: some calls are free again soon.
    when(TOO_MANY, limited({ limit: 'day', afterMs: () => minutes(15) })),
    // Another call works on the same record, or the database was too busy.
    when(code('UNABLE_TO_LOCK_ROW', 'QUERY_TIMEOUT'), retry({ afterMs: seconds(5) })),
    // A locator is known for two days. https://help.salesforce.com/s/articleView?id=000384958&type=1
    when(code('INVALID_QUERY_LOCATOR'), deadCursor()),
  ]),
});

/** https://developer.salesforce.com/docs/platform/api-rest/guide/headers-api-usage.html */
function told({ headers }: Answer) {
  const [, used, max] = /api-usage=(\d+)\/(\d+)/.exec(headers['sforce-limit-info'] ?? '') ?? [];
  return { max: Number(max), remaining: Number(max) - Number(used) };
}

const text = z.string().nullable();

export const Account = z.object({
  Id: z.string(),
  IsDeleted: z.boolean(),
  Name: text,
  Industry: text,
  Phone: text,
  BillingCountry: text,
  AnnualRevenue: z.number().nullable(),
  SystemModstamp: z.string(),
});

/** As CSV has it: all of it is text, and what is empty is null. */
const cell = z.string().transform((value) => (value === '' ? null : value));

export const Contact = z.object({
  Id: z.string(),
  IsDeleted: z.enum(['true', 'false']).transform((value) => value === 'true'),
  AccountId: cell,
  FirstName: cell,
  LastName: cell,
  Email: cell,
  Phone: cell,
  SystemModstamp: z.string(),
});

/** Behind an id, a query goes on where its locator was forgotten. */
function soql(object: string, row: z.ZodObject, since: string | undefined, behind?: string): string {
  const conditions = [
    ...(since === undefined ? [] : [`SystemModstamp >= ${since}`]),
    ...(behind === undefined ? [] : [`Id > '${behind}'`]),
  ];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${Object.keys(row.shape).join(', ')} FROM ${object}${where}`;
}

const Since = z.object({ since: z.string().optional() });

/** `queryAll` also has what was deleted. https://developer.salesforce.com/docs/platform/api-rest/guide/resources-queryall.html */
export const accounts = salesforce.endpoint('accounts', {
  input: Since,
  response: z.object({
    totalSize: z.number(),
    done: z.boolean(),
    nextRecordsUrl: z.string().optional(),
    records: z.array(Account),
  }),
  request: ({ since }, page) =>
    get(
      '/queryAll',
      { q: `${soql('Account', Account, since, page.behind)} ORDER BY Id` },
      { 'sforce-query-options': `batchSize=${page.size}` },
    ),
  paginate: {
    kind: 'link',
    items: ({ records }) => records,
    next: ({ nextRecordsUrl }) => nextRecordsUrl,
    hasMore: ({ done }) => !done,
    total: ({ totalSize }) => totalSize,
    onDeadCursor: { behind: ({ Id: id }) => id },
    pageSize: { start: 2_000, min: 200 },
  },
});

/** https://developer.salesforce.com/docs/platform/api-asynch/guide/query-create-job.html */
export const contacts = salesforce.endpoint('contacts', {
  input: Since,
  response: z.array(Contact),
  job: {
    submitted: z.object({ id: z.string() }),
    polled: z.object({ state: z.string(), errorMessage: z.string().nullish() }),
    submit: ({ since }) => post('/jobs/query', { operation: 'queryAll', query: soql('Contact', Contact, since) }),
    id: ({ id }) => id,
    poll: (id) => get(path`/jobs/query/${id}`),
    state: ({ state, errorMessage }) => {
      if (state === 'JobComplete') return { state: 'done' };
      return state === 'Failed' || state === 'Aborted'
        ? { state: 'failed', reason: errorMessage ?? state }
        : { state: 'running' };
    },
    // A second job reads the same, and costs one of ten thousand.
    whenUnknown: 'submit-again',
    pollMs: { first: seconds(2), most: minutes(1) },
  },
  request: (_, page) =>
    get(
      path`/jobs/query/${page.job.id}/results`,
      { maxRecords: page.size, locator: page.cursor },
      { accept: 'text/csv' },
    ),
  format: 'csv',
  paginate: {
    kind: 'cursor',
    // A set says how many rows it has: one that was cut at a line is asked for again.
    items: (rows, { headers: { 'sforce-numberofrecords': told = rows.length } }) => {
      if (Number(told) !== rows.length) throw new Error(`${rows.length} rows came of ${told}`);
      return rows;
    },
    // "null" is the last one. https://developer.salesforce.com/docs/platform/api-asynch/guide/query-get-job-results.html
    next: (_, { headers }) => (headers['sforce-locator'] === 'null' ? undefined : headers['sforce-locator']),
    pageSize: { start: 10_000, min: 100 },
  },
});
