/**
 * How a third party gives new credentials for old ones: one request, and what its answer means. Pure but for the clock; the call itself,
 * its permit, and that it is made once for all workers, are in `activities/credentials/refresh-credentials.ts`.
 * Next: `oauth2.ts` has the common case.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Auth } from './auth.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isFields } from '../../contracts/values/json-text.ts';
import { defaultOutcome } from '../rules/default-rules.ts';
import { codesOf } from '../rules/envelopes.ts';
import { httpDateMs, toldWaitMs } from '../../contracts/values/reset-time.ts';

export interface Refresh<Settings = unknown> {
  /** Refresh this long before the token ends, in milliseconds; at most a fifth of its life. */
  readonly skewMs: number;
  /** Where it goes, as the definition says it; without it the address may come from the account. A path is below the base URL. */
  readonly url?: string;
  /** Each refresh ends the old refresh token: one whose answer was lost is repeated at once, while it may still work. */
  readonly rotates: boolean;
  /**
   * The call: with a refresh token. Where the credentials hold none: with a name and a password, an API key, or the
   * app's own client. A whole URL as path may lead to another origin than the provider's base URL. Pure; asked also
   * before it is needed.
   * @returns undefined when these credentials can't be refreshed.
   */
  readonly request: (credentials: Credentials, of: AccountFacts<Settings>) => RequestSpec | undefined;
  readonly parse: (answer: Answer, of: RefreshFacts<Settings>) => RefreshAnswer;
  /** It reads nothing of the account's: the client is the app's own. Its accounts are connected with `credentials: {}`. */
  readonly isOfApp?: boolean;
}

/** Of which account a refresh is, and what it was asked with. */
export interface RefreshFacts<Settings = unknown> extends AccountFacts<Settings> {
  readonly credentials: Credentials;
}

export type RefreshAnswer =
  /**
   * What it leaves out (a refresh token that does not rotate) stays as it was. The token's end is known by `lifeMs`
   * (milliseconds from the answer), `credentials.expiresAt`, or its own `exp`, in this order. It has `exp` when it is a
   * JSON web token.
   */
  | { readonly kind: 'refreshed'; readonly credentials: Credentials; readonly lifeMs?: number }
  /** Another call is part of it: a form's token before a login, one for writes behind it. Five calls at most in all. */
  | {
      readonly kind: 'ask';
      readonly request: RequestSpec;
      readonly parse: (answer: Answer) => RefreshAnswer | undefined;
    }
  /** Only the account's user can mend it. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Only this app's developer can mend it: it concerns every account. */
  | { readonly kind: 'config'; readonly reason: string }
  /** It may work later. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number };

export interface RefreshableOptions<Settings = unknown> {
  /** Default 60,000 ms, and at most a fifth of the token's life. */
  readonly skewMs?: number;
  /** Default true. */
  readonly rotates?: boolean;
  readonly request: Refresh<Settings>['request'];
  /** What the answer means; undefined leaves it to what HTTP says by itself (`defaultRefreshAnswer`). */
  readonly parse: (answer: Answer, of: RefreshFacts<Settings>) => RefreshAnswer | undefined;
}

export const DEFAULT_SKEW_MS = 60_000;

/**
 * Adds a refresh, or a login, of the third party's own making to a way of authenticating: one call, or several where `parse` asks for more.
 * @example
 * refreshable(bearer(), {
 *   request: ({ refreshToken }) => post('/session/renew', { token: refreshToken }),
 *   parse: (answer) => answer.status === 200 ? { kind: 'refreshed', credentials: { accessToken: JSON.parse(answer.text).token } } : undefined,
 * })
 */
export function refreshable<Settings = unknown>(
  auth: Auth<NoInfer<Settings>>,
  options: RefreshableOptions<Settings>,
): Auth<Settings> {
  const { skewMs = DEFAULT_SKEW_MS, rotates = true, request, parse } = options;
  return {
    ...auth,
    refresh: {
      skewMs,
      rotates,
      ...(request.length === 0 ? { isOfApp: true } : {}),
      request,
      parse: (answer, of) => whole(answer, (told) => parse(told, of)),
    },
  };
}

/** What HTTP says counts where `parse` says nothing, of each of several calls. */
function whole(answer: Answer, parse: (answer: Answer) => RefreshAnswer | undefined): RefreshAnswer {
  let told: RefreshAnswer;
  try {
    told = parse(answer) ?? defaultRefreshAnswer(answer);
  } catch (error) {
    // Reading a page of HTML as JSON is no mistake of the app's.
    if (isGood(answer) && !isRefusedInside(answer)) throw error;
    return defaultRefreshAnswer(answer);
  }
  if (told.kind === 'refreshed' && hasNothing(told.credentials) && isRefusedInside(answer))
    return defaultRefreshAnswer(answer);
  if (told.kind !== 'ask' || typeof told.parse !== 'function') return told;
  const next = told.parse;
  return { ...told, parse: (behind) => whole(behind, next) };
}

function isGood({ error, status, text }: Answer): boolean {
  return !error && status >= 200 && status < 300 && !/^\s*</.test(text);
}

/** Of an error under a status of success its code, where that is a word: anything else is not repeated, it could hold a token. */
function errorInside(answer: Answer): string {
  if (!isGood(answer) || !isRefusedInside(answer)) return '';
  const json = jsonOf(answer);
  const codes = json.ok && isFields(json.value) ? codesOf(json.value) : [];
  const word = codes.find((code) => typeof code === 'string' && /^[A-Za-z][A-Za-z_.-]{0,59}$/.test(code));
  return ` and an error${word === undefined ? '' : `, ${word as string}`}`;
}

/** `{ "ok": false, "error": "invalid_credentials" }` with status 200: no token is missing in it by a mistake of the app's. */
function isRefusedInside(answer: Answer): boolean {
  return ['refresh-auth', 'limited'].includes(defaultOutcome(answer).kind);
}

function hasNothing(credentials: Credentials): boolean {
  return Object.values(credentials).every((value) => value === undefined || value === null || value === '');
}

/** Words of the transport say what to do where nothing was sent by rule; those of a connection may have what went over it. */
function withoutAnswer({ code, message }: NonNullable<Answer['error']>, what: string): string {
  return code === 'private-address' ? `the ${what} was not sent: ${message}` : `no answer to the ${what} (${code})`;
}

/**
 * What an answer to a refresh means when nothing is known but HTTP: refusals of access are final, everything else is
 * tried again. Says nothing of the body, which may hold tokens.
 */
export function defaultRefreshAnswer(answer: Answer, what = 'refresh'): RefreshAnswer {
  const reason = answer.error
    ? withoutAnswer(answer.error, what)
    : `the ${what} was answered with HTTP ${answer.status}${errorInside(answer)}`;
  const outcome = defaultOutcome(answer);
  // A proxy's error page says nothing about the token.
  if (/^\s*</.test(answer.text)) return { kind: 'retry', reason: `${reason} and a page of HTML` };
  if (outcome.kind === 'refresh-auth') return { kind: 'refused', reason };
  if (outcome.kind === 'permanent')
    return { kind: outcome.cause === 'auth' || outcome.cause === 'bug' ? 'refused' : 'config', reason };
  const { headers } = answer;
  const afterMs = toldWaitMs(Object.entries(headers), httpDateMs(headers['date']) ?? Date.now()) ?? 0;
  return { kind: 'retry', reason, ...(afterMs > 0 ? { afterMs } : {}) };
}
