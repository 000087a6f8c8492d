/**
 * Salesforce as its documentation describes it: SOQL in pages of a locator that can be forgotten, query jobs with results in CSV, sessions that
 * end, a limit of the org that each answer tells and that is refused by 403.
 */
import type { FakeAnswer, FakeApi, FakeCall } from '../../../testing/index.ts';

interface Row {
  readonly Id: string;
  IsDeleted: boolean;
  SystemModstamp: string;
  readonly [field: string]: unknown;
}

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString().replace('Z', '+0000');
const ROOT = '/services/data/v67.0';

export const salesforceError = (status: number, errorCode: string, message = errorCode): FakeAnswer => ({
  status,
  body: [{ message, errorCode }],
});

/** @param of how many calls the org has in a day. */
export function playSalesforce(api: FakeApi, { callsADay = 15_000 } = {}) {
  let session = 'session-1';
  let used = 0;
  const rows = (prefix: string, count: number, values: (i: number) => object): Row[] =>
    Array.from({ length: count }, (_, i) => ({
      Id: `${prefix}${String(i).padStart(15, '0')}`,
      IsDeleted: false,
      SystemModstamp: at(i),
      ...values(i),
    }));
  const objects = new Map([
    [
      'Account',
      rows('001', 2_300, (i) => ({ Name: `Account ${i}`, Industry: i % 2 ? 'Tea' : null, AnnualRevenue: i })),
    ],
    ['Contact', rows('003', 250, (i) => ({ LastName: `Contact "${i}"`, Email: i % 2 ? `c${i}@example.com` : null }))],
  ]);
  const found = (query: string): Record<string, unknown>[] => {
    const [, fields = '', object = ''] = /^SELECT (.+) FROM (\w+)/.exec(query) ?? [];
    const since = Date.parse(/SystemModstamp >= (\S+)/.exec(query)?.[1] ?? '1970-01-01');
    const behind = /Id > '(\w+)'/.exec(query)?.[1] ?? '';
    return (objects.get(object) ?? [])
      .filter((row) => Date.parse(row.SystemModstamp) >= since && row.Id > behind)
      .map((row) => Object.fromEntries(fields.split(', ').map((field) => [field, row[field] ?? null])));
  };
  const queries = new Map<string, { readonly rows: Record<string, unknown>[]; readonly size: number }>();
  const jobs: { readonly id: string; readonly query: string; polls: number }[] = [];
  const locators = { known: true };

  const authorised =
    <P>(answer: (call: FakeCall, params: P) => FakeAnswer) =>
    (call: FakeCall, params: P): FakeAnswer => {
      if (call.token !== session) return salesforceError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
      used++;
      if (used > callsADay) return salesforceError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
      const { headers, ...rest } = answer(call, params);
      return { ...rest, headers: { ...headers, 'sforce-limit-info': `api-usage=${used}/${callsADay}` } };
    };
  const page = (id: string, start: number): FakeAnswer => {
    const { rows: all, size } = queries.get(id) as { rows: Record<string, unknown>[]; size: number };
    const end = Math.min(start + size, all.length);
    const next = end < all.length ? { nextRecordsUrl: `${ROOT}/query/${id}-${end}` } : {};
    return { body: { totalSize: all.length, done: end === all.length, ...next, records: all.slice(start, end) } };
  };
  api.route(
    'GET',
    '/queryAll',
    authorised(({ query, headers }) => {
      const id = `0r8${queries.size}`;
      const size = Number(/batchSize=(\d+)/.exec(String(headers['sforce-query-options']))?.[1] ?? 2_000);
      queries.set(id, { rows: found(query.get('q') ?? ''), size });
      return page(id, 0);
    }),
    ({ query }) => query.toString(),
  );
  api.route(
    'GET',
    `${ROOT}/query/:locator`,
    authorised((_, { locator }) => {
      const [id = '', start] = locator.split('-');
      return locators.known ? page(id, Number(start)) : salesforceError(400, 'INVALID_QUERY_LOCATOR');
    }),
  );
  api.route(
    'POST',
    '/jobs/query',
    authorised(({ body }) => {
      const { operation, query } = body as { operation: string; query: string };
      if (operation !== 'queryAll') return salesforceError(400, 'INVALIDJOB');
      jobs.push({ id: `750${jobs.length}`, query, polls: 0 });
      return { body: { id: `750${jobs.length - 1}`, state: 'UploadComplete' } };
    }),
  );
  const jobOf = (id: string) => jobs.find((each) => each.id === id);
  api.route(
    'GET',
    '/jobs/query/:id',
    authorised((_, { id }) => {
      const job = jobOf(id);
      if (!job) return salesforceError(404, 'NOT_FOUND');
      return { body: { id, state: job.polls++ === 0 ? 'InProgress' : 'JobComplete' } };
    }),
  );
  api.route(
    'GET',
    '/jobs/query/:id/results',
    authorised(({ query }, { id }) => {
      const all = found(jobOf(id)?.query ?? '');
      const start = Number(query.get('locator') ?? 0);
      // However many are wanted, a set may be smaller.
      const end = Math.min(start + Math.min(Number(query.get('maxRecords')), 100), all.length);
      const names = /^SELECT (.+) FROM/.exec(jobOf(id)?.query ?? '')?.[1]?.split(', ') ?? [];
      const lines = all.slice(start, end).map((row) => names.map((name) => cell(row[name])).join(','));
      return {
        headers: { 'content-type': 'text/csv', 'sforce-locator': end < all.length ? String(end) : 'null' },
        body: [names.map(cell).join(','), ...lines, ''].join('\n'),
      };
    }),
    ({ query }) => query.toString(),
  );
  const written = new Map<string, object>();
  api.route(
    'PATCH',
    '/sobjects/:object/:field/:id',
    authorised(({ body }, { object, field, id }) => {
      if (object !== 'Contact') return salesforceError(404, 'NOT_FOUND');
      const key = `${field}/${id}`;
      const created = !written.has(key);
      written.set(key, body as object);
      return { status: created ? 201 : 200, body: { id: '003000000000000AAA', success: true, errors: [], created } };
    }),
  );
  api.route('POST', '/services/oauth2/token', ({ body }) => {
    const { grant_type, refresh_token, client_id } = body as Record<string, string>;
    if (grant_type !== 'refresh_token' || refresh_token !== 'refresh-of-a-test' || client_id !== 'client-of-a-test')
      return { status: 400, body: { error: 'invalid_grant', error_description: 'expired access/refresh token' } };
    session = `session-${Number(session.slice(8)) + 1}`;
    return { body: { access_token: session, token_type: 'Bearer', issued_at: String(Date.now()), signature: 'x' } };
  });
  return {
    objects,
    jobs,
    written,
    locators,
    used: () => used,
    endSession: () => {
      session = `session-${Number(session.slice(8)) + 1}`;
    },
  };
}

function cell(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return `"${text === '""' ? '' : text.replaceAll('"', '""')}"`;
}
