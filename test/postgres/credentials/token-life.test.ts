import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAccount } from '../../../db/stores/account/account-store.ts';
import { connectAccount } from '../../../db/stores/account/connect-store.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { bearer, jwtLifeMs, oauth2, post, refreshable, type RefreshAnswer } from '../../../providers/index.ts';
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import {
  oauthProvider,
  startCredentialWorker,
  TEST_KEYS,
  type CredentialWorker,
} from '../../setup/programs/credential-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { loginApi, PASSWORD, type LoginApi } from '../../setup/servers/login-api.ts';

const keyring = createKeyring(TEST_KEYS);
const of = { provider: 'social', account: 'ann' };

let database: TestDatabase;
let api: FakeApi;
let workers: CredentialWorker[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.end()));
  workers = [];
  await api.stop();
  await database.pool.query('delete from sluice.account');
});

const patience = { maxWaitMs: 20_000 };
const startWorker = (auth: Parameters<typeof oauthProvider>[1]) => {
  const worker = startCredentialWorker(database.url, oauthProvider(api.url, auth));
  workers.push(worker);
  return worker;
};
const connect = (credentials: Credentials) => connectAccount(database.pool, keyring, of, credentials);
const get = (worker: CredentialWorker) => worker.credentials.get('social', 'ann', patience);
/** Milliseconds until the token ends as an app sees it; null when that is not known. */
const leftMs = async (): Promise<number | null> => {
  const { expiresAt } = (await readAccount(database.pool, of))!;
  return expiresAt === null ? null : Date.parse(expiresAt) - Date.now();
};
const TEN_YEARS = 10 * 365 * 86_400_000;

describe('a life that a token endpoint writes', () => {
  it.each<[string, number | null]>([
    ['3599.1234567', 3_599_000],
    ['9223372036854775807', TEN_YEARS],
    ['1e14', TEN_YEARS],
    ['1e309', TEN_YEARS],
    ['"3600"', 3_600_000],
    ['0', null],
    ['-1', null],
    ['"soon"', null],
    ['null', null],
    ['[]', null],
  ])('as expires_in: %s is taken for what it can be, and the tokens are kept', async (written, lifeMs) => {
    api.route('POST', '/oauth/token', () => ({
      body: `{"access_token":"at-new","refresh_token":"rt-new","expires_in":${written}}`,
    }));
    await connect({ accessToken: 'at-old', refreshToken: 'rt-old', expiresAt: new Date().toISOString() });
    const found = await get(startWorker({}));
    expect(found).toMatchObject({ accessToken: 'at-new', refreshToken: 'rt-new', version: '2' });
    const left = await leftMs();
    if (lifeMs === null) expect(left).toBeNull();
    else {
      expect(left).toBeGreaterThan(lifeMs - 30_000);
      expect(left).toBeLessThanOrEqual(lifeMs + 1_000);
    }
    expect(api.report().byRoute['POST /oauth/token']).toBe(1);
  });

  it('that the database can’t take costs what is known of the end, and no token', async () => {
    const auth = {
      ...refreshable(bearer(), {
        request: () => post('/renew', {}),
        parse: () => ({ kind: 'refreshed', credentials: { accessToken: 'at-new' }, lifeMs: 60_000 }),
      }),
    };
    api.route('POST', '/renew', () => ({ body: {} }));
    await connect({ accessToken: 'at-old', expiresAt: new Date().toISOString() });
    await database.pool.query(
      `alter table sluice.credential add constraint no_life check (1 / case when life_ms > 1000 then 0 else 1 end > 0)`,
    );
    try {
      expect(await get(startWorker(auth))).toMatchObject({ accessToken: 'at-new', version: '2' });
      expect(await leftMs()).toBeNull();
    } finally {
      await database.pool.query('alter table sluice.credential drop constraint no_life');
    }
  });

  it('may stand in `expiresAt`, in the token itself, or nowhere', async () => {
    let answer: RefreshAnswer = { kind: 'retry', reason: '' };
    api.route('POST', '/renew', () => ({ body: {} }));
    const worker = startWorker(refreshable(bearer(), { request: () => post('/renew', {}), parse: () => answer }));
    const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
    const seconds = Math.round(Date.now() / 1_000);
    const refreshed = async (credentials: Credentials, lifeMs?: number) => {
      answer = { kind: 'refreshed', credentials, ...(lifeMs === undefined ? {} : { lifeMs }) };
      await connect({ accessToken: 'at-old', expiresAt: new Date().toISOString() });
      const found = await get(worker);
      return { found, left: await leftMs() };
    };
    const inHalfAnHour = new Date(Date.now() + 1_800_000).toISOString();
    const told = await refreshed({ accessToken: 'at-1', expiresAt: inHalfAnHour });
    expect(told.left).toBeGreaterThan(1_790_000);
    expect(told.left).toBeLessThanOrEqual(1_800_500);
    // What calls are told is what is known, not what was once stored.
    expect(Date.parse(told.found!.expiresAt!) - Date.now()).toBeGreaterThan(1_780_000);
    expect((await refreshed({ accessToken: 'at-2', expiresAt: inHalfAnHour }, 60_000)).left).toBeLessThanOrEqual(
      60_500,
    );
    expect((await refreshed({ accessToken: jwt({ iat: 1_000, exp: 8_200 }) })).left).toBeGreaterThan(7_190_000);
    expect((await refreshed({ accessToken: jwt({ exp: seconds + 600 }) })).left).toBeGreaterThan(590_000);
    // An end that has passed when the token has just come is another clock's.
    expect((await refreshed({ accessToken: 'at-3', expiresAt: '2020-01-01T00:00:00Z' })).left).toBeNull();
    expect((await refreshed({ accessToken: 'at-4' })).left).toBeNull();
    expect(jwtLifeMs(jwt({ iat: 0, exp: 1e300 }))).toBe(TEN_YEARS);
  });
});

describe('credentials without a refresh token', () => {
  let shop: LoginApi;
  beforeEach(() => {
    shop = loginApi(api);
    api.route('GET', '/me', (call) => {
      const account = shop.accountOf(call);
      return account === undefined ? { status: 401 } : { body: { account } };
    });
  });
  const byPassword = refreshable(bearer(), {
    rotates: false,
    request: ({ username, password }) =>
      username === undefined || password === undefined ? undefined : post('/login', { name: username, password }),
    parse: ({ status, text }) => {
      if (status !== 200) return undefined;
      const { token, expires } = JSON.parse(text) as { token: string; expires?: string };
      return { kind: 'refreshed', credentials: { accessToken: token, ...(expires ? { expiresAt: expires } : {}) } };
    },
  });
  const isGood = async (credentials: Credentials | undefined): Promise<boolean> => {
    const answer = await fetch(`${api.url}/me`, { headers: { authorization: `Bearer ${credentials?.accessToken}` } });
    return answer.status === 200;
  };

  it('log in at the first call, once for all workers, and keep the password', async () => {
    await connect({ username: 'ann', password: PASSWORD });
    const many = [1, 2, 3].map(() => startWorker(byPassword));
    const found = await Promise.all(many.flatMap((one) => [get(one), get(one), get(one)]));
    expect(new Set(found.map((credentials) => credentials?.accessToken)).size).toBe(1);
    expect(await isGood(found[0])).toBe(true);
    expect(found[0]).toMatchObject({ username: 'ann', password: PASSWORD, version: '2' });
    expect(shop.logins()).toBe(1);
  });

  it('are renewed ahead of their known end, and calls go on with the old token meanwhile', async () => {
    shop.lifeMs = 600_000;
    shop.told = (lifeMs) => ({ expires: new Date(Date.now() + lifeMs).toISOString() });
    await connect({ username: 'ann', password: PASSWORD });
    const worker = startWorker(byPassword);
    const first = await get(worker);
    expect(shop.logins()).toBe(1);
    await database.pool.query(`update sluice.credential set expires_at = clock_timestamp() + interval '30 seconds'`);
    expect((await get(worker))?.accessToken).toBe(first?.accessToken);
    await worker.credentials.settled();
    expect((await get(worker))?.accessToken).not.toBe(first?.accessToken);
    expect(shop.logins()).toBe(2);
  });

  it('that are an API key, changed for a token, are renewed with the key', async () => {
    api.route('POST', '/exchange', ({ body }) =>
      (body as { key?: string } | undefined)?.key === 'key-0123456789'
        ? { body: { token: `at-${api.report().calls}`, ttl: 600 } }
        : { status: 401 },
    );
    const byKey = refreshable(bearer(), {
      request: ({ extra }) => (extra?.['apiKey'] ? post('/exchange', { key: extra['apiKey'] }) : undefined),
      parse: ({ status, text }) => {
        if (status !== 200) return undefined;
        const { token, ttl } = JSON.parse(text) as { token: string; ttl: number };
        return { kind: 'refreshed', credentials: { accessToken: token }, lifeMs: ttl * 1_000 };
      },
    });
    await connect({ extra: { apiKey: 'key-0123456789' } });
    const worker = startWorker(byKey);
    const first = await get(worker);
    expect(first?.accessToken).toMatch(/^at-/);
    await database.pool.query('update sluice.credential set expires_at = clock_timestamp()');
    expect((await get(worker))?.accessToken).not.toBe(first?.accessToken);
  });

  it('that are a client’s own are renewed by the client’s id and secret', async () => {
    const asked: unknown[] = [];
    api.route('POST', '/token', ({ body, headers }) => {
      asked.push([body, headers.authorization]);
      return { body: { access_token: `at-${asked.length}`, expires_in: 600 } };
    });
    const auth = oauth2({
      tokenUrl: '/token',
      grant: 'client_credentials',
      clientId: ({ username }) => username,
      clientSecret: ({ password }) => password,
      params: { scope: 'read' },
    });
    await connect({ username: 'client-7', password: 's3cret-of-7' });
    const worker = startWorker(auth);
    expect(await get(worker)).toMatchObject({ accessToken: 'at-1' });
    await database.pool.query(`update sluice.credential set expires_at = clock_timestamp() + interval '20 seconds'`);
    await get(worker);
    await worker.credentials.settled();
    expect(await get(worker)).toMatchObject({ accessToken: 'at-2' });
    const basic = `Basic ${Buffer.from('client-7:s3cret-of-7').toString('base64')}`;
    expect(asked).toEqual([1, 2].map(() => [{ grant_type: 'client_credentials', scope: 'read' }, basic]));
  });

  it('and with nothing else either are left as they are until they are refused', async () => {
    await connect({ accessToken: 'at-only', expiresAt: new Date(Date.now() + 10_000).toISOString() });
    const worker = startWorker(byPassword);
    expect(await get(worker)).toMatchObject({ accessToken: 'at-only', version: '1' });
    await worker.credentials.settled();
    expect(await readAccount(database.pool, of)).toMatchObject({ status: 'connected' });
    expect(shop.logins()).toBe(0);
  });
});
