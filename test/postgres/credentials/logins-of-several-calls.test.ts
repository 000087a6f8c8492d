import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectAccount } from '../../../db/stores/account/connect-store.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { cookies, get, post, refreshable, type Auth, type RefreshAnswer } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import {
  oauthProvider,
  startCredentialWorker,
  TEST_KEYS,
  type CredentialWorker,
} from '../../setup/programs/credential-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const PASSWORD = 'pässw0rd/+=&"';
const patience = { maxWaitMs: 5_000 };

/** A session in cookies, and a token for writes: what the login brings is sent with each call. */
const session: Auth = {
  kind: 'session',
  required: true,
  apply: (credentials) => {
    const { cookie, csrf = '' } = credentials?.extra ?? {};
    if (!cookie) throw new TypeError('not logged in');
    return { headers: { cookie, 'x-csrf-token': csrf } };
  },
};
const fieldOf = (text: string, name: string) => (JSON.parse(text) as Record<string, string>)[name] ?? '';
const login = refreshable(session, {
  rotates: false,
  request: ({ username }) => (username === undefined ? undefined : get('/login-token')),
  parse: (form, { credentials: { username, password } }) => ({
    kind: 'ask',
    request: post(
      '/login',
      { name: username, password, token: fieldOf(form.text, 'token') },
      { cookie: cookies(form) },
    ),
    parse: (answer): RefreshAnswer | undefined => {
      if (answer.status !== 200) return undefined;
      const cookie = cookies(answer, cookies(form));
      return {
        kind: 'ask',
        request: get('/csrf', {}, { cookie }),
        parse: ({ text }) => ({
          kind: 'refreshed',
          credentials: { extra: { cookie, csrf: fieldOf(text, 'csrf') } },
          lifeMs: 600_000,
        }),
      };
    },
  }),
});

describe('a login of several calls', () => {
  let database: TestDatabase;
  let api: FakeApi;
  let workers: CredentialWorker[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    api = await startFakeApi();
    api.route('GET', '/login-token', () => ({
      headers: { 'set-cookie': 'sid=anon; Path=/; Expires=Wed, 01 Jan 2098 10:00:00 GMT, seen=1; HttpOnly' },
      body: { token: 'form-1' },
    }));
    api.route('POST', '/login', ({ body, headers }) => {
      const { name, password, token } = body as Record<string, string>;
      const isRight = name === 'ann' && password === PASSWORD && token === 'form-1';
      if (!isRight || headers['cookie'] !== 'sid=anon; seen=1') return { status: 403, body: {} };
      return { headers: { 'set-cookie': 'sid=ann; Path=/, seen=; Max-Age=0' }, body: {} };
    });
    api.route('GET', '/csrf', ({ headers }) => ({ body: { csrf: `for ${headers['cookie']}` } }));
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    workers = [];
    await api.stop();
    await database.pool.query('delete from sluice.account');
  });
  const connect = (password: string) =>
    connectAccount(
      database.pool,
      createKeyring(TEST_KEYS),
      { provider: 'social', account: 'ann' },
      { username: 'ann', password },
    );
  const credentialsBy = (auth: Auth) => {
    const worker = startCredentialWorker(database.url, oauthProvider(api.url, auth));
    workers.push(worker);
    return worker.credentials.get('social', 'ann', patience);
  };

  it('carries its session from call to call, and is made once for all workers', async () => {
    await connect(PASSWORD);
    const found = await Promise.all([1, 2, 3].map(() => credentialsBy(login)));
    for (const credentials of found)
      expect(credentials).toMatchObject({ username: 'ann', extra: { cookie: 'sid=ann', csrf: 'for sid=ann' } });
    expect(api.report().byPath).toMatchObject({ '/login-token': 1, '/login': 1, '/csrf': 1 });
  });

  it('that is refused in the middle needs the account’s user', async () => {
    await connect('wrong');
    await expect(credentialsBy(login)).rejects.toThrow('the refresh was answered with HTTP 403');
    expect(api.report().byPath['/csrf']).toBeUndefined();
  });

  it('that never ends is a mistake, told as one', async () => {
    await connect(PASSWORD);
    const endless = (): RefreshAnswer => ({ kind: 'ask', request: get('/csrf'), parse: endless });
    await expect(credentialsBy(refreshable(session, { request: () => get('/csrf'), parse: endless }))).rejects.toThrow(
      'the refresh asks for more than 5 calls',
    );
    expect(api.report().byPath['/csrf']).toBe(5);
  });

  it('that asks for a call of nothing is a mistake that says what to write', async () => {
    await connect(PASSWORD);
    const half = () => ({ kind: 'ask', request: get('/csrf') }) as unknown as RefreshAnswer;
    await expect(credentialsBy(refreshable(session, { request: () => get('/csrf'), parse: half }))).rejects.toThrow(
      "return { kind: 'ask', request, parse }",
    );
  });
});

it('cookies are kept by name over several answers, without those that have ended', () => {
  const set = (text: string) => ({ headers: { 'set-cookie': text } });
  expect(cookies({ headers: {} })).toBe('');
  expect(cookies(set('a=1; Expires=Thu, 01-Jan-1970 00:00:01 GMT, b=2=x'), 'a=0; c=3')).toBe('c=3; b=2=x');
  expect(cookies(set('a=; Max-Age=-1'), 'a=0')).toBe('');
  expect(cookies(set('a=1; Max-Age=60; SameSite=Lax'), 'a=0; b=1')).toBe('a=1; b=1');
});
