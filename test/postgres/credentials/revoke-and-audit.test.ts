import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpSender, revokeNext, type RevokeDeps } from '../../../activities/index.ts';
import {
  createKeyring,
  createSecretUseCounter,
  listSecretUses,
  noteSecretUses,
  type Keyring,
} from '../../../db/index.ts';
import { removeAccount } from '../../../db/stores/account/account-store.ts';
import { loadCredentials } from '../../../db/stores/account/credential-store.ts';
import { connectAccount } from '../../../db/stores/account/connect-store.ts';
import { rotateEncryption } from '../../../db/stores/account/rotate-encryption.ts';
import { createLimiter, type Limiter } from '../../../limiter/index.ts';
import { bearer, defineProvider, oauth2, revocable, type Auth } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const of = { provider: 'social', account: 'ann' };
const tokens = { accessToken: 'at-0123456789abcdef', refreshToken: 'rt-0123456789abcdef' };

let database: TestDatabase;
let api: FakeApi;
let limiter: Limiter;
const http = createHttpSender();
const counter = createSecretUseCounter();
const keyring: Keyring = createKeyring(TEST_KEYS, counter);
let log: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  limiter = createLimiter({ pool: database.pool });
});
afterAll(async () => {
  await limiter.stop();
  await http.close();
  await database.drop();
});
beforeEach(async () => {
  await counter.flush(() => Promise.resolve());
  api = await startFakeApi();
  log = [];
});
afterEach(async () => {
  await api.stop();
  await database.pool.query('delete from sluice.account; delete from sluice.revocation; delete from sluice.secret_use');
});

const note = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);
const revoke = (auth: Auth): Promise<boolean> => {
  const provider = defineProvider({ id: 'social', baseUrl: api.url, auth, limits: [] });
  const deps: RevokeDeps = {
    pool: database.pool,
    keyring,
    limiter,
    http,
    egress: 'default',
    log: { info: note, warn: note, error: note },
  };
  return revokeNext(deps, new Map([['social', provider]]));
};
const withEndpoint = oauth2({
  tokenUrl: '/token',
  clientId: 'app',
  clientSecret: () => 's3cret',
  revokeUrl: '/revoke',
});
const disconnect = async () => {
  await connectAccount(database.pool, keyring, of, tokens);
  expect(await removeAccount(database.pool, of, true)).toBe(true);
  expect(await loadCredentials(database.pool, keyring, of)).toBeUndefined();
};
const kept = async (): Promise<{ attempts: number; next: number }[]> => {
  const { rows } = await database.pool.query<{ attempts: number; next: number }>(
    'select attempts, extract(epoch from next_at - clock_timestamp())::float8 as next from sluice.revocation',
  );
  return rows;
};
const makeDue = () => database.pool.query('update sluice.revocation set next_at = clock_timestamp()');
const audit = async () => (await listSecretUses(database.pool, of)).map(({ what, times }) => [what, times]);

describe('the credentials of a disconnected account', () => {
  it('are revoked at the third party once, and then kept nowhere', async () => {
    const asked: unknown[] = [];
    api.route('POST', '/revoke', ({ body, headers }) => {
      asked.push([body, headers.authorization]);
      return { body: '' };
    });
    await disconnect();
    expect(await revoke(withEndpoint)).toBe(true);
    expect(await revoke(withEndpoint)).toBe(false);
    expect(asked).toEqual([
      [
        { token: tokens.refreshToken, token_type_hint: 'refresh_token' },
        `Basic ${Buffer.from('app:s3cret').toString('base64')}`,
      ],
    ]);
    expect(await kept()).toEqual([]);
    expect(await audit()).toContainEqual(['revoked', 1]);
  });

  it('are revoked by a request of the provider’s own', async () => {
    let used: string | undefined;
    api.route('DELETE', '/session', ({ token }) => {
      used = token;
      return { status: 404 }; // it was not there any more, which is what is wanted
    });
    await disconnect();
    const auth = revocable(bearer(), {
      request: ({ accessToken }) => ({
        method: 'DELETE',
        path: '/session',
        headers: { authorization: `Bearer ${accessToken}` },
      }),
    });
    expect(await revoke(auth)).toBe(true);
    expect(used).toBe(tokens.accessToken);
    expect(await kept()).toEqual([]);
  });

  it('are tried again while the third party fails, and given up after a day', async () => {
    api.route('POST', '/revoke', () => ({ status: 503 }));
    await disconnect();
    await revoke(withEndpoint);
    expect(await kept()).toEqual([{ attempts: 1, next: expect.closeTo(0.5, 0) as number }]);
    // Not due yet.
    expect(await revoke(withEndpoint)).toBe(false);
    await makeDue();
    await revoke(withEndpoint);
    expect(await kept()).toMatchObject([{ attempts: 2 }]);
    await database.pool.query(`update sluice.revocation set asked_at = asked_at - interval '25 hours'`);
    await makeDue();
    await revoke(withEndpoint);
    expect(await kept()).toEqual([]);
    expect(await audit()).toContainEqual(['revocation-failed', 1]);
    expect(log.join()).toContain('credentials of a disconnected account could not be revoked');
  });

  it('are given up at once where the third party refuses, or the provider does not say how', async () => {
    api.route('POST', '/revoke', ({ text }) => ({ status: 400, body: { error: `unsupported: ${text}` } }));
    await disconnect();
    await revoke(withEndpoint);
    expect(await kept()).toEqual([]);
    await disconnect();
    await revoke(oauth2({ tokenUrl: '/token', clientId: 'app' }));
    expect(await kept()).toEqual([]);
    expect(log.join()).toContain('provider \\"social\\" does not define how to revoke them');
    expect(log.join()).not.toContain('0123456789abcdef');
  });

  it('are just deleted where nobody asked for more, and are no business of a worker without the provider', async () => {
    await connectAccount(database.pool, keyring, of, tokens);
    expect(await removeAccount(database.pool, of, false)).toBe(true);
    expect(await kept()).toEqual([]);
    expect(await removeAccount(database.pool, of, true)).toBe(false);
    await connectAccount(database.pool, keyring, { provider: 'other', account: 'ann' }, tokens);
    await removeAccount(database.pool, { provider: 'other', account: 'ann' }, true);
    expect(await revoke(withEndpoint)).toBe(false);
    expect(await kept()).toHaveLength(1);
  });
});

describe('the audit', () => {
  it('has every read of a secret, counted by account, purpose and hour, and by whom', async () => {
    await connectAccount(database.pool, keyring, of, tokens);
    await connectAccount(database.pool, keyring, { provider: 'social', account: 'bob' }, tokens);
    for (let times = 0; times < 3; times++) await loadCredentials(database.pool, keyring, of);
    await loadCredentials(database.pool, keyring, of, 'refresh');
    await counter.flush((uses, telling) => noteSecretUses(database.pool, uses, telling));
    expect(new Map((await audit()) as [string, number][])).toEqual(
      new Map([
        ['connected', 1],
        ['call', 3],
        ['refresh', 1],
      ]),
    );
    const [one] = await listSecretUses(database.pool, of);
    expect(one?.who).toMatch(/^\S+ sluice-test \S+$/);
    expect(Date.parse(one!.lastAt)).toBeGreaterThanOrEqual(Date.parse(one!.firstAt));
    // Again in the same hour: the same line.
    await loadCredentials(database.pool, keyring, of);
    await counter.flush((uses, telling) => noteSecretUses(database.pool, uses, telling));
    expect(await audit()).toContainEqual(['call', 4]);
    expect(await listSecretUses(database.pool, { since: new Date(Date.now() + 60_000).toISOString() })).toEqual([]);
    expect(await listSecretUses(database.pool, { limit: 1 })).toHaveLength(1);
  });

  it('loses no count when it can’t be written', async () => {
    await connectAccount(database.pool, keyring, of, tokens);
    await loadCredentials(database.pool, keyring, of);
    await expect(counter.flush(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    await loadCredentials(database.pool, keyring, of);
    await counter.flush((uses, telling) => noteSecretUses(database.pool, uses, telling));
    expect(await audit()).toContainEqual(['call', 2]);
  });

  it('has what a rotation of keys has read', async () => {
    await connectAccount(database.pool, keyring, of, tokens);
    const next = createKeyring(`k2:${Buffer.alloc(32, 9).toString('base64')},${TEST_KEYS}`, counter);
    expect(await rotateEncryption(database.pool, next)).toBe(1);
    expect(await rotateEncryption(database.pool, next)).toBe(0);
    expect(await loadCredentials(database.pool, next, of)).toMatchObject({ credentials: tokens, version: 1 });
    await counter.flush((uses, telling) => noteSecretUses(database.pool, uses, telling));
    expect(await audit()).toContainEqual(['rotate', 1]);
  });
});
