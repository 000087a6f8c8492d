/**
 * A token that is dead, told otherwise than by 401: by 498, by the challenge of RFC 6750 §3.1 under another status, by a code in the usual
 * envelopes, or in well-known words. Tokens of pages, syncs and uploads end too, and are none of an account's. Pure.
 * Used by: `default-rules.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { errorNames } from './error-names.ts';

const SEEN_OF_TEXT = 2_000;
const KIND = '(?:access|auth|authentication|authorization|oauth2?|bearer)[ _-]?token';
const DEAD = '(?:invalid|expired|revoked|inactive|no longer valid|not (?:valid|active))';
const OTHER =
  '(?:page|sync|cursor|next|skip|delta|continuation|upload|download|csrf|xsrf|verification|reset|device|push|registration|share|invite)';
const WORDS = new RegExp(
  [
    `\\b${KIND}\\b[^.<>{}"]{0,40}\\b${DEAD}\\b`,
    `\\b${DEAD}[ _-]${KIND}\\b`,
    `\\bvalidating (?:the )?${KIND}\\b`,
    `(?<!\\b${OTHER}[ _-]?)\\btoken (?:has |is |was )?(?:been )?(?:expired|revoked)\\b`,
    '\\bsecurity token included in the request is (?:expired|invalid)\\b',
    '\\b(?:login|user|your) session (?:has |is )?(?:been )?(?:expired|ended|invalidated)\\b',
  ].join('|'),
  'i',
);
/** As `errorNames` has them; the last four are of the keys of AWS and Azure. */
const CODE =
  /^(?:(?:access|auth|authentication|bearer|oauth)?token(?:is|has)?(?:expired|revoked|inactive)|(?:expired|revoked)(?:access|auth|authentication|bearer)?token|invalid(?:access|auth|authentication|bearer)?token|(?:session|login)expired|authenticationfailed|unrecognizedclient|invalidclienttokenid|invalidaccesskeyid)$/;

/** @returns undefined where nothing says that the token of the account is no good any more. */
export function deadToken(answer: Answer, reason: string): Outcome | undefined {
  return saysDeadToken(answer) ? { kind: 'refresh-auth', reason } : undefined;
}

function saysDeadToken(answer: Answer): boolean {
  if (answer.status === 498) return true;
  if (/\berror="?invalid_token\b/i.test(answer.headers['www-authenticate'] ?? '')) return true;
  return errorNames(answer).some((name) => CODE.test(name)) || WORDS.test(answer.text.slice(0, SEEN_OF_TEXT));
}
