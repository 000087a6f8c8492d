/**
 * What HTTP says by itself when a provider has no rule for an answer.
 * Sources: RFC 9110 (status codes), RFC 6585 (429), RFC 9110 §10.2.3 (Retry-After, also with 503).
 * Next: `limiter/report/report.ts`, what the limiter learns from the outcome.
 */
import type { Answer, TransportErrorCode } from '../../contracts/answers/answer.ts';
import { jsonOf } from '../../contracts/answers/answer-json.ts';
import { isPageForPeople } from '../../contracts/answers/page-for-people.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import { envelopeOf, hasEntries } from './envelopes.ts';
import { hasRows, troubleInList } from './inner-errors.ts';
import { describe } from './rules.ts';
import { isNamedLimit, limitInWords, saysWhen, toldLimit } from './told-limit.ts';
import { missingScope } from './told-scope.ts';
import { deadToken, isNamedDead } from './told-token.ts';

export interface DefaultRulesOptions {
  /** The answer is a list, so that fields of an error beside it are the answer's and not a row's. Default false. */
  readonly isList?: boolean;
}

/** The status line says what the answer means, whatever became of its body. */
const BODY_ERRORS: readonly TransportErrorCode[] = [
  'truncated-body',
  'unreadable-body',
  'body-too-large',
  'body-timeout',
];

/** Decides every answer; never undefined. */
export function defaultOutcome(answer: Answer, { isList = false }: DefaultRulesOptions = {}): Outcome {
  const { status, error } = answer;
  if (error && !(status >= 400 && BODY_ERRORS.includes(error.code))) return transportOutcome(answer, describe(answer));
  if (status >= 200 && status < 300) return successOutcome(answer, isList);
  const reason = describe(answer);
  if (status === 304) return { kind: 'retry', reason: 'HTTP 304 (not modified), but all of it was asked for' };
  if (status >= 300 && status < 400)
    return { kind: 'permanent', cause: 'config', reason: `unexpected redirect${whereTo(answer)}, ${reason}` };
  switch (status) {
    case 401:
      return limitInWords(answer, reason) ?? missingScope(answer, reason) ?? { kind: 'refresh-auth', reason };
    case 402:
      return { kind: 'permanent', cause: 'auth', reason };
    case 403:
      return (
        toldLimit(answer, reason) ??
        missingScope(answer, reason) ??
        deadToken(answer, reason) ?? { kind: 'permanent', cause: 'auth', reason }
      );
    case 404:
    case 410:
      return { kind: 'permanent', cause: 'gone', reason };
    case 408:
    case 425:
      return { kind: 'retry', reason };
    case 413:
      return { kind: 'shrink-page', reason };
    case 420: // "Enhance your calm"; no standard has it, and nobody uses it for anything else
    case 429:
      return { kind: 'limited', reason };
    case 503:
      // It says when it takes calls again: a limit, and no sign that it is broken.
      return saysWhen(answer)
        ? { kind: 'limited', reason }
        : (limitInWords(answer, reason) ?? { kind: 'retry', reason });
    default:
      if (status >= 500) return limitInWords(answer, reason) ?? { kind: 'retry', reason };
      return limitInWords(answer, reason) ?? deadToken(answer, reason) ?? { kind: 'permanent', cause: 'bug', reason };
  }
}

/** The host alone: what stands behind it may be secret. */
function whereTo({ headers }: Answer): string {
  const place = headers['location'] ?? '';
  return URL.canParse(place) ? ` to ${new URL(place).host}` : '';
}

/** A good status is not enough: the body must be no page of HTML and no error. */
function successOutcome(answer: Answer, isList: boolean): Outcome {
  if (isPageForPeople(answer)) return { kind: 'retry', reason: `HTML instead of data, ${describe(answer)}` };
  const json = jsonOf(answer);
  const envelope = json.ok ? envelopeOf(onlyLine(answer, json.value), isList) : undefined;
  if (envelope === 'error') {
    const reason = `an error under a status of success, ${describe(answer)}`;
    return ofOneAccount(answer, reason) ?? { kind: 'retry', reason };
  }
  // The same with anything else around it, where there are no rows to keep; or by its code alone, beside an empty list.
  if (isList && json.ok && !hasRows(json.value)) {
    const reason = `an error under a status of success, ${describe(answer)}`;
    const isNamed = envelope === 'partial' || isNamedLimit(answer) || isNamedDead(answer);
    const told = isNamed ? ofOneAccount(answer, reason) : undefined;
    if (told) return told;
  }
  if (envelope === 'partial' && isList)
    return { kind: 'flawed', reason: `the answer has rows and an error, ${describe(answer)}` };
  const trouble = isList && json.ok ? troubleInList(answer, json.value) : undefined;
  if (trouble !== undefined) return { kind: 'flawed', reason: `${trouble}, ${describe(answer)}` };
  if (answer.status === 202 && isList && json.ok && !hasEntries(json.value))
    return { kind: 'retry', reason: `accepted, and no rows yet, ${describe(answer)}` };
  return { kind: 'ok' };
}

/** What concerns one account, or passes by waiting, is no failure of the third party: its breaker would hold up all others. */
function ofOneAccount(answer: Answer, reason: string): Outcome | undefined {
  return missingScope(answer, reason) ?? deadToken(answer, reason) ?? limitInWords(answer, reason);
}

/** An error that came where NDJSON would be is its one line. */
function onlyLine({ data }: Answer, value: unknown): unknown {
  return data && Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function transportOutcome(answer: Answer, reason: string): Outcome {
  switch (answer.error?.code) {
    case 'body-too-large':
      return { kind: 'shrink-page', reason };
    case 'certificate-refused':
      return { kind: 'refresh-auth', reason };
    case 'tls':
    case 'private-address':
      return { kind: 'permanent', cause: 'config', reason };
    default:
      // A 429 whose connection broke is still a 429.
      return answer.status === 429 ? { kind: 'limited', reason } : { kind: 'retry', reason };
  }
}
