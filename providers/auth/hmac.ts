/**
 * Requests that are signed with a shared secret, each third party in a way of its own: what is signed, and where the signature stands.
 * Pure. Next: `auth.ts`.
 * @see RFC 2104
 */
import { createHmac, getHashes } from 'node:crypto';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { missingFunctions, unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import type { AppliedAuth, Auth, UnsignedRequest } from './auth.ts';

export interface HmacOptions<Settings = unknown> {
  /** The secret, as text or bytes, e.g. `({ password }) => password`. */
  readonly secret: (credentials: Credentials) => string | Uint8Array | undefined;
  /** What is signed, e.g. ({ method, url, body, now }) => [now.getTime(), method, url.pathname, body ?? ''].join('\n'). */
  readonly message: (request: UnsignedRequest<Settings>, credentials: Credentials) => string;
  /** Where it goes, e.g. (signature, { now }) => ({ headers: { 'x-signature': signature, 'x-time': String(now.getTime()) } }). */
  readonly send: (signature: string, request: UnsignedRequest<Settings>, credentials: Credentials) => AppliedAuth;
  /** As Node names it: `sha256`, `sha512`, `sha1`. Default `sha256`. */
  readonly algorithm?: string;
  /** Default `hex`. */
  readonly encoding?: 'hex' | 'base64' | 'base64url';
}

const OPTIONS = {
  secret: true,
  message: true,
  send: true,
  algorithm: true,
  encoding: true,
} satisfies NamesOf<HmacOptions>;

/** A signature by a shared secret (HMAC). */
export function hmac<Settings = unknown>(options: HmacOptions<Settings>): Auth<Settings> {
  const { algorithm = 'sha256', encoding = 'hex', secret, message, send } = options;
  return {
    kind: 'hmac',
    required: true,
    isTimed: true,
    mistakes: [
      ...missingFunctions(options, ['secret', 'message', 'send']),
      ...unknownOptions(options, OPTIONS).map((text) => `hmac: ${text}`),
      ...(getHashes().includes(algorithm)
        ? []
        : [`hmac: algorithm "${algorithm}" is not known here; write e.g. "sha256"`]),
      ...(['hex', 'base64', 'base64url'].includes(encoding)
        ? []
        : [`hmac: encoding is "${encoding}"; it must be "hex", "base64" or "base64url"`]),
    ],
    apply: (credentials = {}, request) => {
      const key = secret(credentials);
      if (!key) throw new TypeError("The account's credentials lack what `secret` of hmac() auth reads.");
      const signature = createHmac(algorithm, key).update(message(request, credentials), 'utf8').digest(encoding);
      return send(signature, request, credentials);
    },
  };
}
