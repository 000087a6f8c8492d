/**
 * What HTTP says by itself when a provider has no rule for an answer.
 * Sources: RFC 9110 (status codes), RFC 6585 (429), RFC 9110 §10.2.3 (Retry-After).
 */
import type { Answer } from '../../contracts/answer.ts';
import type { Outcome } from '../../contracts/outcome.ts';
import { describe } from './rules.ts';

/** Decides every answer; never undefined. */
export function defaultOutcome(answer: Answer): Outcome {
  const reason = describe(answer);
  if (answer.error) return transportOutcome(answer, reason);
  const { status } = answer;
  if (status >= 200 && status < 300)
    return looksLikeHtml(answer) ? { kind: 'retry', reason: `HTML instead of data, ${reason}` } : { kind: 'ok' };
  if (status >= 300 && status < 400)
    return { kind: 'permanent', cause: 'config', reason: `unexpected redirect, ${reason}` };
  switch (status) {
    case 401:
      return { kind: 'refresh-auth', reason };
    case 402:
    case 403:
      return { kind: 'permanent', cause: 'auth', reason };
    case 404:
    case 410:
      return { kind: 'permanent', cause: 'gone', reason };
    case 408:
    case 425:
      return { kind: 'retry', reason };
    case 413:
      return { kind: 'shrink-page', reason };
    case 429:
      return { kind: 'limited', reason };
    default:
      return status >= 500 ? { kind: 'retry', reason } : { kind: 'permanent', cause: 'bug', reason };
  }
}

function transportOutcome(answer: Answer, reason: string): Outcome {
  switch (answer.error?.code) {
    case 'body-too-large':
      return { kind: 'shrink-page', reason };
    case 'tls':
    case 'private-address':
      return { kind: 'permanent', cause: 'config', reason };
    default:
      // A 429 whose body broke off is still a 429.
      return answer.status === 429 ? { kind: 'limited', reason } : { kind: 'retry', reason };
  }
}

function looksLikeHtml(answer: Answer): boolean {
  return /^\s*<(!doctype html|html|head|body)/i.test(answer.text.slice(0, 200));
}
