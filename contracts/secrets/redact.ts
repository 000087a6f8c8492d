/**
 * Takes secrets out of text for people: errors, reports, logs. Known secrets wherever and however they stand, and whatever looks like
 * one. The words around them stay.
 * Next: `contracts/secrets/secret-finder.ts` and `contracts/secrets/secret-shapes.ts`. Used by everything that writes a sentence down.
 */
import type { Credentials } from './credentials.ts';
import { createSecretFinder, replacePlaces, type Place, type SecretFinder } from './secret-finder.ts';
import { isIdentityName } from './secret-names.ts';
import { shapesIn } from './secret-shapes.ts';

/** What stands in the place of a secret. */
export const REMOVED = '[removed]';

/** @param secrets values that must not stay, e.g. from `secretsOf(credentials)`, or what finds them. */
export function redact(text: string, secrets: readonly string[] | SecretFinder = []): string {
  const finder =
    'find' in secrets && !Array.isArray(secrets)
      ? (secrets as SecretFinder)
      : createSecretFinder(secrets as readonly string[]);
  const known = replacePlaces(text, finder.find(text, true), () => REMOVED);
  return replacePlaces<Place>(known, shapesIn(known), () => REMOVED);
}

/** Every secret value of an account's credentials; times are none, nor are names and addresses of who it is. */
export function secretsOf(credentials: Credentials | undefined): string[] {
  if (!credentials) return [];
  const { accessToken, refreshToken, username, password, extra } = credentials;
  // Some services take a key as the name of a Basic pair, with no password.
  const isNameSecret = !password && !accessToken && !refreshToken;
  const pair = Buffer.from(`${username ?? ''}:${password ?? ''}`, 'utf8').toString('base64');
  return [
    accessToken,
    refreshToken,
    password,
    ...(username === undefined ? [] : [pair, ...(isNameSecret ? [username] : [])]),
    ...Object.entries(extra ?? {}).flatMap(([name, value]) => (isIdentityName(name) ? [] : [value])),
  ].filter((value): value is string => typeof value === 'string' && value !== '');
}
