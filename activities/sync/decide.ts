/**
 * What an outcome means for a unit. Pure: a table of outcomes and their decisions; `apply-decision.ts` carries one out.
 * The union of outcomes is closed: a new one does not compile until it is handled here.
 * Next: `activities/page/store-page.ts`, for a good page.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { isPageForPeople } from '../../contracts/answers/page-for-people.ts';
import type { Outcome, PermanentCause } from '../../contracts/answers/outcome.ts';
import type { ChildErrorPolicy } from '../../contracts/plan.ts';
import { afterChangedBody } from '../../providers/pagination/walks/body-pieces.ts';
import {
  afterDeadCursor,
  afterLostAnswer,
  hasBegunAgain,
  hasCursor,
  isPlaceKept,
  saysCheckpointIsOver,
  saysCursorIsDead,
} from '../../providers/pagination/dead-cursor.ts';
import { afterRefusedOverlap, hintOfOverlap } from '../../providers/pagination/walks/numbered-walk.ts';
import { isNumbered, type Pagination } from '../../providers/pagination/pagination.ts';
import { asWalked } from '../../providers/pagination/walks/counted-places.ts';
import { afterRefusedLeap } from '../../providers/pagination/walks/leaps.ts';
import { afterRefusedSize } from '../../providers/pagination/told/whole-limit.ts';
import { meansByItself } from '../../providers/pagination/told/expired-checkpoint.ts';
import { refusedAtCap, toldCap } from '../../providers/pagination/result-cap.ts';
import type { ListState, Step } from '../../providers/pagination/step.ts';
import type { Renewed } from '../call/make-call.ts';

export type Decision =
  /** The page is parsed and stored. */
  | { readonly do: 'store'; readonly flaw?: string }
  /** The list takes a step without rows: its end, or the halves of its range. */
  | { readonly do: 'step'; readonly step: Step; readonly isUnchanged?: boolean }
  /** What the list was asked from is not known any more: it is read from its beginning. */
  | { readonly do: 'start-over'; readonly reason: string }
  /** The same page again, at once or later. `halves` the size of the page that is asked for. */
  | {
      readonly do: 'again';
      readonly costs: 'nothing' | 'attempt' | 'refusal';
      readonly reason: string;
      /** Undefined: by backoff; null: at once. */
      readonly afterMs?: number | null;
      readonly halves?: 'if-possible' | 'or-end';
      /** A name of an answer that could not be understood: the same one is not asked for again and again. */
      readonly riddle?: string;
    }
  /** The limits say when. */
  | { readonly do: 'wait'; readonly reason: string; readonly afterMs: number }
  | { readonly do: 'end'; readonly kind: 'complete' | 'skipped' | 'failed'; readonly reason: string }
  /** The run waits until its account is connected again. */
  | { readonly do: 'pause' };

/** What the decision rests on besides the outcome. */
export interface Facts {
  readonly answer: Answer;
  /** With the outcome `refresh-auth`: whether the call may be repeated with new credentials now. */
  readonly renewed: Renewed | undefined;
  readonly pagination: Pagination;
  readonly list: ListState;
  readonly policy: ChildErrorPolicy;
  /** Failed attempts at this page before. */
  readonly attempts: number;
  /** Attempts after which the page is given up. */
  readonly maxAttempts: number;
  /** Only what changed is asked for, and the request said that nothing need be answered where nothing did. */
  readonly asksForChanges: boolean;
  /** The list was asked from a checkpoint. */
  readonly hasCheckpoint: boolean;
  /** The call was to find out whether a failing provider is back: an outage of hours costs no attempts. */
  readonly isProbe: boolean;
}

const TIMEOUTS: ReadonlySet<string> = new Set(['headers-timeout', 'body-timeout', 'total-timeout']);
/** A page that takes too long, or makes the server fail, may be too large; after so many tries it is something else. */
export const SIZE_DOUBTED_UNTIL = 6;

export function decide(outcome: Outcome, told: Facts): Decision {
  if (outcome.kind === 'ok') return { do: 'store' };
  const facts = asWalked(told);
  const { answer, pagination, list, isProbe } = facts;
  const ofProxy = maybeOfProxy(outcome, facts);
  if (ofProxy !== undefined) return { do: 'again', costs: 'attempt', reason: ofProxy };
  const leap = isRefusal(outcome, facts) ? (afterRefusedLeap(list) ?? afterRefusedSize(list)) : undefined;
  if (leap) return { do: 'step', step: leap };
  const costs = isProbe ? 'nothing' : 'attempt';
  const dead = deadCursor(outcome, facts);
  if (dead !== undefined)
    // What followed from a checkpoint is asked for from there again. Where it dies again, the checkpoint is no good any more.
    return facts.hasCheckpoint && hasBegunAgain(list)
      ? { do: 'start-over', reason: dead }
      : { do: 'step', step: afterRefusedOverlap(pagination, list) ?? afterDeadCursor(pagination, list, dead) };
  const lost = lostAnswer(outcome, facts);
  if (lost !== undefined) return { do: 'step', step: afterLostAnswer(pagination, list, lost) };
  if (isCheckpointOver(outcome, facts)) return { do: 'start-over', reason: outcome.reason };
  switch (outcome.kind) {
    case 'flawed':
      return { do: 'store', flaw: outcome.reason };
    case 'limited':
      // The key is blocked for every caller now; the limiter says at the next attempt when it opens.
      return { do: 'wait', reason: outcome.reason, afterMs: outcome.afterMs ?? 1_000 };
    case 'retry':
      if (answer.status === 304 && facts.asksForChanges && list.pages === 0)
        return { do: 'step', step: endOfData(pagination, list), isUnchanged: true };
      if (answer.error?.code === 'changed-body') return { do: 'step', step: afterChangedBody(list, outcome.reason) };
      // Interrupted by our own side: the worker ended or the run was cancelled. Nobody's fault, so no attempt.
      if (answer.error?.code === 'cancelled')
        return { do: 'wait', reason: 'the call was interrupted because its worker ended', afterMs: 0 };
      // A cursor that counts, in a form that nobody has given out.
      const isDoubted = hasCursor(list) && answer.status >= 500 && facts.attempts > 0;
      const common = isDoubted ? afterRefusedOverlap(pagination, list) : undefined;
      if (common) return { do: 'step', step: common };
      return {
        do: 'again',
        costs,
        reason: outcome.reason,
        ...(outcome.afterMs === undefined ? {} : { afterMs: outcome.afterMs }),
        ...(isMaybeTooLarge(facts) ? { halves: 'if-possible' } : {}),
      };
    case 'unknown-write':
      return { do: 'again', costs, reason: outcome.reason };
    case 'refresh-auth':
      return afterRefusal(outcome.reason, facts.renewed);
    case 'shrink-page':
      return { do: 'again', costs: 'nothing', reason: outcome.reason, afterMs: null, halves: 'or-end' };
    case 'end-of-data':
      return { do: 'step', step: endOfData(pagination, list) };
    case 'capped':
      return { do: 'step', step: toldCap(pagination, list, outcome.reason) };
    case 'dead-cursor':
      // Of a page that no other one has named.
      return { do: 'end', kind: 'failed', reason: outcome.reason };
    case 'skip':
      return { do: 'end', kind: 'skipped', reason: outcome.reason };
    case 'checkpoint-expired': {
      const meant = meansByItself(answer);
      if (meant) return decide(meant, told);
      return { do: 'end', kind: 'failed', reason: `${outcome.reason} (it was asked from no checkpoint)` };
    }
    case 'permanent':
      return afterPermanent(outcome.cause, outcome.reason, facts);
  }
}

/** A page for people says that there is nothing: a proxy does so, too, whose third party is just being started anew. The second is believed. */
function maybeOfProxy(outcome: Outcome, { answer, attempts, maxAttempts }: Facts): string | undefined {
  if (outcome.kind !== 'permanent' || outcome.cause !== 'gone' || attempts > 0 || maxAttempts < 2) return undefined;
  return isPageForPeople(answer) ? outcome.reason : undefined;
}

/** Whether the third party wants nothing to do with the very page that was asked for. */
function isRefusal(outcome: Outcome, { answer, attempts }: Facts): boolean {
  const { kind } = outcome;
  if (kind === 'retry') return answer.status >= 500 && attempts > 0;
  if (kind === 'permanent') return outcome.cause !== 'auth';
  return kind === 'dead-cursor' || kind === 'skip' || kind === 'end-of-data' || kind === 'capped';
}

/**
 * Why the cursor of an earlier page is dead: the rules say so; or the answer does, by its status or in well-known words. A refusal at a
 * stated cap is that cap. So is one at a round number of items, which does not say why, or comes there for the second time.
 */
function deadCursor(outcome: Outcome, { answer, list, pagination }: Facts): string | undefined {
  if (!hasCursor(list)) return undefined;
  const saysSo = (): boolean => saysCursorIsDead(answer.text);
  switch (outcome.kind) {
    case 'dead-cursor':
      return outcome.reason;
    case 'permanent': {
      const { cause, reason } = outcome;
      if (cause !== 'bug' && cause !== 'gone') return undefined;
      const isSaid = saysSo();
      // Clear words are believed once at a round number: a cap is met at the same place again.
      const isClear = isSaid && typeof pagination.resultCap !== 'number' && !hasBegunAgain(list);
      if (!isClear && refusedAtCap(pagination, list, reason)) return undefined;
      return answer.status === 410 || isSaid ? reason : undefined;
    }
    case 'retry':
      return isErrorUnderSuccess(outcome, answer) && saysSo() ? outcome.reason : undefined;
    default:
      return undefined;
  }
}

/** Why a page that can't be asked for again may have been given out. What is refused, or was never sent, has moved nothing. */
function lostAnswer(outcome: Outcome, { answer, list, pagination }: Facts): string | undefined {
  const mayHaveMoved = outcome.kind === 'retry' || outcome.kind === 'unknown-write';
  if (!mayHaveMoved || answer.error?.isUnsent === true || !isPlaceKept(pagination, list)) return undefined;
  return outcome.reason;
}

/** What the list was asked from is known no more: by the rules, by its status or in well-known words. */
function isCheckpointOver(outcome: Outcome, { answer, hasCheckpoint }: Facts): outcome is Outcome & { reason: string } {
  if (!hasCheckpoint) return false;
  // What a run has kept of an earlier one is a cursor like any other, also to the rule that knows dead ones.
  if (outcome.kind === 'checkpoint-expired' || outcome.kind === 'dead-cursor') return true;
  const isRefusal = outcome.kind === 'permanent' || isErrorUnderSuccess(outcome, answer);
  return isRefusal && (answer.status === 410 || saysCheckpointIsOver(answer.text));
}

function isErrorUnderSuccess(outcome: Outcome, { status, error }: Answer): boolean {
  return outcome.kind === 'retry' && status >= 200 && status < 300 && !error;
}

/** At once for a timeout, the second time for an error of the server: then half the page is asked for, and half of that. */
function isMaybeTooLarge({ answer, attempts, isProbe }: Facts): boolean {
  if (isProbe || attempts >= SIZE_DOUBTED_UNTIL) return false;
  if (answer.error) return TIMEOUTS.has(answer.error.code);
  return (answer.status === 500 || answer.status === 504) && attempts > 0;
}

/**
 * An expired token costs no attempt. A third party that refuses every token ends the unit and no loop: of refusals in a row, only the
 * first one costs nothing.
 */
function afterRefusal(reason: string, renewed: Renewed | undefined): Decision {
  switch (renewed?.state) {
    case undefined:
      return { do: 'again', costs: 'attempt', reason };
    case 'ready':
      return { do: 'again', costs: 'refusal', reason, afterMs: null };
    case 'busy': {
      const { wasNew, isFailed, reason: why, retryAfterMs } = renewed;
      if (isFailed) return { do: 'again', costs: 'attempt', reason: joined(reason, why) };
      if (wasNew) return { do: 'again', costs: 'refusal', reason: joined(reason, why), afterMs: retryAfterMs };
      // Until the token is renewed, or the probe has its permit, the next attempt waits for that and makes no call.
      return { do: 'wait', reason: joined(reason, why), afterMs: retryAfterMs };
    }
    case 'needs-reconnect':
      return { do: 'pause' };
  }
}

/** Some waits repeat what they are for. */
function joined(reason: string, why: string): string {
  return why.includes(reason) ? why : `${reason}; ${why}`;
}

function afterPermanent(cause: PermanentCause, reason: string, facts: Facts): Decision {
  const { pagination, list, policy } = facts;
  // A lane's own first page is behind those of the others.
  const isBehindRows = list.asked.offset > 0 && isNumbered(pagination) && !hasCursor(list);
  const isNothingThere = cause === 'gone' || facts.answer.status === 416;
  const atCap = cause === 'bug' || cause === 'gone' ? refusedAtCap(pagination, list, reason) : undefined;
  if (atCap) return { do: 'step', step: atCap };
  const common = cause === 'bug' || hasCursor(list) ? afterRefusedOverlap(pagination, list) : undefined;
  if (common) return { do: 'step', step: common };
  // Behind the last page of a numbered list there is nothing to be found.
  if (isNothingThere && isBehindRows) return { do: 'step', step: endOfData(pagination, list, true) };
  const isSkipped =
    (cause === 'gone' && policy.notFound === 'skip') || (cause === 'auth' && policy.forbidden === 'skip');
  const hint = cause === 'bug' ? hintOfOverlap(pagination, list) : undefined;
  return { do: 'end', kind: isSkipped ? 'skipped' : 'failed', reason: hint ? `${reason} (${hint})` : reason };
}

function endOfData(pagination: Pagination, list: ListState, isRefused = false): Step {
  return pagination.advance(list, {
    response: undefined,
    headers: {},
    url: '',
    input: undefined,
    itemCount: 0,
    keys: [],
    rowItems: [],
    isEnd: true,
    isRefused,
  });
}
