/**
 * Takes the account's own tokens out of what comes back, before anybody reads it: third parties put them into next links,
 * error messages and rows, and from there they would go into tables and histories as plain text.
 * Next stop: `build-request.ts` leaves out a parameter whose value was hidden; the provider's auth sends it anew.
 */
import type { Answer } from '../../contracts/answer.ts';
import type { Credentials } from '../../contracts/credentials.ts';

export const HIDDEN = '[removed]';

/** Shorter values are no tokens, and would hit innocent text. */
const SHORTEST_TOKEN = 16;

/** @returns the same answer when no token is in it. */
export function hideTokens(answer: Answer, credentials: Credentials | undefined): Answer {
  const forms = [credentials?.accessToken, credentials?.refreshToken].flatMap(spellings);
  const hide = (text: string): string =>
    forms.reduce((clean, form) => (clean.includes(form) ? clean.replaceAll(form, HIDDEN) : clean), text);
  if (forms.length === 0) return answer;
  const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, hide(value)]));
  return { ...answer, headers, text: hide(answer.text) };
}

/** As it is, in a URL, and in JSON whose writer escapes slashes. */
function spellings(token: string | undefined): string[] {
  if (token === undefined || token.length < SHORTEST_TOKEN) return [];
  return [...new Set([token, encodeURIComponent(token), token.replaceAll('/', String.raw`\/`)])];
}
