/**
 * A self-signed certificate made on the spot, so that tests of TLS need no files with keys in the repository.
 * X.509 version 3 (RFC 5280, section 4.1), P-256 and SHA-256, written as DER by hand because Node can read
 * certificates but not make them. Next: `bad-hosts.ts` serves with it.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface CertificateOptions {
  /** Names and IPv4 addresses that it is valid for. Default `localhost` and `127.0.0.1`. */
  readonly hosts?: readonly string[];
  /** Default a day ago. */
  readonly validFrom?: Date;
  /** Default in a year. */
  readonly validTo?: Date;
}

/** Both in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const dayMs = 86_400_000;

/** Makes a certificate that signs itself; a client trusts it only when it is given as `ca`. */
export function selfSignedCertificate(options: CertificateOptions = {}): Certificate {
  const { hosts = ['localhost', '127.0.0.1'] } = options;
  const validFrom = options.validFrom ?? new Date(Date.now() - dayMs);
  const validTo = options.validTo ?? new Date(Date.now() + 365 * dayMs);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
  // A name of its own: a client that trusts several finds the right one by it.
  const serial = randomBytes(8);
  const commonName = Buffer.from(`fake third party ${serial.toString('hex')}`);
  const name = sequence(der(0x31, sequence(objectId('550403'), der(0x0c, commonName))));
  const names = hosts.map((host) =>
    isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
  );
  const subjectAltName = sequence(objectId('551d11'), der(0x04, sequence(...names)));
  const isAuthority = sequence(
    objectId('551d13'),
    der(0x01, Buffer.of(0xff)),
    der(0x04, sequence(der(0x01, Buffer.of(0xff)))),
  );
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(0x01), serial])),
    ecdsaWithSha256,
    name,
    sequence(utcTime(validFrom), utcTime(validTo)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(subjectAltName, isAuthority)),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', toBeSigned, privateKey)]);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, der(0x03, signature));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: toPem(certificate) };
}

/** Tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function utcTime(at: Date): Buffer {
  return der(0x17, Buffer.from(`${at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`));
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
