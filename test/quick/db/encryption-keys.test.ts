import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyService } from '../../../contracts/secrets/key-service.ts';
import { createKeyring } from '../../../db/encryption.ts';
import { EncryptionKeyError } from '../../../db/encryption-key-error.ts';
import { createLocalKeyService } from '../../../db/local-key-service.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const of = { provider: 'x', account: 'y', generation: 1, version: 1 };

describe('encryption keys', () => {
  it('encrypt with the first and decrypt with all', async () => {
    const before = createKeyring(`a:${key(1)}`);
    const after = createKeyring(` b:${key(2)}, a:${key(1)} `);
    expect(after.currentKeyId).toBe('b');
    expect(await after.open(await before.seal('secret', of), of, 'call')).toBe('secret');
    const sealed = await after.seal('secret', of);
    expect(sealed.keyId).toBe('b');
    await expect(before.open(sealed, of, 'call')).rejects.toThrow(/encrypted with key "b"/);
  });

  it('refuse a ciphertext that was changed, is another account’s, or of an earlier time', async () => {
    const keyring = createKeyring(`a:${key(1)}`);
    const sealed = await keyring.seal('secret', of);
    for (const other of [{ account: 'z' }, { provider: 'z' }, { version: 2 }, { generation: 2 }])
      await expect(keyring.open(sealed, { ...of, ...other }, 'call')).rejects.toThrow(/put back from an earlier time/);
    for (let at = 0; at < sealed.blob.length; at++) {
      const blob = Buffer.from(sealed.blob);
      blob[at] = blob[at]! ^ 1;
      // The first byte says what the others are.
      if (at > 0)
        await expect(keyring.open({ keyId: 'a', blob }, of, 'call')).rejects.toBeInstanceOf(EncryptionKeyError);
    }
    for (const length of [0, 2, 5, 40])
      await expect(
        keyring.open({ keyId: 'a', blob: sealed.blob.subarray(0, length) }, of, 'call'),
      ).rejects.toBeInstanceOf(EncryptionKeyError);
  });

  it('name every mistake at once and never repeat a key', () => {
    const short = Buffer.alloc(16, 9).toString('base64');
    const bare = key(3);
    const read = () => createKeyring(`a:${short},${bare},b b:${key(4)},c:${key(5)},c:${key(6)}`);
    expect(read).toThrow(EncryptionKeyError);
    let message = '';
    try {
      read();
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('entry 1 ("a"): the key has 16 bytes after base64; it must have 32');
    expect(message).toContain('entry 2: expected `id:key`');
    expect(message).toContain('entry 3: use up to 40 letters');
    expect(message).toContain('entry 5 ("c"): two keys have this id');
    for (const secret of [short, bare, key(4), key(5), key(6)]) expect(message).not.toContain(secret);
  });

  it('say how to make one when there is none', () => {
    for (const text of ['', ' , ']) expect(() => createKeyring(text)).toThrow(/openssl rand -base64 32/);
  });
});

describe('a key service', () => {
  /** One as an app brings it: keys in its own hands, and a count of what it was asked for. */
  const service = () => {
    const local = createLocalKeyService(`k1:${randomBytes(32).toString('base64')}`);
    const seen: Uint8Array[] = [];
    let isAway = false;
    const here = <T>(answer: () => Promise<T>): Promise<T> =>
      isAway ? Promise.reject(new Error('the service has no time for password=hunter2')) : answer();
    const mine: KeyService = {
      currentKeyId: 'projects/p/keys/k1',
      wrap: (dataKey) => here(() => (seen.push(dataKey), local.wrap(dataKey))),
      unwrap: (wrapped) => here(() => (seen.push(wrapped), local.unwrap(wrapped, 'k1'))),
    };
    return { mine, seen, away: (is: boolean) => (isAway = is) };
  };

  it('sees data keys and never a secret, and is asked once for many', async () => {
    const { mine, seen } = service();
    const [writer, reader] = [createKeyring(mine), createKeyring(mine)];
    const sealed = await Promise.all([1, 2, 3].map((version) => writer.seal(`secret ${version}`, { ...of, version })));
    for (const [index, one] of sealed.entries()) {
      expect(one.keyId).toBe('projects/p/keys/k1');
      expect(await reader.open(one, { ...of, version: index + 1 }, 'call')).toBe(`secret ${index + 1}`);
    }
    // Three at once drew a key each at worst; the reader asked for each of these once.
    expect(seen.length).toBeLessThanOrEqual(6);
    for (const bytes of seen) expect(Buffer.from(bytes).toString('latin1')).not.toContain('secret');
    expect(Buffer.concat(sealed.map(({ blob }) => blob)).toString('latin1')).not.toContain('secret');
  });

  it('that is away holds up who needs it, with its words, and nobody who has a data key', async () => {
    const { mine, away } = service();
    const keyring = createKeyring(mine);
    await keyring.ready();
    away(true);
    const sealed = await keyring.seal('secret', of);
    expect(await keyring.open(sealed, of, 'call')).toBe('secret');
    const other = createKeyring(mine);
    const failure = await other.open(sealed, of, 'call').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EncryptionKeyError);
    expect(String(failure)).toContain(
      "The credentials of x/y can't be decrypted: the service has no time for password=[removed]",
    );
    await expect(other.ready()).rejects.toThrow(/could not wrap a data key: the service has no time/);
    away(false);
    expect(await other.open(sealed, of, 'call')).toBe('secret');
  });

  it('tells the audit of every secret that was opened, and of none that was not', async () => {
    const opened: unknown[] = [];
    const keyring = createKeyring(service().mine, {
      onOpen: (whose, purpose) => opened.push([whose.account, purpose]),
    });
    const sealed = await keyring.seal('secret', of);
    await keyring.open(sealed, of, 'refresh');
    await keyring.open(sealed, { ...of, version: 2 }, 'call').catch(() => {});
    expect(opened).toEqual([['y', 'refresh']]);
  });
});
