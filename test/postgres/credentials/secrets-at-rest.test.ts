import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAccount, removeAccount } from '../../../db/stores/account/account-store.ts';
import {
  loadCredentials,
  storeRefreshed,
  type StoredCredentials,
} from '../../../db/stores/account/credential-store.ts';
import { connectAccount } from '../../../db/stores/account/connect-store.ts';
import { rotateEncryption } from '../../../db/stores/account/rotate-encryption.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { EncryptionKeyError } from '../../../db/encryption-key-error.ts';
import { withoutKeys } from '../../../workers/without-keys.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const newKey = () => randomBytes(32).toString('base64');
const tokens = { accessToken: 'at_the-access-token', refreshToken: 'rt_the-refresh-token' };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const rowOf = async (account: string) => {
  const { rows } = await database.pool.query<{ secret: Buffer; key_id: string; version: number }>(
    'select secret, key_id, version from sluice.credential where account = $1',
    [account],
  );
  return rows[0]!;
};

describe('secrets at rest', () => {
  it('come back as they were stored, and stand in no column as text', async () => {
    const keyring = createKeyring(`k1:${newKey()}`);
    const of = { provider: 'social', account: 'ann' };
    await connectAccount(database.pool, keyring, of, { ...tokens, extra: { instance: 'i-17' } });
    const held = await loadCredentials(database.pool, keyring, of);
    expect(held).toMatchObject({ credentials: { ...tokens, extra: { instance: 'i-17' } }, version: 1, leftMs: null });
    const { rows } = await database.pool.query<{ text: string }>(
      `select row_to_json(c)::text || encode(secret, 'escape') as text from sluice.credential c`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.text).not.toContain('the-access-token');
    expect(rows[0]!.text).not.toContain('the-refresh-token');
    expect(rows[0]!.text).not.toContain('i-17');
  });

  it('differ at every write, and open for their own account only', async () => {
    const keyring = createKeyring(`k1:${newKey()}`);
    await connectAccount(database.pool, keyring, { provider: 'social', account: 'bob' }, tokens);
    const first = await rowOf('bob');
    await connectAccount(database.pool, keyring, { provider: 'social', account: 'bob' }, tokens);
    const second = await rowOf('bob');
    expect(second.version).toBe(2);
    expect(second.secret.equals(first.secret)).toBe(false);
    await connectAccount(database.pool, keyring, { provider: 'social', account: 'eve' }, { accessToken: 'own' });
    await database.pool.query(
      `update sluice.credential set secret = (select secret from sluice.credential where account = 'bob') where account = 'eve'`,
    );
    await expect(loadCredentials(database.pool, keyring, { provider: 'social', account: 'eve' })).rejects.toThrow(
      /The stored credentials of social\/eve are not those that were stored for it last/,
    );
  });

  it('put back from an earlier time do not open, not even after the account was disconnected and connected again', async () => {
    const keyring = createKeyring(`k1:${newKey()}`);
    const of = { provider: 'social', account: 'old' };
    await connectAccount(database.pool, keyring, of, { accessToken: 'at_of-then' });
    const first = await rowOf('old');
    const putBack = () =>
      database.pool.query(`update sluice.credential set secret = $1, key_id = 'k1' where account = 'old'`, [
        first.secret,
      ]);
    await connectAccount(database.pool, keyring, of, tokens);
    await putBack();
    const refused = /The stored credentials of social\/old are not those that were stored for it last/;
    await expect(loadCredentials(database.pool, keyring, of)).rejects.toThrow(refused);
    await removeAccount(database.pool, of, false);
    await connectAccount(database.pool, keyring, of, tokens);
    expect((await rowOf('old')).version).toBe(first.version);
    await putBack();
    await expect(loadCredentials(database.pool, keyring, of)).rejects.toThrow(refused);
    await connectAccount(database.pool, keyring, of, tokens);
    expect(await loadCredentials(database.pool, keyring, of)).toMatchObject({ credentials: tokens });
  });

  it('that several store at once are all sealed for the version that they get', async () => {
    const keyring = createKeyring(`k1:${newKey()}`);
    const of = { provider: 'social', account: 'many' };
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => connectAccount(database.pool, keyring, of, { accessToken: `at_${n}` })),
    );
    expect(await loadCredentials(database.pool, keyring, of)).toMatchObject({ version: 12 });
  });

  it('say which key they need when it is not known or is another one, and say nothing of its contents', async () => {
    const key = newKey();
    const of = { provider: 'social', account: 'cid' };
    await connectAccount(database.pool, createKeyring(`k1:${key}`), of, tokens);
    const unknown = await loadCredentials(database.pool, createKeyring(`k2:${newKey()}`), of).catch((e: unknown) => e);
    expect(unknown).toBeInstanceOf(EncryptionKeyError);
    expect(String(unknown)).toContain('encrypted with key "k1", and SLUICE_ENCRYPTION_KEYS has "k2"');
    const other = await loadCredentials(database.pool, createKeyring(`k1:${newKey()}`), of).catch((e: unknown) => e);
    expect(String(other)).toContain('key "k1" of SLUICE_ENCRYPTION_KEYS is another one');
    for (const error of [unknown, other]) {
      expect(String(error)).not.toContain(key);
      expect(String(error)).not.toContain('the-access-token');
    }
  });

  it('are encrypted anew with the first key while calls go on, and then need the old one no more', async () => {
    const [oldKey, newOne] = [newKey(), newKey()];
    const before = createKeyring(`old:${oldKey}`);
    const both = createKeyring(`new:${newOne},old:${oldKey}`);
    const after = createKeyring(`new:${newOne}`);
    await database.pool.query('delete from sluice.account');
    for (let n = 0; n < 250; n++) {
      await connectAccount(database.pool, before, { provider: 'social', account: `r${n}` }, { accessToken: `at_${n}` });
    }
    // A refresh in the middle is not undone by the rotation.
    const [rotated] = await Promise.all([
      rotateEncryption(database.pool, both),
      ...Array.from({ length: 20 }, async (_, n) => {
        const of = { provider: 'social', account: `r${n}` };
        const { generation } = (await loadCredentials(database.pool, both, of)) as StoredCredentials;
        const refreshed = { generation, version: 1, credentials: { accessToken: `at_${n}_new` }, lifeMs: null };
        return storeRefreshed(database.pool, both, of, refreshed);
      }),
    ]);
    expect(rotated).toBeGreaterThanOrEqual(230);
    expect(await rotateEncryption(database.pool, both)).toBe(0);
    for (let n = 0; n < 250; n++) {
      const held = await loadCredentials(database.pool, after, { provider: 'social', account: `r${n}` });
      expect(held).toMatchObject({ credentials: { accessToken: n < 20 ? `at_${n}_new` : `at_${n}` } });
    }
  });

  it('count their life by the clock of the database, and survive being connected again', async () => {
    const keyring = createKeyring(`k1:${newKey()}`);
    const of = { provider: 'social', account: 'dan', tenant: 't1' };
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    await connectAccount(database.pool, keyring, of, { ...tokens, expiresAt });
    const held = await loadCredentials(database.pool, keyring, of);
    expect(held).toMatchObject({ status: 'connected', isRefreshed: false });
    expect(held).toHaveProperty('leftMs', expect.closeTo(60_000, -4));
    await connectAccount(database.pool, keyring, { provider: 'social', account: 'dan' }, tokens);
    expect(await loadCredentials(database.pool, keyring, of)).toMatchObject({ version: 2, leftMs: null });
    expect(await readAccount(database.pool, of)).toMatchObject({ tenant: 't1', status: 'connected', reason: null });
    await expect(connectAccount(database.pool, keyring, of, { ...tokens, expiresAt: 'tomorrow' })).rejects.toThrow(
      '`expiresAt` is "tomorrow"; it must be an ISO time.',
    );
  });
});

describe('a worker without keys', () => {
  it('has no credentials for who is not in the store, and says which key it needs for who is', async () => {
    const source = withoutKeys(database.pool);
    expect(await source.get('social', 'nobody')).toBeUndefined();
    const keyring = createKeyring(`k7:${newKey()}`);
    await connectAccount(database.pool, keyring, { provider: 'social', account: 'keyless' }, tokens);
    await expect(source.get('social', 'keyless')).rejects.toThrow(
      new EncryptionKeyError(
        'The credentials of social/keyless are encrypted with key "k7", and this worker has no keys: ' +
          'set SLUICE_ENCRYPTION_KEYS to what the app has that connected the account.',
      ),
    );
    expect(await source.get('other', 'keyless')).toBeUndefined();
  });
});
