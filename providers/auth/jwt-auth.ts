/**
 * Accounts that prove who they are by a JSON Web Token of their own. It is a new one with each call (`jwt`), or one
 * that is changed for an access token (`serviceAccount`). Next: `sign-jwt.ts`; `refresh.ts` for the exchange.
 * @see RFC 7519, RFC 7523 §2.1
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import { clockSkew } from '../../contracts/values/clock-skew.ts';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { bearer, type Auth } from './auth.ts';
import { addressFor, statedUrl, type AuthAddress } from './oauth2.ts';
import { parseTokenAnswer } from './oauth2-answer.ts';
import { DEFAULT_SKEW_MS } from './refresh.ts';
import { JWT_ALGORITHMS, signJwt, type JwtAlgorithm } from './sign-jwt.ts';

interface KeyOptions {
  /** Default `RS256`. */
  readonly algorithm?: JwtAlgorithm;
  /** Private key as PEM; for HS256 the secret. Default: `extra.privateKey` of the account's credentials. */
  readonly key?: (credentials: Credentials) => string | Uint8Array | undefined;
  /** Default: `extra.privateKeyId`. */
  readonly keyId?: (credentials: Credentials) => string | undefined;
}

export interface JwtAuthOptions<Settings = unknown> extends KeyOptions {
  /** What the token says, e.g. ({ username }) => ({ iss: username, aud: 'https://api.example' }). `iat` and `exp` are added. */
  readonly claims: (credentials: Credentials, of: AccountFacts<Settings>) => object;
  /** How long it is good, in milliseconds. Default 300,000. */
  readonly lifeMs?: number;
}

const KEY_OPTIONS = { algorithm: true, key: true, keyId: true } as const;
const JWT_OPTIONS = { ...KEY_OPTIONS, claims: true, lifeMs: true } satisfies NamesOf<JwtAuthOptions>;

/** `Authorization: Bearer` with a token that is signed for this very call. */
export function jwt<Settings = unknown>(options: JwtAuthOptions<Settings>): Auth<Settings> {
  const { lifeMs = 300_000, claims } = options;
  return {
    kind: 'jwt',
    required: true,
    isTimed: true,
    mistakes: [
      ...keyMistakes('jwt', options),
      ...unknownOptions(options, JWT_OPTIONS).map((text) => `jwt: ${text}`),
      ...(typeof claims === 'function' ? [] : ['jwt: `claims` is missing; it must be a function']),
      ...(lifeMs >= 1_000 ? [] : [`jwt: lifeMs is ${lifeMs}; it must be 1,000 or more`]),
    ],
    apply: (credentials = {}, request) => {
      const token = signed('jwt', options, credentials, claims(credentials, request), request.now.getTime(), lifeMs);
      return { headers: { authorization: `Bearer ${token}` } };
    },
  };
}

export interface ServiceAccountOptions<Settings = unknown> extends KeyOptions {
  /** Where an access token is given for a signed one, e.g. `https://oauth2.googleapis.com/token`. */
  readonly tokenUrl: AuthAddress<Settings>;
  /** What is asked for, with spaces in between. */
  readonly scope?: string;
  /** `aud`. Default: the address of `tokenUrl`. */
  readonly audience?: string;
  /** Who it acts for, e.g. ({ settings }) => settings.user. Default: itself. */
  readonly subject?: (of: AccountFacts<Settings>) => string | undefined;
  /** More claims. */
  readonly claims?: (credentials: Credentials, of: AccountFacts<Settings>) => object;
  /** Refresh this long before the access token ends. Default 60,000 ms, and at most a fifth of its life. */
  readonly skewMs?: number;
}

const ACCOUNT_OPTIONS = {
  ...KEY_OPTIONS,
  tokenUrl: true,
  scope: true,
  audience: true,
  subject: true,
  claims: true,
  skewMs: true,
} satisfies NamesOf<ServiceAccountOptions>;

/**
 * A service account: `{ extra: { clientEmail, privateKey, privateKeyId? } }`, the fields of a key file of Google's. No user logs in, and there
 * is no refresh token: a new access token is had for a new signature.
 */
export function serviceAccount<Settings = unknown>(options: ServiceAccountOptions<Settings>): Auth<Settings> {
  const { tokenUrl, scope, subject, skewMs = DEFAULT_SKEW_MS } = options;
  return {
    ...bearer(),
    kind: 'service-account',
    mistakes: [
      ...keyMistakes('serviceAccount', options),
      ...unknownOptions(options, ACCOUNT_OPTIONS).map((text) => `serviceAccount: ${text}`),
      ...(tokenUrl ? [] : ['serviceAccount: `tokenUrl` is missing, e.g. "https://auth.example/token"']),
      // What is signed names the whole address of who reads it.
      ...(typeof tokenUrl === 'string' && tokenUrl.startsWith('/') && options.audience === undefined
        ? [`serviceAccount: \`tokenUrl\` is the path "${tokenUrl}"; write the whole address, or say \`audience\``]
        : []),
    ],
    refresh: {
      skewMs,
      rotates: false,
      ...statedUrl(tokenUrl),
      request: (credentials, of) => {
        const url = addressFor(tokenUrl, of);
        const sub = subject?.(of);
        const claims = {
          iss: credentials.extra?.['clientEmail'] ?? credentials.username,
          aud: options.audience ?? url,
          ...(sub === undefined ? {} : { sub }),
          ...(scope === undefined ? {} : { scope }),
          ...options.claims?.(credentials, of),
        };
        const assertion = signed('serviceAccount', options, credentials, claims, Date.now(), 300_000);
        return {
          method: 'POST',
          path: url,
          form: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion },
        };
      },
      parse: (answer) => {
        const parsed = parseTokenAnswer(answer);
        const skew = parsed.kind === 'refused' ? clockSkew(answer, Date.now()) : undefined;
        return skew === undefined
          ? parsed
          : { kind: 'config', reason: `${(parsed as { reason: string }).reason}; ${skew}` };
      },
    },
  };
}

function signed(
  kind: string,
  { algorithm = 'RS256', key, keyId }: KeyOptions,
  credentials: Credentials,
  claims: object,
  nowMs: number,
  lifeMs: number,
): string {
  const secret = key ? key(credentials) : credentials.extra?.['privateKey'];
  if (!secret)
    throw new TypeError(
      key
        ? `The account's credentials lack what \`key\` of ${kind}() auth reads.`
        : `The account's credentials have no \`extra.privateKey\`, which ${kind}() auth needs.`,
    );
  // Half a minute for clocks that differ.
  const iat = Math.floor(nowMs / 1_000) - 30;
  const exp = Math.floor((nowMs + lifeMs) / 1_000);
  const id = keyId ? keyId(credentials) : credentials.extra?.['privateKeyId'];
  return signJwt({ iat, exp, ...claims }, { algorithm, key: secret, keyId: id });
}

function keyMistakes(kind: string, { algorithm = 'RS256' }: KeyOptions): string[] {
  if (JWT_ALGORITHMS.includes(algorithm)) return [];
  return [`${kind}: algorithm is "${algorithm as string}"; it must be one of ${JWT_ALGORITHMS.join(', ')}`];
}
