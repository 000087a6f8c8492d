/**
 * What makes a login in a browser one person's, and good once. The browser keeps a cookie, the address that goes to the
 * third party has the state, and the database knows a hash of each. The code verifier (RFC 7636) is made of both, so it
 * is stored nowhere. Neither what the third party sees, nor what a copy of the database holds, is enough to change a
 * code for tokens.
 * Used by: `begin-login.ts`, `finish-login.ts`.
 * @see RFC 7636 §4.1 and §4.2 (S256), RFC 9700 §2.1.1, RFC 6265bis §4.1.3.2 (`__Host-`)
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

/** 256 bits, as 43 characters. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** 43 characters; another one for each state and each browser. */
export function verifierOf(session: string, state: string): string {
  return createHmac('sha256', session).update(`code verifier of ${state}`).digest('base64url');
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** The cookie of one browser: several logins may be under way in it. */
export interface LoginCookie {
  /** @returns undefined when the browser has none. */
  read(request: Request): string | undefined;
  /** @returns the value of `set-cookie`. */
  write(session: string, lifeMs: number): string;
}

/** @param at where the handlers are mounted. Only https lets a cookie be one that no other host can set. */
export function loginCookie(at: URL): LoginCookie {
  const isSecure = at.protocol === 'https:';
  const name = isSecure ? '__Host-sluice-login' : 'sluice-login';
  return {
    read: (request) => {
      const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
      const value = pairs.find(([key]) => key === name)?.[1];
      return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
    },
    // `Lax`: the callback is led to by another site, and must have it.
    write: (session, lifeMs) =>
      `${name}=${session}; Path=/; Max-Age=${Math.ceil(lifeMs / 1_000)}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`,
  };
}
