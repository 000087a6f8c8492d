/**
 * The tokens that the fake third party has given out: issued, refreshed, expired, revoked. A second use of a rotated
 * refresh token revokes its whole family (RFC 9700 section 4.14.2). Used by: `oauth.ts`.
 */
import type { Random } from '../random.ts';
import type { OAuthOptions } from './oauth.ts';
import type { TokenProblem } from './token-errors.ts';

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

export interface TokenStore {
  readonly handle: OAuthHandle;
  /** New tokens, or the error code of RFC 6749 section 5.2. */
  readonly refresh: (given: string) => IssuedTokens | 'invalid_grant';
  readonly accountOf: (accessToken: string) => string | undefined;
  /** What is wrong with a call's access token; undefined when it is good. */
  readonly problemOf: (accessToken: string | undefined) => TokenProblem | undefined;
  readonly refreshCounts: () => Readonly<Record<string, number>>;
}

export function createTokenStore(options: OAuthOptions, now: () => number, random: Random): TokenStore {
  const { accessLifeMs = 3_600_000, refreshLifeMs = Number.POSITIVE_INFINITY, rotatesRefresh = true } = options;
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

  const problemOf = (token: string | undefined): TokenProblem | undefined => {
    if (token === undefined) return 'missing';
    const known = accessTokens.get(token);
    if (known === undefined) return 'unknown';
    if (known.family.isRevoked) return 'revoked';
    return now() >= known.expiresAt ? 'expired' : undefined;
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

  return {
    handle,
    refresh,
    problemOf,
    accountOf: (accessToken) => accessTokens.get(accessToken)?.family.account,
    refreshCounts: () => Object.fromEntries([...ledgers].map(([account, { refreshes }]) => [account, refreshes])),
  };
}
