/**
 * Tokens of the fake third party. Access tokens expire, and refresh tokens rotate. Using a refresh token twice revokes
 * its whole family, which is how a race between two refreshers loses an account for good. Follows RFC 6749 section 6
 * and the reuse detection of RFC 9700 section 4.14.2.
 * Next: `token-store.ts` has the tokens, `token-errors.ts` the answers for bad ones.
 */
import type { FakeAnswer } from '../answer.ts';
import type { FakeCall } from '../call.ts';
import type { TokenGuard } from '../handle-call.ts';
import type { PathFilter } from '../paths.ts';
import { pathFilter } from '../paths.ts';
import type { Random } from '../random.ts';
import type { Route } from '../routes.ts';
import type { TokenErrorChoice } from './token-errors.ts';
import { tokenErrorTurns } from './token-errors.ts';
import { createTokenStore } from './token-store.ts';

export interface OAuthOptions {
  /** Default `/oauth/token`. Takes a form or JSON: `grant_type=refresh_token`, `refresh_token`. */
  readonly tokenPath?: string;
  /** Life of an access token in milliseconds. Default 3,600,000. */
  readonly accessLifeMs?: number;
  /** Life of a refresh token. Default unlimited. */
  readonly refreshLifeMs?: number;
  /** Does each refresh give a new refresh token and end the old one? Default true. */
  readonly rotatesRefresh?: boolean;
  /** Does a second use of a rotated refresh token revoke every token of its account's connection? Default true. */
  readonly detectsReuse?: boolean;
  /** A refresh token used again within this time gets the same new tokens again, as some services allow. Default 0. */
  readonly graceMs?: number;
  /** The new tokens are made at once and sent after this long: room for a race, or for a kill. Default 0. */
  readonly answerAfterMs?: number;
  /** Client credentials that a refresh must bring, in the body or as Basic authorization. Default none. */
  readonly client?: { readonly id: string; readonly secret: string };
  /** Which calls need a token. Default all but the token endpoint. */
  readonly protects?: PathFilter;
  /** What a bad token is answered. Default `bearer-401`. */
  readonly tokenErrors?: TokenErrorChoice;
}

/** The token endpoint's route, the guard of all other calls, and the handle for the test. */
export function createOAuth(options: OAuthOptions, now: () => number, random: Random) {
  const { rotatesRefresh = true } = options;
  const tokenPath = options.tokenPath ?? '/oauth/token';
  const isProtected = pathFilter(options.protects);
  const tokenError = tokenErrorTurns(options.tokenErrors);
  const { handle, refresh, problemOf, accountOf, refreshCounts } = createTokenStore(options, now, random);

  const answerRefresh = (call: FakeCall): FakeAnswer => {
    const form = (call.body ?? {}) as Readonly<Record<string, string | undefined>>;
    if (options.client !== undefined && !isClient(call, form, options.client)) return refusal(401, 'invalid_client');
    if (form['grant_type'] !== 'refresh_token') return refusal(400, 'unsupported_grant_type');
    if (!form['refresh_token']) return refusal(400, 'invalid_request');
    const gave = refresh(form['refresh_token']);
    if (gave === 'invalid_grant') return refusal(400, gave);
    return {
      headers: { 'cache-control': 'no-store' },
      body: {
        access_token: gave.accessToken,
        token_type: 'Bearer',
        expires_in: gave.expiresInMs / 1_000,
        ...(rotatesRefresh && { refresh_token: gave.refreshToken }),
      },
    };
  };

  const route: Route = {
    method: 'POST',
    pattern: tokenPath,
    isPublic: true,
    position: () => 'refresh',
    answer: (call) => {
      const answer = answerRefresh(call);
      if (!options.answerAfterMs) return answer;
      return new Promise((resolve) => setTimeout(resolve, options.answerAfterMs, answer).unref());
    },
  };

  const guard: TokenGuard = {
    accountOf: (token) => (token === undefined ? undefined : accountOf(token)),
    refuse: (call) => {
      if (!isProtected(call)) return undefined;
      const problem = problemOf(call.token);
      return problem && tokenError(problem);
    },
  };

  return { route, guard, handle, refreshCounts };
}

export type OAuth = ReturnType<typeof createOAuth>;

function refusal(status: number, error: string): FakeAnswer {
  return { status, headers: { 'cache-control': 'no-store' }, body: { error } };
}

function isClient(
  call: FakeCall,
  form: Readonly<Record<string, string | undefined>>,
  client: { readonly id: string; readonly secret: string },
): boolean {
  const basic = Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`).toString('base64');
  if (call.headers.authorization === `Basic ${basic}`) return true;
  return form['client_id'] === client.id && form['client_secret'] === client.secret;
}
