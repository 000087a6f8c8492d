/**
 * What a login brought, as an app gives it to `accounts.connect()`, checked before it replaces what works.
 */
import type { Credentials } from '../contracts/credentials.ts';

/** What a login brought. `expiresAt` is when the access token ends; without it the first refusal says so. */
export type NewCredentials = Pick<
  Credentials,
  'accessToken' | 'refreshToken' | 'expiresAt' | 'username' | 'password' | 'extra'
>;

const FIELDS = {
  accessToken: true,
  refreshToken: true,
  expiresAt: true,
  username: true,
  password: true,
  extra: true,
} satisfies Record<keyof NewCredentials, true>;

/** Names only in its messages, never values. @throws TypeError for what a login's answer has when it is passed on as it is. */
export function checkCredentials(credentials: NewCredentials): void {
  const names = Object.keys(credentials).filter((name) => credentials[name as keyof NewCredentials] !== undefined);
  const unknown = names.filter((name) => !Object.hasOwn(FIELDS, name));
  const wanted = `they may have ${Object.keys(FIELDS).join(', ')}.`;
  if (unknown.length > 0)
    throw new TypeError(`\`credentials\` have ${unknown.map((name) => `\`${name}\``).join(', ')}; ${wanted}`);
  if (names.every((name) => name === 'expiresAt')) throw new TypeError(`\`credentials\` hold no secret; ${wanted}`);
  const { expiresAt } = credentials;
  // `new Date()` takes 3600 for a year.
  if (expiresAt !== undefined && !(typeof expiresAt === 'string' && /^\d{4}-\d\d-\d\d/.test(expiresAt)))
    throw new TypeError(
      `\`expiresAt\` is ${JSON.stringify(expiresAt)}; it must be an ISO time, e.g. new Date(Date.now() + seconds * 1000).toISOString().`,
    );
}
