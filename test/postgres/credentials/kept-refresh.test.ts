import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CredentialsBusy, CredentialsMistake, NeedsReconnect } from '../../../activities/index.ts';
import { toWait } from '../../../client/waits/run-waits.ts';
import { readWaits } from '../../../db/stores/run/wait-store.ts';
import { readAccount, updateSettings } from '../../../db/stores/account/account-store.ts';
import { connectAccount } from '../../../db/stores/account/connect-store.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { bearer, oauth2, post, refreshable, type Auth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi, type OAuthHandle, type OAuthOptions } from '../../../testing/index.ts';
import {
  oauthProvider,
  startCredentialWorker,
  TEST_KEYS,
  type CredentialWorker,
} from '../../setup/programs/credential-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const keyring = createKeyring(TEST_KEYS);
const of = { provider: 'social', account: 'ann' };

let database: TestDatabase;
let api: FakeApi;
let oauth: OAuthHandle;
let workers: CredentialWorker[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  // Stands for whatever a database refuses a write for.
  await database.pool.query(`
    create function refuse_secret() returns trigger language plpgsql as $$
    begin
      if new.secret is distinct from old.secret then raise exception 'disk full' using errcode = '53100'; end if;
      return new;
    end $$`);
});
afterAll(() => database.drop());
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(async () => {
  await letStore();
  await Promise.all(workers.map((worker) => worker.end()));
  workers = [];
  await api.stop();
  await database.pool.query('delete from sluice.account');
  // A pause that one test is asked for is not one of the next.
  await database.pool.query('update sluice.limit_bucket set blocked_us = 0');
});

const patience = { maxWaitMs: 20_000 };
const start = async (options: OAuthOptions = {}, leftMs = 0) => {
  oauth = api.oauth(options);
  const { accessToken, refreshToken } = oauth.issue('ann');
  await connectAccount(database.pool, keyring, of, {
    accessToken,
    refreshToken,
    expiresAt: new Date(Date.now() + leftMs).toISOString(),
  });
  return { accessToken, refreshToken };
};
const startWorker = (auth?: Partial<Auth>) => {
  const worker = startCredentialWorker(database.url, oauthProvider(api.url, auth));
  workers.push(worker);
  return worker;
};
const get = (worker: CredentialWorker, wait = patience) => worker.credentials.get('social', 'ann', wait);
const refused = (worker: CredentialWorker, version = '1') =>
  worker.credentials.refresh!('social', 'ann', version, 'HTTP 401', patience);
const failure = (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error as Error);
const refuseStore = () =>
  database.pool.query(
    'create trigger refuse_secret before update on sluice.credential for each row execute function refuse_secret()',
  );
const letStore = () => database.pool.query('drop trigger if exists refuse_secret on sluice.credential');
const endLease = () =>
  database.pool.query(
    `update sluice.credential set lease_until = clock_timestamp() - interval '1 s' where lease_until is not null`,
  );
const leaseMs = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ left: number }>(
    'select extract(epoch from lease_until - clock_timestamp())::float8 * 1000 as left from sluice.credential',
  );
  return rows[0]!.left;
};
const tokenCalls = () => api.report().byRoute['POST /oauth/token'] ?? 0;

describe('new tokens that the database does not take', () => {
  it('are kept with the lease, also when it had ended, and nobody else sends the old refresh token', async () => {
    await start();
    await refuseStore();
    const [one, two] = [startWorker(), startWorker()];
    const found = get(one);
    await expect.poll(() => oauth.account('ann').refreshes, { interval: 10 }).toBe(1);
    await endLease();
    // It is renewed while the tokens are offered again and again.
    await expect.poll(leaseMs, { interval: 50, timeout: 5_000 }).toBeGreaterThan(10_000);
    expect(await failure(get(two, { maxWaitMs: 300 }))).toBeInstanceOf(CredentialsBusy);
    await letStore();
    expect(await found).toMatchObject({ version: '2' });
    expect(await get(two)).toMatchObject({ version: '2' });
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, reuses: 0, isLost: false });
    expect(tokenCalls()).toBe(1);
  });

  it('have time to come through before a lease that was left over is used', async () => {
    await start();
    await refuseStore();
    const [one, two] = [startWorker(), startWorker()];
    const found = get(one);
    await expect.poll(() => oauth.account('ann').refreshes, { interval: 10 }).toBe(1);
    // The first one could not renew it either, as when it has lost the database and the other has not.
    await database.pool.query(
      `create function refuse_lease() returns trigger language plpgsql as $$
       begin
         if new.lease_until is distinct from old.lease_until and new.lease_owner = old.lease_owner then return old; end if;
         return new;
       end $$;
       create trigger keep_lease before update on sluice.credential for each row execute function refuse_lease();
       alter table sluice.credential disable trigger keep_lease;`,
    );
    await endLease();
    await database.pool.query('alter table sluice.credential enable trigger keep_lease');
    const taken = get(two);
    await expect.poll(async () => leaseMs(), { interval: 20, timeout: 5_000 }).toBeGreaterThan(10_000);
    await letStore();
    try {
      expect(await found).toMatchObject({ version: '2' });
      expect(await taken).toMatchObject({ version: '2' });
      expect(tokenCalls()).toBe(1);
      expect(oauth.account('ann')).toMatchObject({ refreshes: 1, reuses: 0 });
    } finally {
      await database.pool.query('drop function refuse_lease cascade');
    }
  });
});

describe('a refusal of the token', () => {
  it('is known to everybody: nobody calls with it while it is not renewed', async () => {
    await start({}, 3_600_000);
    const [one, two] = [startWorker(), startWorker()];
    expect(await get(two)).toMatchObject({ version: '1' });
    api.script('/oauth/token', ['503']);
    expect(await failure(refused(one))).toMatchObject({
      name: 'CredentialsBusy',
      message: 'the refresh was answered with HTTP 503',
    });
    expect(await failure(get(two))).toMatchObject({
      name: 'CredentialsBusy',
      message: 'the last refresh of the token failed: the refresh was answered with HTTP 503',
    });
    await database.pool.query('update sluice.credential set retry_at = null');
    expect(await get(two)).toMatchObject({ version: '2' });
  });

  it('that is only suspected leaves the token to those who have no doubt', async () => {
    await start({}, 3_600_000);
    const [one, two] = [startWorker(), startWorker()];
    api.script('/oauth/token', ['503']);
    const doubted = one.credentials.refresh!('social', 'ann', '1', 'empty', { ...patience, isDoubt: true });
    expect(await failure(doubted)).toBeInstanceOf(CredentialsBusy);
    expect(await get(two)).toMatchObject({ version: '1' });
  });
});

describe('code of a provider’s auth that throws', () => {
  const TOKEN = 'at-0123456789abcdef';
  const connect = () =>
    connectAccount(database.pool, keyring, of, {
      accessToken: TOKEN,
      refreshToken: 'rt-0123456789abcdef',
      expiresAt: new Date().toISOString(),
    });
  const status = async () => readAccount(database.pool, of);

  it('in the request ends what needs the token, and blames no account', async () => {
    await connect();
    const auth = refreshable(bearer(), {
      request: ({ refreshToken }) => {
        throw new RangeError(`no room for ${refreshToken}`);
      },
      parse: () => undefined,
    });
    const error = await failure(get(startWorker(auth)));
    expect(error).toBeInstanceOf(CredentialsMistake);
    expect(error?.message).toBe(
      "the credentials can't be renewed as this app is set up: `request` of the refresh threw RangeError: no room for [removed]",
    );
    expect(await status()).toMatchObject({ status: 'connected' });
  });

  it('for want of a setting says which', async () => {
    await connect();
    const worker = startWorker(oauth2({ tokenUrl: '/oauth/token', clientId: 'app', clientSecret: () => undefined }));
    expect(await failure(get(worker))).toMatchObject({
      name: 'CredentialsMistake',
      message: expect.stringContaining('oauth2: `clientSecret` gave nothing') as string,
    });
    expect(worker.log.join()).toContain('credentials can not be refreshed as this app is set up');
  });

  it('over a good answer is a mistake; over a bad one the answer counts', async () => {
    await connect();
    const auth = refreshable(bearer(), {
      request: () => post('/renew', {}),
      parse: ({ text }) => ({
        kind: 'refreshed',
        credentials: { accessToken: (JSON.parse(text) as { t: { u: string } }).t.u },
      }),
    });
    api.route('POST', '/renew', () => ({ body: { token: 'at-fresh-9876543210' } }));
    api.script('/renew', [{ status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway</html>' }]);
    const worker = startWorker(auth);
    expect(await failure(get(worker))).toMatchObject({
      name: 'CredentialsBusy',
      message: 'the refresh was answered with HTTP 502 and a page of HTML',
    });
    await database.pool.query('update sluice.credential set retry_at = null');
    expect(await failure(get(worker))).toMatchObject({
      name: 'CredentialsMistake',
      message: expect.stringMatching(/`parse` of the refresh threw TypeError/) as string,
    });
    expect(await status()).toMatchObject({ status: 'connected' });
  });

  it.each<[string, unknown, string]>([
    ['nothing that is known', { kind: 'done' }, 'gave no answer of a kind that is known'],
    ['no answer at all', null, 'gave no answer of a kind that is known'],
    ['no token', { kind: 'refreshed', credentials: {} }, 'brought nothing that a call can be authenticated with'],
  ])('or gives %s is a mistake', async (_, given, message) => {
    await connectAccount(database.pool, keyring, of, { username: 'ann', password: 'hunter2' });
    api.route('POST', '/renew', () => ({ body: {} }));
    const auth = {
      ...bearer(),
      refresh: { skewMs: 0, rotates: false, request: () => post('/renew', {}), parse: () => given as never },
    };
    expect(await failure(get(startWorker(auth)))).toMatchObject({
      name: 'CredentialsMistake',
      message: expect.stringContaining(message) as string,
    });
  });

  it('says nothing of what it was given', async () => {
    await connect();
    api.route('POST', '/renew', () => ({ status: 400, body: { access_token: 'at-fresh-9876543210', error: TOKEN } }));
    const auth = refreshable(bearer(), {
      request: () => post('/renew', {}),
      parse: ({ text }) => ({ kind: 'refused', reason: `the server said ${text}` }),
    });
    const worker = startWorker(auth);
    const error = await failure(get(worker));
    expect(error).toBeInstanceOf(NeedsReconnect);
    const { reason } = (await status())!;
    for (const text of [error!.message, reason!, worker.log.join()]) {
      expect(text).toContain('the server said');
      expect(text).not.toMatch(/0123456789abcdef|9876543210/);
    }
  });
});

describe('an app that the third party refuses', () => {
  it('has some tries to be mended in, and then ends what needs the token; the account stays', async () => {
    await start({ client: { id: 'another', secret: 'other' } });
    const worker = startWorker();
    for (let tries = 1; tries <= 2; tries++) {
      expect(await failure(get(worker))).toMatchObject({ name: 'CredentialsBusy' });
      expect(await failure(get(worker))).toMatchObject({
        name: 'CredentialsBusy',
        message: expect.stringContaining('the last refresh of the token failed: ') as string,
      });
      await database.pool.query('update sluice.credential set retry_at = null');
    }
    const message = expect.stringMatching(
      /can't be renewed as this app is set up: .*HTTP 401 invalid_client/,
    ) as string;
    expect(await failure(get(worker))).toMatchObject({ name: 'CredentialsMistake', message });
    // Whoever comes now hears the same, with no call.
    expect(await failure(get(worker))).toMatchObject({ name: 'CredentialsMistake', message });
    expect(tokenCalls()).toBe(3);
    expect(await readAccount(database.pool, of)).toMatchObject({ status: 'connected' });
  });

  it('is asked again at once by a process that began since, which may have been mended, and once only', async () => {
    await start({ client: { id: 'mended', secret: 'right' } });
    const before = startWorker();
    for (let tries = 1; tries <= 3; tries++) {
      await failure(get(before));
      if (tries < 3) await database.pool.query('update sluice.credential set retry_at = null');
    }
    // It was started anew a second later, and nothing is mended.
    const aSecondGoesBy = "update sluice.credential set retry_at = retry_at - interval '1 second'";
    await database.pool.query(aSecondGoesBy);
    const same = startWorker();
    for (const worker of [same, same, before])
      expect(await failure(get(worker))).toMatchObject({ name: 'CredentialsMistake' });
    expect(tokenCalls()).toBe(3 + 1);
    await database.pool.query(aSecondGoesBy);
    const mended = startWorker(oauth2({ tokenUrl: '/oauth/token', clientId: 'mended', clientSecret: () => 'right' }));
    expect(await get(mended)).toMatchObject({ version: '2' });
    expect(await get(before)).toMatchObject({ version: '2' });
    expect(tokenCalls()).toBe(3 + 1 + 1);
  });

  it('is asked again at once when the settings of the account have changed', async () => {
    await start({ client: { id: 'another', secret: 'other' } });
    const worker = startWorker();
    await failure(get(worker));
    await failure(get(worker));
    expect(tokenCalls()).toBe(1);
    expect(await updateSettings(database.pool, of, { region: 'eu' })).toBe(true);
    await failure(get(worker));
    expect(tokenCalls()).toBe(2);
    expect(await updateSettings(database.pool, { ...of, account: 'nobody' }, {})).toBe(false);
  });
});

describe('a pause that a token endpoint asks for', () => {
  it('is believed up to an hour', async () => {
    await start();
    api.script('/oauth/token', [{ status: 429, headers: { 'retry-after': '90000' }, body: '' }]);
    const busy = await failure(get(startWorker()));
    expect(busy).toMatchObject({ name: 'CredentialsBusy', retryAfterMs: 3_600_000 });
  });
});

describe('a refresh that nobody answers', () => {
  it('is what a run of the account waits for, with what was answered last', async () => {
    await start();
    const run = randomUUID();
    await database.pool.query(
      `insert into sluice.run (id, workflow_id, provider, sync, account, input, plan) values ($1, $2, 'social', 's', 'ann', '{}', '{"nodes": []}')`,
      [run, `sync/s/${run}`],
    );
    const waits = async () => (await readWaits(database.pool, run)).map((row) => toWait(row).text);
    expect(await waits()).toEqual([]);
    api.script('POST /oauth/token', ['503', '503', '503', '503', '503', '503']);
    expect(await failure(get(startWorker(), { maxWaitMs: 300 }))).toBeInstanceOf(CredentialsBusy);
    // The refresh belongs to its process, and may end later.
    await expect
      .poll(waits, { interval: 20 })
      .toEqual([
        expect.stringMatching(
          /^its token could not be renewed \(.*HTTP 503.*\), \d attempts? so far; tried again (now|in [\d.]+ m?s)$/,
        ),
      ]);
  });
});
