/**
 * How credentials become part of a request. Next stop: `activities/http/build-request.ts` applies it.
 */
import type { Credentials } from '../../contracts/credentials.ts';
import type { Refresh } from './refresh.ts';
import type { Revoke } from './revoke.ts';

export interface AppliedAuth {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

export interface Auth {
  readonly kind: string;
  /** False when calls without credentials are fine. */
  readonly required: boolean;
  /** @throws TypeError when the credentials lack what this way of authenticating needs. */
  readonly apply: (credentials: Credentials | undefined) => AppliedAuth;
  /**
   * How new credentials are had when these have ended, or hold no token yet (a name and a password). Without it, the
   * account's user must connect it again.
   */
  readonly refresh?: Refresh;
  /** How the third party is told that the credentials are not wanted any more: `accounts.disconnect({ revoke: true })`. */
  readonly revoke?: Revoke;
  /** Secrets of the app (not of an account) that calls send. They are taken out of everything that comes back. */
  readonly secrets?: () => readonly (string | undefined)[];
}

/** `Authorization: Bearer <accessToken>` (RFC 6750). With `optional`, accounts without a token call without one. */
export function bearer(options: { readonly optional?: boolean } = {}): Auth {
  return {
    kind: 'bearer',
    required: !options.optional,
    apply: (credentials) => {
      if (!credentials?.accessToken) {
        if (options.optional) return {};
        throw missing('bearer', 'accessToken');
      }
      return { headers: { authorization: `Bearer ${credentials.accessToken}` } };
    },
  };
}

/** The access token in a header (`apiKey({ header: 'x-api-key' })`) or query parameter of the provider's choice. */
export function apiKey(where: { readonly header: string } | { readonly query: string }): Auth {
  return {
    kind: 'api-key',
    required: true,
    apply: (credentials) => {
      if (!credentials?.accessToken) throw missing('apiKey', 'accessToken');
      return 'header' in where
        ? { headers: { [where.header.toLowerCase()]: credentials.accessToken } }
        : { query: { [where.query]: credentials.accessToken } };
    },
  };
}

/** `Authorization: Basic` (RFC 7617). */
export function basic(): Auth {
  return {
    kind: 'basic',
    required: true,
    apply: (credentials) => {
      if (credentials?.username === undefined) throw missing('basic', 'username');
      const pair = `${credentials.username}:${credentials.password ?? ''}`;
      return { headers: { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` } };
    },
  };
}

/** Public endpoints. */
export function noAuth(): Auth {
  return { kind: 'none', required: false, apply: () => ({}) };
}

function missing(kind: string, field: string): TypeError {
  return new TypeError(`The account's credentials have no \`${field}\`, which ${kind}() auth needs.`);
}
