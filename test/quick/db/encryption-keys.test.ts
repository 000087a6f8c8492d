import { describe, expect, it } from 'vitest';
import { createKeyring, EncryptionKeyError } from '../../../db/encryption.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');

describe('encryption keys', () => {
  it('encrypt with the first and decrypt with all', () => {
    const before = createKeyring(`a:${key(1)}`);
    const after = createKeyring(` b:${key(2)}, a:${key(1)} `);
    expect(after.currentKeyId).toBe('b');
    expect(after.open(before.seal('secret', 'x/y'), 'x/y')).toBe('secret');
    expect(after.seal('secret', 'x/y').keyId).toBe('b');
    expect(() => before.open(after.seal('secret', 'x/y'), 'x/y')).toThrow(/encrypted with key "b"/);
  });

  it('refuse a changed ciphertext, nonce, tag or owner', () => {
    const keyring = createKeyring(`a:${key(1)}`);
    const sealed = keyring.seal('secret', 'x/y');
    expect(() => keyring.open(sealed, 'x/z')).toThrow(EncryptionKeyError);
    for (const at of [0, 13, sealed.blob.length - 1]) {
      const blob = Buffer.from(sealed.blob);
      blob[at] = blob[at]! ^ 1;
      expect(() => keyring.open({ keyId: 'a', blob }, 'x/y')).toThrow(EncryptionKeyError);
    }
    expect(() => keyring.open({ keyId: 'a', blob: sealed.blob.subarray(0, 5) }, 'x/y')).toThrow(EncryptionKeyError);
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
