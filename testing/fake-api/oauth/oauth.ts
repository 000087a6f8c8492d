/**
 * Tokens of the fake third party. Access tokens expire, and refresh tokens rotate. Using a refresh token twice revokes
 * its whole family, which is how a race between two refreshers loses an account for good. Follows RFC 6749 section 6
 * and the reuse detection of RFC 9700 section 4.14.2.
 * Next: `token-errors.ts` has the answers for bad tokens.
 */
import type { FakeAnswer } from '../answer.ts';
import type { FakeCall } from '../call.ts';
import type { TokenGuard } from '../handle-call.ts';
import type { PathFilter } from '../paths.ts';
import { pathFilter } from '../paths.ts';
import type { Random } from '../random.ts';
import type { Route } from '../routes.ts';
import type { TokenErrorChoice, TokenProblem } from './token-errors.ts';
import { tokenErrorTurns } from './token-errors.ts';

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

export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInMs: number;
}

/** What happened to the tokens of one account. */
export interface AccountTokens {
  readonly refreshes: number;
  /** Refreshes that were refused, for whatever reason. */
  readonly refusedRefreshes: number;
  /** Refresh tokens that were used a second time, outside the grace. */
  readonly reuses: number;
  /** True when reuse revoked its tokens and nobody connected it anew. */
  readonly isLost: boolean;
  /** Milliseconds since the server's start of each refresh that succeeded. */
  readonly refreshedAt: readonly number[];
}

export interface OAuthHandle {
  /** Connects an account: tokens as after a login. Again = connected anew; older tokens go on living. */
  issue(account: string): IssuedTokens;
  /** The user takes the permission back: all its tokens are bad, refreshes are refused. */
  revoke(account: string): void;
  /** Its access tokens are expired from now on; refreshing works. */
  expire(account: string): void;
  account(account: string): AccountTokens;
  /** Accounts that are lost now. */
  lost(): string[];
}

/** One login and all tokens that descend from it. */
interface Family {
  readonly account: string;
  isRevoked: boolean;
}

interface AccessToken {
  readonly family: Family;
  expiresAt: number;
}

interface RefreshToken {
  readonly family: Family;
  readonly expiresAt: number;
  /** Set when it was rotated away. */
  used: { readonly at: number; readonly gave: IssuedTokens } | undefined;
}

interface Ledger {
  refreshes: number;
  refusedRefreshes: number;
  reuses: number;
  isLost: boolean;
  refreshedAt: number[];
}

/** The token endpoint's route, the guard of all other calls, and the handle for the test. */
export function createOAuth(options: OAuthOptions, now: () => number, random: Random) {
  const { accessLifeMs = 3_600_000, refreshLifeMs = Number.POSITIVE_INFINITY, rotatesRefresh = true } = options;
  const tokenPath = options.tokenPath ?? '/oauth/token';
  const isProtected = pathFilter(options.protects);
  const tokenError = tokenErrorTurns(options.tokenErrors);
  const accessTokens = new Map<string, AccessToken>();
  const refreshTokens = new Map<string, RefreshToken>();
  const ledgers = new Map<string, Ledger>();

  const ledgerOf = (account: string): Ledger => {
    let ledger = ledgers.get(account);
    if (ledger === undefined) {
      ledger = { refreshes: 0, refusedRefreshes: 0, reuses: 0, isLost: false, refreshedAt: [] };
      ledgers.set(account, ledger);
    }
    return ledger;
  };
  const newToken = (prefix: string) => {
    const part = () =>
      Math.floor(random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, '0');
    return `${prefix}_${part()}${part()}${part()}${part()}`;
  };
  const issueIn = (family: Family, keptRefreshToken?: string): IssuedTokens => {
    const accessToken = newToken('at');
    accessTokens.set(accessToken, { family, expiresAt: now() + accessLifeMs });
    const refreshToken = keptRefreshToken ?? newToken('rt');
    if (keptRefreshToken === undefined) {
      refreshTokens.set(refreshToken, { family, expiresAt: now() + refreshLifeMs, used: undefined });
    }
    return { accessToken, refreshToken, expiresInMs: accessLifeMs };
  };

  /** New tokens, or the error code of RFC 6749 section 5.2. */
  const refresh = (given: string): IssuedTokens | 'invalid_grant' => {
    const token = refreshTokens.get(given);
    if (token === undefined) return 'invalid_grant';
    const ledger = ledgerOf(token.family.account);
    const refused = () => {
      ledger.refusedRefreshes++;
      return 'invalid_grant' as const;
    };
    if (token.family.isRevoked || now() >= token.expiresAt) return refused();
    if (token.used !== undefined) {
      if (now() - token.used.at < (options.graceMs ?? 0)) return token.used.gave;
      ledger.reuses++;
      if (options.detectsReuse !== false) {
        token.family.isRevoked = true;
        ledger.isLost = true;
      }
      return refused();
    }
    const gave = issueIn(token.family, rotatesRefresh ? undefined : given);
    if (rotatesRefresh) token.used = { at: now(), gave };
    ledger.refreshes++;
    ledger.refreshedAt.push(now());
    return gave;
  };

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

  const problemOf = (token: string | undefined): TokenProblem | undefined => {
    if (token === undefined) return 'missing';
    const known = accessTokens.get(token);
    if (known === undefined) return 'unknown';
    if (known.family.isRevoked) return 'revoked';
    return now() >= known.expiresAt ? 'expired' : undefined;
  };

  const guard: TokenGuard = {
    accountOf: (token) => (token === undefined ? undefined : accessTokens.get(token)?.family.account),
    refuse: (call) => {
      if (!isProtected(call)) return undefined;
      const problem = problemOf(call.token);
      return problem && tokenError(problem);
    },
  };

  const familiesOf = (account: string): Set<Family> =>
    new Set([...refreshTokens.values()].map(({ family }) => family).filter((family) => family.account === account));

  const handle: OAuthHandle = {
    issue: (account) => {
      ledgerOf(account).isLost = false;
      return issueIn({ account, isRevoked: false });
    },
    revoke: (account) => {
      for (const family of familiesOf(account)) family.isRevoked = true;
    },
    expire: (account) => {
      for (const token of accessTokens.values()) if (token.family.account === account) token.expiresAt = now();
    },
    account: (account) => ({ ...ledgerOf(account), refreshedAt: [...ledgerOf(account).refreshedAt] }),
    lost: () => [...ledgers].filter(([, ledger]) => ledger.isLost).map(([account]) => account),
  };

  const refreshCounts = () => Object.fromEntries([...ledgers].map(([account, { refreshes }]) => [account, refreshes]));

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
