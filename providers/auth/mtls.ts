/**
 * Mutual TLS: each account has a client certificate and a key among its secrets. It shows them in the handshake of its
 * calls, also of those for its token (RFC 8705 §2). Pure. Next: `activities/call/sign-request.ts` puts it to a request.
 * @see RFC 8446 §4.4.2 (certificate), RFC 7468 (PEM)
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { ClientCertificate } from '../../contracts/secrets/client-certificate.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';
import type { Auth } from './auth.ts';

type FromCredentials = (credentials: Credentials) => string | undefined;

export interface MtlsOptions {
  /** The certificate as PEM, with its chain. Default: `extra.clientCertificate` of the account's credentials. */
  readonly certificate?: FromCredentials;
  /** Its private key as PEM. Default: `extra.clientKey`. */
  readonly key?: FromCredentials;
  /** Of an encrypted key. Default: `extra.clientKeyPassphrase`. */
  readonly passphrase?: FromCredentials;
  /**
   * Authorities of the third party's own certificate as PEM, read at each call, where they are no public ones:
   * `() => process.env.BANK_CA`. Default: the public ones.
   */
  readonly ca?: () => string | undefined;
}

const OPTIONS = { certificate: true, key: true, passphrase: true, ca: true } satisfies NamesOf<MtlsOptions>;

/** A certificate that is read takes longer than the rest of a call's preparations. */
const MOST_READ = 500;

/**
 * Adds a client certificate to a way of authenticating: `mtls(noAuth())` where it is all that there is,
 * `mtls(oauth2({ grant: 'client_credentials', … }))` where a token is had with it.
 */
export function mtls<Settings = unknown>(auth: Auth<Settings>, options: MtlsOptions = {}): Auth<Settings> {
  const read = createReader();
  const from = (name: 'clientCertificate' | 'clientKey' | 'clientKeyPassphrase') => (credentials: Credentials) =>
    credentials.extra?.[name];
  const { certificate = from('clientCertificate'), key = from('clientKey'), ca } = options;
  const { passphrase = from('clientKeyPassphrase') } = options;
  return {
    ...auth,
    kind: auth?.kind === 'none' ? 'mtls' : auth?.kind,
    required: true,
    mistakes: [...(auth?.mistakes ?? []), ...mtlsMistakes(auth, options)],
    certificate: (credentials) => {
      const pem = certificate(credentials);
      const keyPem = key(credentials);
      if (!pem || !keyPem)
        throw new TypeError(
          `The account's credentials have no client ${pem ? 'key' : 'certificate'}, which mtls() auth needs: ` +
            'connect it with credentials: { extra: { clientCertificate, clientKey } }, both as PEM.',
        );
      return { ...read(pem, keyPem, passphrase(credentials)), ...authorities(ca) };
    },
  };
}

function authorities(ca: MtlsOptions['ca']): { readonly ca?: string } {
  if (!ca) return {};
  const pem = ca();
  if (!pem) throw new TypeError('mtls: `ca` gave nothing; is its environment variable set?');
  return { ca: pem };
}

type Reader = (certificate: string, key: string, passphrase: string | undefined) => ClientCertificate;

function createReader(): Reader {
  const known = new Map<string, ClientCertificate>();
  return (pem, keyPem, passphrase) => {
    const name = JSON.stringify([pem, keyPem, passphrase]);
    const found = known.get(name) ?? readCertificate(pem, keyPem, passphrase);
    keepLatest(known, name, found, MOST_READ);
    return found;
  };
}

/** What is wrong is said without any of it. */
function readCertificate(given: string, givenKey: string, passphrase: string | undefined): ClientCertificate {
  const [pem, keyPem] = [lines(given), lines(givenKey)];
  const x509 = attempt(() => new X509Certificate(pem));
  if (!x509)
    throw new TypeError(
      `The account's client certificate can't be read${isKey(pem) ? ': it is a private key' : ''}; give it as PEM, "-----BEGIN CERTIFICATE-----…".`,
    );
  const key = attempt<KeyObject>(() =>
    createPrivateKey({ key: keyPem, ...(passphrase === undefined ? {} : { passphrase }) }),
  );
  if (!key)
    throw new TypeError(
      'The account\'s client key can\'t be read; give it as PEM, "-----BEGIN PRIVATE KEY-----…"' +
        `${/ENCRYPTED/.test(keyPem) ? ', with the right `extra.clientKeyPassphrase`' : ''}.`,
    );
  if (!x509.checkPrivateKey(key))
    throw new TypeError("The account's client key is not the one of its client certificate; give both of one pair.");
  return {
    certificate: pem,
    key: keyPem,
    ...(passphrase === undefined ? {} : { passphrase }),
    validFrom: new Date(x509.validFrom).toISOString(),
    validTo: new Date(x509.validTo).toISOString(),
  };
}

/** From the environment and from forms a PEM often comes with its line ends written out. */
function lines(pem: string): string {
  return pem.replaceAll(String.raw`\n`, '\n');
}

function isKey(pem: string): boolean {
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem) && !pem.includes('BEGIN CERTIFICATE');
}

function attempt<Read>(read: () => Read): Read | undefined {
  try {
    return read();
  } catch {
    return undefined; // what Node says of it may hold a part of it
  }
}

function mtlsMistakes(auth: Auth<never> | undefined, options: MtlsOptions): string[] {
  const mistakes = unknownOptions(options, OPTIONS);
  if (typeof auth?.apply !== 'function')
    mistakes.push(
      'the first argument must be another auth; write mtls(noAuth()) where the certificate is all that there is',
    );
  if (auth?.certificate) mistakes.push('is put around mtls() a second time; an account shows one certificate');
  for (const name of Object.keys(OPTIONS) as (keyof MtlsOptions)[])
    if (options[name] !== undefined && typeof options[name] !== 'function')
      mistakes.push(`\`${name}\` must be a function, e.g. ${EXAMPLES[name]}`);
  return mistakes.map((text) => `mtls: ${text}`);
}

const EXAMPLES = {
  certificate: '({ extra }) => extra?.certificate',
  key: '({ extra }) => extra?.key',
  passphrase: '({ extra }) => extra?.passphrase',
  ca: '() => process.env.BANK_CA',
} as const satisfies Record<keyof MtlsOptions, string>;
