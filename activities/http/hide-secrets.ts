/**
 * Takes the secrets of a call out of what comes back, before anybody reads it. Third parties put them into next links,
 * error messages and rows, and from there they would go into tables and histories as plain text.
 * Next: `build-request.ts` leaves out a parameter in which something was hidden; the provider's auth sends it anew.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { REMOVED } from '../../contracts/secrets/redact.ts';
import { replacePlaces, type FoundSecret, type SecretFinder } from '../../contracts/secrets/secret-finder.ts';
import { findInLong } from './find-in-long.ts';

/** What stands in an answer in the place of a secret. */
export const HIDDEN = REMOVED;

/** @returns the same answer when no secret is in it. */
export async function hideSecrets(answer: Answer, finder: SecretFinder): Promise<Answer> {
  const text = hidePlaces(answer.text, await findInLong(answer.text, finder));
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, hideInText(value, finder)] as const);
  const isSame = text === answer.text && headers.every(([name, value]) => value === answer.headers[name]);
  const error = answer.error && { ...answer.error, message: hideInText(answer.error.message, finder, true) };
  // Of a file in an archive: rows may have its name.
  const file = answer.file === undefined ? undefined : hideInText(answer.file, finder);
  if (isSame && error?.message === answer.error?.message && file === answer.file) return answer;
  const more = { ...(error ? { error } : {}), ...(file === undefined ? {} : { file }) };
  return { ...answer, headers: Object.fromEntries(headers), text, ...more };
}

/** Every text inside a value that is already parsed, names of fields included. @returns the same value when no secret is in it. */
export function hideInValue(value: unknown, finder: SecretFinder): unknown {
  if (typeof value === 'string') return hideInText(value, finder);
  if (Array.isArray(value)) {
    const clean = value.map((one) => hideInValue(one, finder));
    return clean.some((one, index) => one !== value[index]) ? clean : value;
  }
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  const clean = Object.entries(value).map(
    ([name, one]) => [name, hideInText(name, finder), hideInValue(one, finder)] as const,
  );
  const isSame = clean.every(
    ([name, newName, one]) => newName === name && one === (value as Record<string, unknown>)[name],
  );
  return isSame ? value : Object.fromEntries(clean.map(([, name, one]) => [name, one]));
}

function hideInText(text: string, finder: SecretFinder, isForPeople = false): string {
  return replacePlaces(text, finder.find(text, isForPeople), () => HIDDEN);
}

/** A bare number of a JSON body stays: words in its place would break the body. */
function hidePlaces(text: string, found: readonly FoundSecret[]): string {
  const numbers = found.filter(({ from, to }) => /^\d+$/.test(text.slice(from, to)));
  if (numbers.length === 0 || !/^\s*[[{]/.test(text)) return replacePlaces(text, found, () => HIDDEN);
  const bare = new Set<FoundSecret>(outsideStrings(text, numbers));
  return replacePlaces(
    text,
    found.filter((one) => !bare.has(one)),
    () => HIDDEN,
  );
}

/** Of places in order, those that lie in no JSON string. */
function outsideStrings(text: string, places: readonly FoundSecret[]): FoundSecret[] {
  let isInString = false;
  let at = 0;
  return places.filter(({ from }) => {
    for (; at < from; at++) {
      if (text[at] === '\\' && isInString) at++;
      else if (text[at] === '"') isInString = !isInString;
    }
    return !isInString;
  });
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
