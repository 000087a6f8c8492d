import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateOver } from '../../../contracts/secrets/client-certificate.ts';
import { sign } from '../../../activities/call/sign-request.ts';
import { defaultOutcome } from '../../../providers/rules/default-rules.ts';
import { defaultWriteOutcome } from '../../../providers/rules/write-rules.ts';
import { bearer, defineProvider, mtls, noAuth, type Auth } from '../../../providers/index.ts';
import { selfSignedCertificate } from '../../../testing/faults/certificate.ts';

const { cert, key } = selfSignedCertificate();
const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
}).privateKey;
const provider = (auth: Auth, baseUrl = 'https://bank.example') =>
  defineProvider({ id: 'bank', baseUrl, auth, limits: [] });

describe('a client certificate', () => {
  it('is read from the credentials of the account, with its times, also where line ends are written out', () => {
    const auth = mtls(noAuth(), { ca: () => 'CA' });
    const written = cert.replaceAll('\n', String.raw`\n`);
    const shown = auth.certificate?.({ extra: { clientCertificate: written, clientKey: key } });
    expect(shown).toMatchObject({ certificate: cert, key, ca: 'CA' });
    expect(Date.parse(shown?.validTo ?? '')).toBeGreaterThan(Date.now());
    expect(auth).toMatchObject({ kind: 'mtls', required: true });
    const of = { account: 'a', tenant: 'a', settings: undefined };
    const request = { method: 'GET', url: 'https://bank.example/x', headers: {} };
    const signed = sign(provider(auth), request, { extra: { clientCertificate: cert, clientKey: key } }, of);
    expect(signed.outgoing.certificate?.certificate).toBe(cert);
    expect(() => sign(provider(auth), { ...request, url: 'http://localhost/x' }, { extra: {} }, of)).toThrow(
      /needs https/,
    );
  });

  it.each([
    ['nothing', {}, /no client certificate, which mtls\(\) auth needs: connect it with/],
    ['no key', { clientCertificate: cert }, /no client key, which/],
    ['no certificate at all', { clientCertificate: 'x', clientKey: key }, /certificate can't be read; give it as PEM/],
    ['a key as certificate', { clientCertificate: key, clientKey: key }, /can't be read: it is a private key/],
    ['an unreadable key', { clientCertificate: cert, clientKey: 'x' }, /client key can't be read; give it as PEM/],
    [
      'a key without its passphrase',
      { clientCertificate: cert, clientKey: encrypted },
      /right `extra.clientKeyPassphrase`/,
    ],
    ['the key of another one', { clientCertificate: cert, clientKey: selfSignedCertificate().key }, /not the one of/],
  ])('that is %s is a mistake with a sentence, and without the secret', (_, extra, sentence) => {
    const read = () => mtls(noAuth()).certificate?.({ extra });
    expect(read).toThrow(TypeError);
    expect(read).toThrow(sentence);
    expect(read).not.toThrow(/BEGIN (EC|ENCRYPTED|CERT).*MI/);
  });

  it('is over when it has ended, not before, and with a leeway for clocks before it begins', () => {
    const times = {
      certificate: '',
      key: '',
      validFrom: '2026-01-01T00:00:00.000Z',
      validTo: '2026-02-01T00:00:00.000Z',
    };
    expect(certificateOver(times, Date.parse('2026-01-31T23:59:59Z'))).toBeUndefined();
    expect(certificateOver(times, Date.parse('2026-02-01T00:00:00Z'))).toMatch(/ended at 2026-02-01/);
    expect(certificateOver(times, Date.parse('2025-12-31T23:56:00Z'))).toBeUndefined();
    expect(certificateOver(times, Date.parse('2025-12-31T23:54:00Z'))).toMatch(/begins at 2026-01-01/);
  });

  it('that is refused asks for new credentials, of reads and of writes: nothing was read of the request', () => {
    const error = { code: 'certificate-refused', message: 'unknown ca' } as const;
    const answer = { status: 0, headers: {}, text: '', error, elapsedMs: 1 };
    expect(defaultOutcome(answer).kind).toBe('refresh-auth');
    expect(defaultWriteOutcome(answer, { idempotent: false }).kind).toBe('refresh-auth');
  });

  it('has options whose mistakes are told with those of its provider', () => {
    const wrong = mtls(undefined as never, { cert: 'x', ca: 'pem' } as never);
    expect(provider(wrong).mistakes()).toEqual([
      expect.stringMatching(/mtls: unknown option `cert`; known are certificate, key, passphrase, ca/),
      expect.stringMatching(/mtls: the first argument must be another auth; write mtls\(noAuth\(\)\)/),
      expect.stringMatching(/mtls: `ca` must be a function, e.g. \(\) => process.env.BANK_CA/),
    ]);
    expect(provider(mtls(mtls(bearer()))).mistakes()).toEqual([expect.stringMatching(/a second time/)]);
    expect(provider(mtls(bearer()), 'http://localhost:1').mistakes()).toEqual([
      expect.stringMatching(/`baseUrl` is "http:\/\/localhost:1", where no client certificate can be shown/),
    ]);
    expect(provider(mtls(bearer())).mistakes()).toEqual([]);
  });
});
