/**
 * OAuth 2: calls with a Bearer token, renewed by its refresh token. Pure. Next stop: `refresh.ts`.
 * @see RFC 6749 §6 (request), §5.1 (answer), §5.2 (errors), §2.3.1 (client authentication)
 */
import type { Answer, RequestSpec } from '../../contracts/answer.ts';
import { bearer, type Auth } from './auth.ts';
import { DEFAULT_SKEW_MS, defaultRefreshAnswer, type RefreshAnswer } from './refresh.ts';

export interface OAuth2Options {
  /** E.g. `https://auth.social.example/oauth/token`; a path is below the provider's base URL. Read at each refresh. */
  readonly tokenUrl: string | (() => string);
  readonly clientId: string | (() => string | undefined);
  /** Read at each refresh, e.g. `() => process.env.SOCIAL_SECRET`. Leave it out for public clients. */
  readonly clientSecret?: () => string | undefined;
  /** `basic` is what every server must take; `body` is what many want. Default `basic`. */
  readonly clientAuth?: 'basic' | 'body';
  /** Refresh this long before the token ends. Default 60,000 ms, and at most a fifth of the token's life. */
  readonly skewMs?: number;
  /**
   * Does each refresh bring a new refresh token and end the old one? Then a refresh whose answer was lost is repeated
   * at once, within the leeway that many services leave. A new refresh token is kept in any case. Default true.
   */
  readonly rotates?: boolean;
  /** Error codes of this third party that mean what `invalid_grant` means, e.g. `bad_refresh_token`. */
  readonly refusedErrors?: readonly string[];
  /** Sent with every refresh, e.g. an audience. */
  readonly params?: Readonly<Record<string, string>>;
}

/** Errors that concern the app and all of its accounts, not one of them. */
const CONFIG_ERRORS = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_request',
  'invalid_scope',
]);
const RETRY_ERRORS = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

/** Bearer tokens with a refresh token. */
export function oauth2(options: OAuth2Options): Auth {
  const { skewMs = DEFAULT_SKEW_MS, rotates = true } = options;
  return {
    ...bearer(),
    kind: 'oauth2',
    refresh: {
      skewMs,
      rotates,
      url: typeof options.tokenUrl === 'string' ? options.tokenUrl : '',
      request: ({ refreshToken }) => (refreshToken === undefined ? undefined : refreshRequest(options, refreshToken)),
      parse: (answer) => parseRefresh(options, answer),
    },
  };
}

/** @throws TypeError when the client's id or secret is not set where it should be. */
function refreshRequest(options: OAuth2Options, refreshToken: string): RequestSpec {
  const { tokenUrl, clientAuth = 'basic', params } = options;
  const clientId = typeof options.clientId === 'function' ? options.clientId() : options.clientId;
  const secret = options.clientSecret?.();
  if (!clientId) throw new TypeError('oauth2: `clientId` gave nothing; is its environment variable set?');
  if (options.clientSecret && !secret)
    throw new TypeError('oauth2: `clientSecret` gave nothing; is its environment variable set?');
  const isBasic = clientAuth === 'basic' && secret !== undefined;
  return {
    method: 'POST',
    path: typeof tokenUrl === 'function' ? tokenUrl() : tokenUrl,
    form: {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(isBasic ? {} : { client_id: clientId }),
      ...(isBasic || secret === undefined ? {} : { client_secret: secret }),
      ...params,
    },
    ...(isBasic ? { headers: { authorization: basicAuthorization(clientId, secret) } } : {}),
  };
}

/** Id and secret are form-encoded first: RFC 6749 §2.3.1. */
function basicAuthorization(id: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`, 'utf8').toString('base64')}`;
}

function parseRefresh({ refusedErrors = [] }: OAuth2Options, answer: Answer): RefreshAnswer {
  const body = jsonObject(answer.text);
  // Some services answer errors with status 200, so the field is looked at first.
  const error = errorCode(body?.['error']);
  if (error !== undefined && !answer.error) {
    const reason = `the refresh was answered with HTTP ${answer.status} ${error}`;
    if (error === 'invalid_grant' || refusedErrors.includes(error)) return { kind: 'refused', reason };
    if (CONFIG_ERRORS.has(error)) return { kind: 'config', reason };
    if (RETRY_ERRORS.has(error)) return { kind: 'retry', reason };
    if (answer.status < 500 && answer.status !== 429) return { kind: 'refused', reason };
  }
  if (answer.error || answer.status < 200 || answer.status > 299) return defaultRefreshAnswer(answer);
  const accessToken = body?.['access_token'];
  const refreshToken = body?.['refresh_token'];
  if (typeof accessToken !== 'string' || accessToken === '')
    return { kind: 'retry', reason: `the refresh was answered with HTTP ${answer.status} and no access_token` };
  const hasNewPair = typeof refreshToken === 'string' && refreshToken !== '';
  const seconds = Number(body?.['expires_in'] ?? Number.NaN);
  return {
    kind: 'refreshed',
    credentials: { accessToken, ...(hasNewPair ? { refreshToken } : {}) },
    ...(seconds > 0 ? { lifeMs: seconds * 1_000 } : {}),
  };
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not JSON, so not an answer of a token endpoint
  }
}

/** Codes are words; anything else is not repeated, it could hold a token. */
function errorCode(error: unknown): string | undefined {
  return typeof error === 'string' && /^[A-Za-z][A-Za-z_.-]{0,59}$/.test(error) ? error : undefined;
}
