/**
 * How long a token lives, from whatever says so, as a number that every store takes. Third parties write `3599.12`, 2^63−1 and 1e14.
 * Used by: `activities/credentials`, `db/stores/account`, `providers/auth`.
 */
import type { Credentials } from './credentials.ts';

const LONGEST_LIFE_MS = 10 * 365 * 86_400_000;

/** @returns whole milliseconds, at most ten years; undefined for what is no life (negative, zero, not a number). */
export function boundedLifeMs(lifeMs: unknown): number | undefined {
  return typeof lifeMs === 'number' && lifeMs > 0 ? Math.ceil(Math.min(lifeMs, LONGEST_LIFE_MS)) : undefined;
}

/**
 * What is left of an access token by its `expiresAt`, else by its own `exp` claim, on this process's clock.
 * @returns undefined when neither says; 0 when it is over.
 */
export function lifeLeftMs(
  { expiresAt, accessToken }: Pick<Credentials, 'expiresAt' | 'accessToken'>,
  now = Date.now(),
): number | undefined {
  const stated = expiresAt === undefined ? Number.NaN : Date.parse(expiresAt);
  const { exp } = claimsOf(accessToken);
  const until = Number.isNaN(stated) ? (exp === undefined ? Number.NaN : exp * 1_000) : stated;
  return Number.isNaN(until) ? undefined : Math.min(Math.max(0, Math.ceil(until - now)), LONGEST_LIFE_MS);
}

/**
 * Life of a JSON Web Token as its own claims state it (`exp` − `iat`), in milliseconds.
 * @returns undefined for anything else. The signature is not looked at: the token has just come from its issuer.
 * @see RFC 7519 §4.1.4
 */
export function jwtLifeMs(token: string): number | undefined {
  const { exp, iat } = claimsOf(token);
  return exp === undefined || iat === undefined ? undefined : boundedLifeMs((exp - iat) * 1_000);
}

function claimsOf(token: string | undefined): { readonly exp?: number; readonly iat?: number } {
  const claims = token?.split('.', 3)[1];
  if (claims === undefined) return {};
  try {
    const { exp, iat } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<string, unknown>;
    return { ...(typeof exp === 'number' ? { exp } : {}), ...(typeof iat === 'number' ? { iat } : {}) };
  } catch {
    return {}; // not a JWT: its life is not known
  }
}
