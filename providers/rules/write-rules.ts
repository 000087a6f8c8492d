/**
 * What an answer to a write means. The question is not only whether it worked, but whether it may have. What was sent
 * and not clearly refused is `unknown-write`, and looked up before it is repeated. Sources: RFC 9110 (status codes),
 * RFC 8470 (425), draft-ietf-httpapi-idempotency-key-header (409 while the first is under way).
 */
import type { Answer, TransportErrorCode } from '../../contracts/answers/answer.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isPageForPeople } from '../../contracts/answers/page-for-people.ts';
import { defaultOutcome } from './default-rules.ts';
import { hasStatusInside } from './error-names.ts';
import { troubleInWrite } from './inner-errors.ts';
import { describe } from './rules.ts';

/** Nothing has reached the third party: there was no connection. */
const neverSent: readonly TransportErrorCode[] = [
  'connect-timeout',
  'connection-refused',
  'dns',
  'tls',
  'certificate-refused',
  'private-address',
];

/**
 * Rules that are shared with reads say too easily that nothing happened. A gateway's timeout says nothing about the
 * write behind it, and an answer of success is no reason to send it again. They are believed about what is clearly
 * refused, and about who is refused.
 */
export function strictWriteOutcome(outcome: Outcome | undefined, answer: Answer): Outcome | undefined {
  return outcome === undefined || isBelieved(outcome, answer) ? outcome : unknown(answer, outcome);
}

function isBelieved(outcome: Outcome, answer: Answer): boolean {
  const isTaken = !answer.error && answer.status >= 200 && answer.status < 300;
  switch (outcome.kind) {
    case 'ok':
      return !answer.error;
    case 'unknown-write':
      return true;
    // In doubt it may have been a good answer.
    case 'refresh-auth':
      return outcome.isDoubt !== true && !(answer.error && isLost(answer));
    // Sent again; what says no more than 200 may have been done.
    case 'retry':
    case 'flawed':
      return !isLost(answer) && !isTaken;
    case 'limited':
    case 'permanent':
    case 'skip':
    case 'end-of-data':
    case 'dead-cursor':
    case 'checkpoint-expired':
    case 'capped':
    case 'shrink-page':
      return !isLost(answer);
  }
}

export interface WriteFacts {
  readonly idempotent: boolean;
  /** Its definition looks for errors in a good answer by itself. Default false. */
  readonly isRead?: boolean;
}

/** Decides every answer to a write; never undefined. */
export function defaultWriteOutcome(answer: Answer, options: WriteFacts): Outcome {
  // Nothing in between says that something was created: Apache and others write a page for people about what is done.
  if (answer.status === 201 && !answer.error && isPageForPeople(answer)) return { kind: 'ok' };
  const outcome = defaultOutcome(answer);
  // An error that is told under 2xx, or HTML from something in between: what it speaks of may have been done.
  const isDoubted = ['retry', 'limited', 'refresh-auth', 'permanent'].includes(outcome.kind);
  if (isDoubted && !answer.error && answer.status >= 200 && answer.status < 300) return unknown(answer, outcome);
  if (outcome.kind === 'limited' && answer.status < 500) return outcome;
  if (isLost(answer)) return unknown(answer);
  // A call with this key is at work, or has been: ours, or what something in between made of it.
  if (answer.status === 409 && options.idempotent) return unknown(answer);
  if (answer.status === 413) return { kind: 'permanent', cause: 'bug', reason: describe(answer) };
  const json = outcome.kind === 'ok' && !options.isRead ? jsonOf(answer) : undefined;
  const trouble = json && troubleInWrite(answer, json.ok ? json.value : answer.text);
  if (trouble !== undefined) return { kind: 'unknown-write', reason: `${trouble}, ${describe(answer)}` };
  return outcome;
}

/**
 * A page for people does not say that a write, or what it made, is not there. Something in between lacks the address,
 * as while a service is deployed. A write would be sent again, and a compensation left out, because of it.
 */
export function absenceIn(outcome: Outcome, answer: Answer): Outcome {
  const isAbsent = outcome.kind === 'permanent' ? outcome.cause === 'gone' : outcome.kind === 'skip';
  if (!isAbsent || !isPageForPeople(answer)) return outcome;
  return { kind: 'retry', reason: `${describe(answer)}, a page for people` };
}

/** `{ "code": 404 }` of those that answer everything by 200: it is not there, and no row is missing. */
export function saysAbsent(answer: Answer): boolean {
  return [404, 410].some((status) => hasStatusInside(answer, status));
}

/**
 * It was sent, and how it went is not known. A 503 and a 408 may come from a proxy that had sent it on, as Envoy's do
 * when the connection behind it breaks. A redirect may follow what is done ("go and look there"). 425 says that it was
 * not tried.
 */
function isLost({ status, error }: Answer): boolean {
  if (error) return !(error.isUnsent === true || neverSent.includes(error.code));
  return status >= 500 || status === 408 || (status >= 300 && status < 400);
}

/** @param taken what it would mean as the answer to a read. */
function unknown(answer: Answer, taken?: Outcome): Outcome {
  const doubt = taken?.kind === 'refresh-auth' ? { doubtsToken: true } : {};
  return { kind: 'unknown-write', reason: describe(answer), ...doubt };
}
