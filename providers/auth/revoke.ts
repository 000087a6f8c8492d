/**
 * How a third party is told that an account's credentials are not wanted any more: one request. Pure; the call itself and its
 * repetition are in `activities/credentials/revoke-credentials.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { Credentials } from '../../contracts/secrets/credentials.ts';
import type { Auth } from './auth.ts';

export interface Revoke<Settings = unknown> {
  /** Where it goes, as the definition says it; without it the address may come from the account. A path is below the base URL. */
  readonly url?: string;
  /**
   * The call. A whole URL as path may lead to another origin than the provider's base URL. Any 2xx, and 401, 404 and 410, say that the
   * credentials are good for nothing any more.
   * @returns undefined when there is nothing to revoke.
   */
  readonly request: (credentials: Credentials, of: AccountFacts<Settings>) => RequestSpec | undefined;
}

/**
 * Adds a revocation of the third party's own making to a way of authenticating.
 * @example
 * revocable(bearer(), { request: ({ accessToken }) => ({ method: 'DELETE', path: '/session', headers: { authorization: `Bearer ${accessToken}` } }) })
 */
export function revocable<Settings = unknown>(auth: Auth<NoInfer<Settings>>, revoke: Revoke<Settings>): Auth<Settings> {
  return { ...auth, revoke };
}
