import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CredentialsBusy, NeedsReconnect } from '../../../activities/index.ts';
import type { Credentials } from '../../../contracts/secrets/credentials.ts';
import { readAccount } from '../../../db/stores/account/account-store.ts';
import { connectAccount } from '../../../db/stores/account/connect-store.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { bearer, defineProvider } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi, type OAuthHandle, type OAuthOptions } from '../../../testing/index.ts';
import {
  oauthProvider,
  startCredentialWorker,
  TEST_KEYS,
  type CredentialWorker,
} from '../../setup/programs/credential-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { built } from '../../setup/programs/programs.ts';

const keyring = createKeyring(TEST_KEYS);
const REFUSED = 'HTTP 401';

let database: TestDatabase;
let api: FakeApi;
let oauth: OAuthHandle;
let workers: CredentialWorker[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.end()));
  workers = [];
  await api.stop();
  await database.pool.query('delete from sluice.account');
});

const start = async (options: OAuthOptions = {}) => {
  api = await startFakeApi();
  oauth = api.oauth(options);
  api.route('GET', '/me', ({ account }) => ({ body: { account } }));
};
const startWorkers = (count: number) => {
  const started = Array.from({ length: count }, () => startCredentialWorker(database.url, oauthProvider(api.url)));
  workers.push(...started);
  return started;
};
/** Connects an account as after a login; its token ends in `leftMs`. */
const connect = async (account: string, leftMs?: number) => {
  const { accessToken, refreshToken } = oauth.issue(account);
  const expiresAt = leftMs === undefined ? {} : { expiresAt: new Date(Date.now() + leftMs).toISOString() };
  await connectAccount(
    database.pool,
    keyring,
    { provider: 'social', account },
    { accessToken, refreshToken, ...expiresAt },
  );
  return { accessToken, refreshToken };
};
const patience = { maxWaitMs: 20_000 };
const get = (worker: CredentialWorker, account: string) => worker.credentials.get('social', account, patience);
const refused = (worker: CredentialWorker, account: string, version: string) =>
  worker.credentials.refresh!('social', account, version, REFUSED, patience);
const worksWith = async (credentials: Credentials | undefined) => {
  const answer = await fetch(`${api.url}/me`, { headers: { authorization: `Bearer ${credentials?.accessToken}` } });
  return answer.status === 200;
};
const endLease = () =>
  database.pool.query(`update sluice.credential set lease_until = clock_timestamp() where lease_until is not null`);
const status = async (account: string) => (await readAccount(database.pool, { provider: 'social', account }))?.status;

describe('refreshing credentials', () => {
  it('is done once by 8 workers with 20 callers each, and every caller gets the new token', async () => {
    await start({ answerAfterMs: 150 });
    await connect('ann');
    oauth.expire('ann');
    const found = await Promise.all(
      startWorkers(8).flatMap((worker) => Array.from({ length: 20 }, () => refused(worker, 'ann', '1'))),
    );
    expect(found).toHaveLength(160);
    expect(new Set(found.map((credentials) => credentials?.version))).toEqual(new Set(['2']));
    expect(new Set(found.map((credentials) => credentials?.accessToken)).size).toBe(1);
    expect(await worksWith(found[0])).toBe(true);
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, refusedRefreshes: 0, reuses: 0, isLost: false });
    expect(api.report().byRoute['POST /oauth/token']).toBe(1);
  });

  it('goes on through many expiries without ever using a refresh token twice', async () => {
    await start({ accessLifeMs: 60_000 });
    await connect('ann');
    const many = startWorkers(4);
    for (let round = 1; round <= 10; round++) {
      oauth.expire('ann');
      // So old that a refusal is believed.
      await database.pool.query(`update sluice.credential set issued_at = issued_at - interval '10 seconds'`);
      const found = await Promise.all(many.flatMap((one) => [1, 2, 3].map(() => refused(one, 'ann', String(round)))));
      expect(new Set(found.map((credentials) => credentials?.version))).toEqual(new Set([String(round + 1)]));
    }
    expect(oauth.account('ann')).toMatchObject({ refreshes: 10, reuses: 0, isLost: false });
  });

  it('begins before the token ends, and callers go on with the old one meanwhile', async () => {
    await start({ answerAfterMs: 2_000, accessLifeMs: 600_000 });
    const { accessToken } = await connect('ann', 30_000);
    await database.pool.query('update sluice.credential set life_ms = 600000');
    const [one] = startWorkers(1);
    const found = await Promise.all(Array.from({ length: 10 }, () => get(one!, 'ann')));
    // None of them has waited for the answer.
    const { rows } = await database.pool.query('select version from sluice.credential');
    expect(rows).toEqual([{ version: 1 }]);
    expect(new Set(found.map((credentials) => credentials?.accessToken))).toEqual(new Set([accessToken]));
    await one!.credentials.settled();
    expect(await get(one!, 'ann')).toMatchObject({ version: '2' });
    expect(oauth.account('ann').refreshes).toBe(1);
  });

  it('is waited for when the token is over, no longer than the caller may', async () => {
    await start({ answerAfterMs: 400 });
    await connect('ann', 0);
    oauth.expire('ann');
    const [one, two] = startWorkers(2);
    const impatient = one!.credentials.get('social', 'ann', { maxWaitMs: 20 });
    await expect(impatient).rejects.toBeInstanceOf(CredentialsBusy);
    const found = await Promise.all([get(one!, 'ann'), get(two!, 'ann')]);
    expect(found.map((credentials) => credentials?.version)).toEqual(['2', '2']);
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, reuses: 0 });
  });

  it('is not done for a token that somebody has renewed already: its successor is the answer', async () => {
    await start();
    await connect('ann');
    const [one] = startWorkers(1);
    await refused(one!, 'ann', '1');
    expect(await refused(one!, 'ann', '1')).toMatchObject({ version: '2' });
    expect(oauth.account('ann').refreshes).toBe(1);
  });

  it('is not repeated for a token just refreshed: the next one would fare no better', async () => {
    await start();
    await connect('ann');
    const [one] = startWorkers(1);
    await refused(one!, 'ann', '1');
    await expect(refused(one!, 'ann', '2')).rejects.toThrow(/a token just refreshed was refused: HTTP 401/);
    expect(oauth.account('ann').refreshes).toBe(1);
  });

  it('refused, marks the account for its user, and nobody asks again', async () => {
    await start();
    await connect('ann');
    oauth.revoke('ann');
    const many = startWorkers(3);
    const found = await Promise.all(many.map((one) => refused(one, 'ann', '1').catch((error: unknown) => error)));
    for (const error of found) expect(error).toBeInstanceOf(NeedsReconnect);
    await expect(get(many[0]!, 'ann')).rejects.toThrow('the refresh was answered with HTTP 400 invalid_grant');
    expect(await readAccount(database.pool, { provider: 'social', account: 'ann' })).toMatchObject({
      status: 'needs_reconnect',
      reason: 'the refresh was answered with HTTP 400 invalid_grant',
    });
    expect(api.report().byRoute['POST /oauth/token']).toBe(1);
    await connect('ann');
    expect(await worksWith(await get(many[1]!, 'ann'))).toBe(true);
    expect(await status('ann')).toBe('connected');
  });

  it('that the provider does not define leaves the third party’s own words as the reason', async () => {
    await start();
    await connect('ann');
    const provider = defineProvider({ id: 'social', baseUrl: api.url, auth: bearer(), limits: [] });
    const one = startCredentialWorker(database.url, provider);
    workers.push(one);
    const reason = 'HTTP 401 (provider "social" does not define how to refresh credentials)';
    await expect(refused(one, 'ann', '1')).rejects.toThrow(new NeedsReconnect(reason));
    const account = await readAccount(database.pool, { provider: 'social', account: 'ann' });
    expect(account).toMatchObject({ status: 'needs_reconnect', reason });
  });

  it('failing, is tried again with growing pauses by whoever comes, and gives no account up', async () => {
    await start();
    await connect('ann');
    oauth.expire('ann');
    api.script('/oauth/token', ['503', 'reset']);
    const [one, two] = startWorkers(2);
    const busy = await refused(one!, 'ann', '1').catch((error: unknown) => error as CredentialsBusy);
    expect(busy).toBeInstanceOf(CredentialsBusy);
    await expect(refused(two!, 'ann', '1')).rejects.toThrow('the last refresh of the token failed');
    expect(api.report().byRoute['POST /oauth/token']).toBe(1);
    await database.pool.query('update sluice.credential set retry_at = null');
    await expect(refused(two!, 'ann', '1')).rejects.toBeInstanceOf(CredentialsBusy);
    await database.pool.query('update sluice.credential set retry_at = null');
    expect(await refused(one!, 'ann', '1')).toMatchObject({ version: '2' });
    expect(await status('ann')).toBe('connected');
  });

  it('blames the app and not the account when the client is refused', async () => {
    await start({ client: { id: 'another', secret: 'other' } });
    await connect('ann');
    oauth.expire('ann');
    const [one] = startWorkers(1);
    await expect(refused(one!, 'ann', '1')).rejects.toThrow('HTTP 401 invalid_client');
    expect(await status('ann')).toBe('connected');
    expect(one!.log.join()).toContain('credentials can not be refreshed as this app is set up');
  });

  it('takes a permit of the limiter like any other call', async () => {
    await start();
    await connect('ann');
    oauth.expire('ann');
    const [one] = startWorkers(1);
    // All that were ever granted: what is used of a window falls by itself.
    const granted = async () => {
      const { rows } = await database.pool.query<{ granted: number }>(
        `select coalesce(sum(granted), 0)::float8 as granted from sluice.limit_bucket where key = 'social/app/app'`,
      );
      return rows[0]!.granted;
    };
    const before = await granted();
    await refused(one!, 'ann', '1');
    expect((await granted()) - before).toBe(1);
  });
});

describe('a worker that dies or is late while it refreshes', () => {
  it('does not cost the account where the third party gives the lost tokens again', async () => {
    await start({ answerAfterMs: 5_000, graceMs: 60_000 });
    await connect('ann', 0);
    const child = spawn(
      process.execPath,
      [built('test/setup/programs/credential-process.ts'), database.url, api.url, 'ann'],
      {
        stdio: 'ignore',
      },
    );
    await expect.poll(() => oauth.account('ann').refreshes, { timeout: 20_000, interval: 20 }).toBe(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [one] = startWorkers(1);
    // While its lease lasts nobody else asks.
    await expect(one!.credentials.get('social', 'ann', { maxWaitMs: 300 })).rejects.toBeInstanceOf(CredentialsBusy);
    expect(api.report().byRoute['POST /oauth/token']).toBe(1);
    await endLease();
    const found = await get(one!, 'ann');
    expect(found?.version).toBe('2');
    expect(await worksWith(found)).toBe(true);
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, reuses: 0, isLost: false });
  });

  it('costs one reconnection where the third party takes a second use for theft', async () => {
    await start({ answerAfterMs: 200 });
    const { refreshToken } = await connect('ann', 0);
    // As the dead worker did: the tokens were made, and nobody stored them.
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
    await fetch(`${api.url}/oauth/token`, { method: 'POST', body });
    const [one] = startWorkers(1);
    await expect(get(one!, 'ann')).rejects.toBeInstanceOf(NeedsReconnect);
    expect(await status('ann')).toBe('needs_reconnect');
  });

  it('can not overwrite newer tokens with its own', async () => {
    await start({ answerAfterMs: 800, graceMs: 60_000 });
    await connect('ann', 0);
    const [late, next] = startWorkers(2);
    const lateOne = get(late!, 'ann');
    await expect.poll(() => oauth.account('ann').refreshes, { interval: 10 }).toBe(1);
    await connect('ann', 60_000);
    const { rows } = await database.pool.query('select version from sluice.credential');
    expect(rows).toEqual([{ version: 2 }]);
    expect(await lateOne).toMatchObject({ version: '2' });
    expect(await get(next!, 'ann')).toMatchObject({ version: '2' });
    expect(await worksWith(await get(next!, 'ann'))).toBe(true);
  });

  it('brings the account back when its tokens arrive after it was given up', async () => {
    // Later than another worker waits for the holder of a lease that was left over.
    await start({ answerAfterMs: 6_000, detectsReuse: false });
    api.script('/oauth/token', ['ok', { status: 400, body: { error: 'invalid_grant' } }]);
    await connect('ann', 0);
    const [late, next] = startWorkers(2);
    const lateOne = get(late!, 'ann');
    await expect.poll(() => oauth.account('ann').refreshes, { interval: 10 }).toBe(1);
    await endLease();
    await expect(get(next!, 'ann')).rejects.toBeInstanceOf(NeedsReconnect);
    expect(await status('ann')).toBe('needs_reconnect');
    expect(await lateOne).toMatchObject({ version: '2' });
    expect(await get(next!, 'ann')).toMatchObject({ version: '2' });
    expect(await status('ann')).toBe('connected');
    expect(await worksWith(await get(next!, 'ann'))).toBe(true);
  });

  it('keeps new tokens in memory while the database does not take them', async () => {
    await start({});
    await connect('ann', 0);
    // A sequence goes on counting when the statement that was refused is rolled back.
    await database.pool.query(`
      create sequence public.refusals;
      create function public.refuse() returns trigger language plpgsql as $$
        begin perform nextval('public.refusals'); raise exception 'no room'; end $$;
      create trigger refuse before update on sluice.credential for each row
        when (new.version > old.version) execute function public.refuse()`);
    const [one] = startWorkers(1);
    const found = get(one!, 'ann');
    const refusals = async () => {
      const { rows } = await database.pool.query<{ n: number }>(
        'select (case when is_called then last_value else 0 end)::int as n from public.refusals',
      );
      return rows[0]?.n;
    };
    await expect.poll(refusals, { interval: 10 }).toBeGreaterThan(2);
    await database.pool.query(`
      drop trigger refuse on sluice.credential; drop function public.refuse; drop sequence public.refusals`);
    expect(await found).toMatchObject({ version: '2' });
    expect(await worksWith(await found)).toBe(true);
    expect(oauth.account('ann')).toMatchObject({ refreshes: 1, reuses: 0 });
  });
});
