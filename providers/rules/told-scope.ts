/**
 * A call that the token is not good for, though the token itself is. It is told by the error of RFC 6750 §3.1, whatever
 * status it came with, by a code, or in words. A new token would have the same scopes, so nothing is refreshed, and the
 * account goes on with all else. Pure.
 * Used by: `default-rules.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { errorNames } from './error-names.ts';

const SEEN_OF_TEXT = 2_000;
const CODE =
  /^(?:(?:insufficient|missing)(?:oauth|token|required)?(?:scopes?|permissions?)|(?:access)?token(?:scope|permission)s?insufficient)$/;
const WORDS =
  /\b(?:missing|insufficient|lacks?|lacking|not have|without|requires?)\b[^.{}]{0,40}\bscopes?\b|\bscopes?\b[^.{}]{0,40}\b(?:missing|insufficient|required|not (?:granted|sufficient))\b/i;

/** @returns undefined where nothing says that a scope is missing. */
export function missingScope(answer: Answer, reason: string): Outcome | undefined {
  return isMissing(answer) ? { kind: 'permanent', cause: 'auth', reason } : undefined;
}

function isMissing(answer: Answer): boolean {
  if (/\berror="?insufficient_scope\b/i.test(answer.headers['www-authenticate'] ?? '')) return true;
  return errorNames(answer).some((name) => CODE.test(name)) || WORDS.test(answer.text.slice(0, SEEN_OF_TEXT));
}
