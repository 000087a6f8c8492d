/**
 * Signs a JSON Web Token with Node's own crypto, at once: what authenticates a call is made right before it is sent.
 * Used by: `jwt-auth.ts`.
 * @see RFC 7515 §3.1 (compact form), RFC 7518 §3 (algorithms)
 */
import { createHmac, sign } from 'node:crypto';

export const JWT_ALGORITHMS = ['RS256', 'ES256', 'HS256'] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

export interface JwtOptions {
  readonly algorithm: JwtAlgorithm;
  /** A private key as PEM; for HS256 the secret. */
  readonly key: string | Uint8Array;
  /** `kid` of the header. */
  readonly keyId?: string | undefined;
}

export function signJwt(claims: object, { algorithm, key, keyId }: JwtOptions): string {
  const header = { alg: algorithm, typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${jwsSignature(signed, algorithm, key)}`;
}

/** @param text header and claims, encoded and joined. */
export function jwsSignature(text: string, algorithm: JwtAlgorithm, key: string | Uint8Array): string {
  if (algorithm === 'HS256') return createHmac('sha256', key).update(text).digest('base64url');
  const pem = typeof key === 'string' ? key.replaceAll(String.raw`\n`, '\n') : Buffer.from(key);
  const options = { key: pem, ...(algorithm === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {}) };
  return sign('sha256', Buffer.from(text), options).toString('base64url');
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
