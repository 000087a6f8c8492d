/**
 * How credentials become part of a request. Next: `activities/http/build-request.ts` applies it.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { ClientCertificate } from '../../contracts/secrets/client-certificate.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Authorize } from './authorize.ts';
import { keyPlaceMistakes, placed, type KeyPlace } from './key-place.ts';
import type { Refresh } from './refresh.ts';
import type { Revoke } from './revoke.ts';

export interface AppliedAuth {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Fields that are added to a form, or to the object of a JSON body. */
  readonly body?: Readonly<Record<string, string>>;
  /** What is put into the path, by what stands for it there: `{ ':token': '…' }`. */
  readonly path?: Readonly<Record<string, string>>;
}

/** The request that is to be authenticated, as it goes out but for that; another one for each try and each redirect. */
export interface UnsignedRequest<Settings = unknown> extends AccountFacts<Settings> {
  readonly method: string;
  /** With its query. A copy: what is changed in it changes nothing. */
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it is sent, in UTF-8; undefined when there is none. */
  readonly body: string | undefined;
  /** The time of this try. */
  readonly now: Date;
  /** 32 hexadecimal digits of this try alone. */
  readonly nonce: string;
}

export interface Auth<Settings = unknown> {
  readonly kind: string;
  /** False when calls without credentials are fine. */
  readonly required: boolean;
  /**
   * What it puts into a request is good for some minutes around its time. A refusal is not the account's fault while
   * this machine's clock differs from the third party's. Default false.
   */
  readonly isTimed?: boolean;
  /** @throws TypeError when the credentials lack what this way of authenticating needs. */
  readonly apply: (credentials: Credentials | undefined, request: UnsignedRequest<Settings>) => AppliedAuth;
  /**
   * How new credentials are had when these have ended, or hold no token yet (a name and a password). Without it, the
   * account's user must connect it again.
   */
  readonly refresh?: Refresh<Settings>;
  /** How an account is connected through a browser: by the handlers of `sluice/connecting`. */
  readonly authorize?: Authorize<Settings>;
  /** How the third party is told that the credentials are not wanted any more: `accounts.disconnect({ revoke: true })`. */
  readonly revoke?: Revoke<Settings>;
  /**
   * What the account shows in the handshake of TLS, of its calls and of those for its credentials: `mtls()`.
   * @throws TypeError when the credentials lack it, or it can't be read.
   */
  readonly certificate?: (credentials: Credentials) => ClientCertificate;
  /** What is wrong with its options, in words: told with the other mistakes of the provider. */
  readonly mistakes?: readonly string[];
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

/**
 * The access token in a header (`apiKey({ header: 'x-api-key' })`, `apiKey({ header: 'authorization', prefix: 'Bot ' })`), a query parameter, a
 * field of the body, or the path (`apiKey({ path: ':token' })` with the base URL `https://api.example/bot:token`).
 */
export function apiKey(where: KeyPlace): Auth {
  return {
    kind: 'api-key',
    required: true,
    mistakes: keyPlaceMistakes('apiKey', where),
    apply: (credentials) => {
      if (!credentials?.accessToken) throw missing('apiKey', 'accessToken');
      return placed(where, credentials.accessToken);
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
