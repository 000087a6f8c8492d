import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../../db/stores/account/credential-store.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { devEncryptionKeys, findDevEncryptionKeys } from '../../../dev-servers/index.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { sluice } from '../../setup/programs/command-line.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

const TOKEN = 'at_0123456789abcdef';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

function accounts(
  args: readonly string[],
  { input = '', keys = TEST_KEYS }: { readonly input?: string; readonly keys?: string } = {},
) {
  const env = {
    DATABASE_URL: db.url,
    TEMPORAL_ADDRESS: temporalAddress(),
    SLUICE_ENCRYPTION_KEYS: keys,
  };
  return sluice(['accounts', ...args], env, { input });
}

describe('sluice accounts', () => {
  it('connects an account from standard input, shows it, rotates its key and disconnects it', async () => {
    const input = JSON.stringify({ accessToken: TOKEN, refreshToken: 'rt_1' });
    const connected = await accounts(['connect', 'social', 'ann', '--tenant', 'acme', '--expires-in', '60'], { input });
    expect(connected).toMatchObject({ code: 0, output: expect.stringContaining('social/ann  connected') as string });
    const listed = await accounts(['list', '--status', 'connected', '--json']);
    expect(JSON.parse(listed.output)).toMatchObject([
      { provider: 'social', account: 'ann', tenant: 'acme', expiresAt: expect.any(String) as string },
    ]);
    expect((await accounts(['list', '--status', 'needs_reconnect'])).output).toContain('No accounts.');
    const updated = await accounts(['update', 'social', 'ann', '--settings', '{"shop":"acme"}']);
    expect(updated).toMatchObject({ code: 0, output: expect.stringContaining('settings {"shop":"acme"}') as string });
    const unknown = await accounts(['update', 'social', 'bob', '--settings', '{"shop":"acme"}']);
    expect(unknown).toMatchObject({ code: 1, output: expect.stringContaining('is not known') as string });
    expect(await accounts(['status', 'social', 'bob'])).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^social\/bob {2}unknown: .*`npx sluice accounts list`/) as string,
    });
    // Without credentials nothing has to be read.
    const bare = await accounts(['connect', 'social', 'bob', '--settings', '{"shop":"acme"}']);
    expect(bare).toMatchObject({ code: 0, output: expect.stringContaining('settings {"shop":"acme"}') as string });

    const newKeys = `k2:${Buffer.alloc(32, 8).toString('base64')}`;
    const rotated = await accounts(['rotate-keys'], { keys: `${newKeys},${TEST_KEYS}` });
    expect(rotated.output).toContain('Encrypted anew: 1 account.');
    const held = await loadCredentials(db.pool, createKeyring(newKeys), { provider: 'social', account: 'ann' });
    expect(held).toMatchObject({ credentials: { accessToken: TOKEN } });

    expect(await accounts(['disconnect', 'social', 'ann'])).toMatchObject({ code: 0 });
    expect(await accounts(['disconnect', 'social', 'ann'])).toMatchObject({ code: 1 });
    for (const { output } of [connected, listed, rotated]) expect(output).not.toContain(TOKEN);
  }, 120_000);

  it('says what is wrong and repeats nothing of what it read', async () => {
    const cases = [
      [{ input: `{"token":"${TOKEN}"}` }, /^`credentials` hold no secret that is known: they have `token`, .*\n$/],
      [{ input: `{"accessToken":"x","scope":"${TOKEN}"}` }, 'Unknown fields: scope. Known are accessToken'],
      // Each name once.
      [
        { input: `{"access_token":"${TOKEN}"}` },
        /^`credentials`: `access_token` is not read, write `accessToken`\.\n$/,
      ],
      [{ input: TOKEN }, 'Standard input is not JSON'],
      [{ input: '' }, 'Standard input is empty'],
      [{ input: `["${TOKEN}"]` }, 'not an object'],
      [{ input: `{"accessToken":["${TOKEN}"]}` }, '`accessToken` must be a text'],
      // All of it at once.
      [
        { input: `{"accessToken":7,"acessToken":"${TOKEN}","extra":"${TOKEN}","expiresAt":"${TOKEN}"}` },
        /Unknown fields: acessToken \(accessToken\?\)\. .*\n.*`accessToken` must be a text.*\n`extra` .*\n`expiresAt` must/,
      ],
      [
        { input: `{"accessToken":"${TOKEN}"}`, keys: 'k1:c2hvcnQ=' },
        'the key has 5 bytes after base64; it must have 32',
      ],
    ] as const;
    for (const [options, message] of cases) {
      const { code, output } = await accounts(['connect', 'social', 'eve'], options);
      expect(code).toBe(1);
      expect(output).toEqual(
        typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
      );
      expect(output).not.toContain(TOKEN);
      expect(output).not.toContain('c2hvcnQ=');
    }
  }, 120_000);
});

describe('the key of the development servers', () => {
  it('is made once, for its user alone, and found again', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-key-'));
    try {
      expect(await findDevEncryptionKeys({ dataDir })).toBeUndefined();
      const [one, two] = await Promise.all([devEncryptionKeys({ dataDir }), devEncryptionKeys({ dataDir })]);
      expect(one).toBe(two);
      expect(await findDevEncryptionKeys({ dataDir })).toBe(one);
      expect(createKeyring(one).currentKeyId).toBe('dev');
      expect((await stat(join(dataDir, 'encryption-key'))).mode & 0o777).toBe(0o600);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
