/** Microsoft Graph as its documentation describes it: delta links with what has changed alone, resource units in a header, app-only logins. */
import type { FakeAnswer, FakeApi, FakeCall } from '../../../testing/index.ts';

interface User {
  readonly id: string;
  readonly version: number;
  readonly isGone?: boolean;
  readonly displayName?: string;
  readonly mail: string | null;
}

const TOKEN = 'eyJ-of-a-test';
const PAGE = 40;

const failed = (status: number, code: string): FakeAnswer => ({ status, body: { error: { code, message: code } } });

export function playMicrosoftGraph(api: FakeApi, client: { readonly id: string; readonly secret: string }) {
  let version = 0;
  let oldest = 0;
  const users = new Map<string, User>();
  const put = (user: Omit<User, 'version'>): void => void users.set(user.id, { ...user, version: ++version });
  for (let i = 0; i < 50; i++) put({ id: `u${i}`, displayName: `User ${i}`, mail: i < 2 ? `u${i}@example.com` : null });
  const messages = new Map(
    ['u0', 'u1'].map((user) => [
      user,
      Array.from({ length: 130 }, (_, i) => ({
        id: `${user}-m${i}`,
        subject: `Mail ${i}`,
        receivedDateTime: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
      })),
    ]),
  );
  const events: { readonly id: string; readonly body: Record<string, unknown> }[] = [];

  const authorised =
    <P>(answer: (call: FakeCall, params: P) => FakeAnswer) =>
    (call: FakeCall, params: P): FakeAnswer =>
      call.token === TOKEN ? answer(call, params) : failed(401, 'InvalidAuthenticationToken');
  const unit = { 'x-ms-resource-unit': '1' };
  api.route('POST', '/:tenant/oauth2/v2.0/token', ({ body }) => {
    const form = body as Record<string, string>;
    const isGood =
      form['grant_type'] === 'client_credentials' &&
      form['scope'] === 'https://graph.microsoft.com/.default' &&
      form['client_id'] === client.id &&
      form['client_secret'] === client.secret;
    return isGood
      ? { body: { access_token: TOKEN, expires_in: 3_599, token_type: 'Bearer' } }
      : { status: 401, body: { error: 'invalid_client' } };
  });
  api.route(
    'GET',
    '/users/:id',
    authorised((_, { id }) => {
      const user = users.get(id);
      return user && !user.isGone ? { headers: unit, body: user } : failed(404, 'Request_ResourceNotFound');
    }),
  );
  // A path of its own; the latest route wins.
  api.route(
    'GET',
    '/users/delta',
    authorised(({ query }) => {
      const token = query.get('$deltatoken') ?? query.get('$skiptoken') ?? '0.0';
      const [since = 0, start = 0] = token.split('.').map(Number);
      if (query.has('$deltatoken') && since < oldest) return failed(410, 'syncStateNotFound');
      const changed = [...users.values()].filter((user) => user.version > since && (since > 0 || !user.isGone));
      const value = changed.slice(start, start + PAGE).map(({ id, isGone, displayName }) => {
        if (isGone) return { id, '@removed': { reason: 'deleted' } };
        return since > 0 ? { id, displayName } : { id, displayName, mail: users.get(id)?.mail };
      });
      const isLast = start + PAGE >= changed.length;
      const link = isLast ? `$deltatoken=${version}.0` : `$skiptoken=${since}.${start + PAGE}`;
      const address = `${api.url}/users/delta?${link}`;
      return { headers: unit, body: { value, [isLast ? '@odata.deltaLink' : '@odata.nextLink']: address } };
    }),
    ({ query }) => query.toString(),
  );
  api.route(
    'GET',
    '/users/:id/messages',
    authorised(({ query }, { id }) => {
      const mail = messages.get(id);
      if (mail === undefined) return failed(404, 'MailboxNotEnabledForRESTAPI');
      const since = /receivedDateTime ge (.+)$/.exec(query.get('$filter') ?? '')?.[1] ?? '';
      const asked = mail
        .filter(({ receivedDateTime }) => since === '' || Date.parse(receivedDateTime) >= Date.parse(since))
        .toSorted((a, b) => b.receivedDateTime.localeCompare(a.receivedDateTime));
      const start = Number(query.get('$skip') ?? 0);
      const end = start + Number(query.get('$top') ?? 10);
      const next = new URLSearchParams(query);
      next.set('$skip', String(end));
      const link = { '@odata.nextLink': `${api.url}/users/${id}/messages?${next.toString()}` };
      return { body: { value: asked.slice(start, end), ...(end < asked.length ? link : {}) } };
    }),
    ({ query }) => query.toString(),
  );
  api.route(
    'POST',
    '/users/:id/events',
    authorised(({ body }) => {
      const known = events.find(
        (event) => event.body['transactionId'] === (body as typeof event.body)['transactionId'],
      );
      if (known) return failed(409, 'ErrorDuplicateTransactionId');
      const event = { id: `event-${events.length}`, body: body as Record<string, unknown> };
      events.push(event);
      return { status: 201, body: { id: event.id, webLink: `https://outlook.example/${event.id}` } };
    }),
  );
  api.route(
    'GET',
    '/users/:id/events',
    authorised(({ query }) => {
      const key = /ep\/value eq '([^']+)'/.exec(query.get('$filter') ?? '')?.[1];
      const value = events.filter(({ body }) => JSON.stringify(body).includes(`"value":"${key}"`));
      return { body: { value: value.map(({ id }) => ({ id, webLink: null })) } };
    }),
  );
  const mailbox = ({ path }: FakeCall): string => path.split('/')[2] ?? '';
  api.limit({ name: 'mailbox', kind: 'concurrent', max: 4, by: mailbox, on: /\/(messages|events)$/ });
  return {
    users,
    put,
    messages,
    events,
    remove: (id: string) => put({ ...(users.get(id) as User), isGone: true }),
    forgetTokens: () => {
      oldest = ++version;
    },
  };
}
