/** Google Calendar as its documentation describes it: tokens for what has changed, 410 for those that are too old, signed logins. */
import { verify, type KeyObject } from 'node:crypto';
import type { FakeAnswer, FakeApi, FakeCall } from '../../../testing/index.ts';

interface Versioned {
  readonly id: string;
  readonly version: number;
  readonly status?: string;
  readonly deleted?: boolean;
}

const TOKEN = 'ya29.of-a-test';

const failed = (code: number, domain: string, reason: string, more: object = {}): FakeAnswer => ({
  status: code,
  body: { error: { code, message: reason, errors: [{ domain, reason, message: reason, ...more }] } },
});

export function playGoogleCalendar(api: FakeApi, publicKey: KeyObject) {
  let version = 0;
  /** Tokens below it are not known any more. */
  let oldest = 0;
  const calendars: Versioned[] = ['primary@example.com', 'team@example.com'].map((id) => ({
    id,
    version: ++version,
    summary: id,
    accessRole: 'owner',
  }));
  const events = new Map<string, Versioned[]>();
  const put = (calendar: string, event: { readonly id: string; readonly [field: string]: unknown }): Versioned => {
    const rest = (events.get(calendar) ?? []).filter(({ id }) => id !== event.id);
    const stored = { status: 'confirmed', ...event, version: ++version };
    events.set(calendar, [...rest, stored]);
    return stored;
  };
  for (const { id } of calendars) for (let i = 0; i < 60; i++) put(id, { id: `e${i}`, summary: `Event ${i}` });

  const list = (rows: readonly Versioned[], { query }: FakeCall): FakeAnswer => {
    const asked = query.get('syncToken');
    if (asked !== null && Number(asked) < oldest) return failed(410, 'calendar', 'fullSyncRequired');
    const all = rows
      .filter((row) =>
        asked === null ? row.status !== 'cancelled' && row.deleted !== true : row.version > Number(asked),
      )
      .toSorted((a, b) => a.version - b.version);
    const start = Number(query.get('pageToken') ?? 0);
    const end = start + Math.min(Number(query.get('maxResults') ?? 250), 50);
    const next = end < all.length ? { nextPageToken: String(end) } : { nextSyncToken: String(version) };
    return { body: { kind: 'calendar#list', items: all.slice(start, end), ...next } };
  };
  const authorised =
    <P>(answer: (call: FakeCall, params: P) => FakeAnswer) =>
    (call: FakeCall, params: P): FakeAnswer =>
      call.token === TOKEN ? answer(call, params) : failed(401, 'global', 'authError');
  api.route('POST', '/token', ({ body }) => {
    const { assertion = '', grant_type } = body as { assertion?: string; grant_type?: string };
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    const isSigned = verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'));
    const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub?: string };
    if (!isSigned || grant_type !== 'urn:ietf:params:oauth:grant-type:jwt-bearer' || sub !== 'jo@example.com')
      return { status: 400, body: { error: 'invalid_grant' } };
    return { body: { access_token: TOKEN, expires_in: 3_599, token_type: 'Bearer' } };
  });
  api.route(
    'GET',
    '/users/me/calendarList',
    authorised((call) => list(calendars, call)),
  );
  api.route(
    'GET',
    '/calendars/:calendar/events',
    authorised((call, { calendar }) => list(events.get(decodeURIComponent(calendar)) ?? [], call)),
  );
  api.route(
    'POST',
    '/calendars/:calendar/events',
    authorised(({ body }, { calendar }) => {
      const event = body as { id: string };
      const name = decodeURIComponent(calendar);
      const exists = (events.get(name) ?? []).some(({ id }) => id === event.id);
      return exists ? failed(409, 'global', 'duplicate') : { body: put(name, event) };
    }),
  );
  api.route(
    'GET',
    '/calendars/:calendar/events/:event',
    authorised((_, { calendar, event }) => {
      const found = events.get(decodeURIComponent(calendar))?.find(({ id }) => id === event);
      return found ? { body: found } : failed(404, 'global', 'notFound');
    }),
  );
  api.limit({
    name: 'user',
    by: 'token',
    max: 600,
    perMs: 60_000,
    refusal: failed(403, 'usageLimits', 'userRateLimitExceeded'),
  });
  return {
    events,
    put,
    cancel: (calendar: string, id: string) => put(calendar, { id, status: 'cancelled' }),
    /** All tokens that were given so far are too old. */
    forgetTokens: () => {
      oldest = ++version;
    },
  };
}
