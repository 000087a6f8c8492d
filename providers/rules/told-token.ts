/**
 * A token that is dead, told otherwise than by 401: by 498, or by the challenge of RFC 6750 §3.1 under another status.
 * Or it is told by a code in the usual envelopes, or in well-known words. Tokens of pages, syncs and uploads end too,
 * and are none of an account's. Pure.
 * Used by: `default-rules.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { errorNames, errorSentences, hasStatusInside } from './error-names.ts';
import { TOKEN_OF_PLACE } from './place-names.ts';

const SEEN_OF_TEXT = 2_000;
const KIND = '(?:access|auth|authentication|authorization|oauth2?|bearer)[ _-]?token';
const DEAD = '(?:invalid|expired|revoked|inactive|no longer valid|not (?:valid|active))';
const OTHER = `(?:${TOKEN_OF_PLACE}|upload|download|csrf|xsrf|verification|reset|device|push|registration|share|invite)`;
const WORDS = new RegExp(
  [
    `\\b${KIND}\\b[^.<>{}"]{0,40}\\b${DEAD}\\b`,
    `\\b${DEAD}[ _-]${KIND}\\b`,
    `\\bvalidating (?:the )?${KIND}\\b`,
    `(?<!\\b${OTHER}[ _-]?)\\btoken (?:has |is |was )?(?:been )?(?:expired|revoked)\\b`,
    '\\bsecurity token included in the request is (?:expired|invalid)\\b',
    '\\bjwt(?: token)? (?:has |is |was )?(?:been )?expired\\b',
    '\\b(?:login|user|your) session (?:has |is )?(?:been )?(?:expired|ended|invalidated)\\b',
  ].join('|'),
  'i',
);
/** As `errorNames` has them; those of the last line are of the keys of AWS and Azure. */
const CODE = new RegExp(
  [
    '^(?:(?:access|auth|authentication|bearer|oauth)?token(?:is|has)?(?:expired|revoked|inactive|notvalid)',
    '(?:expired|revoked)(?:access|auth|authentication|bearer)?token',
    'invalid(?:access|auth|authentication|bearer)?token|(?:session|login)expired|(?:invalid|expired)session(?:id)?',
    'unauthenticated|notauthenticated|notloggedin|loginrequired|invalidauth|invalid(?:api|access)key',
    'authenticationfailed|unrecognizedclient|invalidclienttokenid|invalidaccesskeyid)$',
  ].join('|'),
);
/** What a whole sentence may say, as `errorSentences` has it: "Invalid or expired token", "Your credentials have been revoked". */
const SUBJECT =
  '(?:(?:access|auth|authentication|authorization|bearer|oauth2?|id|api|security)*token|(?:api|access)key|jwt|(?:user|login|auth)*session|' +
  'credentials?|authentication|authorization|login)';
const WHOLE_DEAD = '(?:invalid|expired|revoked|inactive|disabled|not(?:valid|active)|nolongervalid)';
const BESIDE = '(?:the|your|this|an?|provided|given|supplied)*';
const SENTENCE = new RegExp(
  `^(?:${BESIDE}${SUBJECT}(?:provided|given|supplied)?(?:is|has|have|was|were|been)*${WHOLE_DEAD}(?:or(?:is|has|been)*${WHOLE_DEAD})*(?:foranytokentype)?|` +
    `${BESIDE}${WHOLE_DEAD}(?:or${WHOLE_DEAD})*${BESIDE}${SUBJECT}(?:provided|given|supplied)?|` +
    '(?:un|not)authenticated|(?:authentication|login)(?:is)?required|signaturehasexpired)$',
);

/** @returns undefined where nothing says that the token of the account is no good any more. */
export function deadToken(answer: Answer, reason: string): Outcome | undefined {
  return saysDeadToken(answer) ? { kind: 'refresh-auth', reason } : undefined;
}

function saysDeadToken(answer: Answer): boolean {
  if (answer.status === 498) return true;
  if (/\berror="?invalid_token\b/i.test(answer.headers['www-authenticate'] ?? '')) return true;
  if (answer.status < 300 && hasStatusInside(answer, 401)) return true;
  return isNamedDead(answer) || isSaidDead(answer);
}

/** By a code alone: words beside it may be a row's. */
export function isNamedDead(answer: Answer): boolean {
  return errorNames(answer).some((name) => CODE.test(name));
}

function isSaidDead(answer: Answer): boolean {
  return (
    errorSentences(answer).some((sentence) => SENTENCE.test(sentence)) || WORDS.test(answer.text.slice(0, SEEN_OF_TEXT))
  );
}
