/**
 * What follows from the answer to the call for a page: it is stored, or the list waits, asks again or ends.
 * Used by: `call-once.ts`, and by `fetch-page.ts` for rows that need no call. Next: `decide.ts`, then
 * `activities/page/store-page.ts` or `apply-decision.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { PageFact } from '../../contracts/messages.ts';
import type { MadeCall } from '../call/make-call.ts';
import { riddleOf } from '../bodies/parse-body.ts';
import { again, applyDecision } from './apply-decision.ts';
import { callsOf, stateOf, type Attempt } from './attempt.ts';
import { decide, type Decision, type Facts } from './decide.ts';
import { afterLostAnswer, isPlaceKept } from '../../providers/pagination/dead-cursor.ts';
import { NotUnderstood } from '../page/read-page.ts';
import { storePage, storeStep, type CameAnswer } from '../page/store-page.ts';
import { logThrown, UserCodeError } from './user-code.ts';

/** What a list was asked from whose answer says that nothing has changed. */
const UNCHANGED = 'unchanged';

export async function settle(
  attempt: Attempt,
  made: MadeCall,
  facts: Pick<Facts, 'isProbe' | 'asksForChanges'>,
  wantsDurable: boolean,
): Promise<PageFact> {
  const { answer, url, rest } = made;
  const decision = decisionOn(attempt, made, facts);
  switch (decision.do) {
    case 'store':
      return storeAnswer(attempt, { answer, url, soFar: rest?.soFar }, decision.flaw, wantsDurable);
    case 'step':
      // Nothing came because nothing has changed: what is known stays, and is visited.
      return storeStep(
        decision.isUnchanged ? { ...attempt, since: attempt.since ?? UNCHANGED } : attempt,
        decision.step,
        wantsDurable,
      );
    default:
      return applyDecision(attempt, decision, callsOf(attempt));
  }
}

/** What follows from an answer, by the rules alone. */
export function decisionOn(
  attempt: Attempt,
  { outcome, answer, renewed }: MadeCall,
  facts: Pick<Facts, 'isProbe' | 'asksForChanges'>,
): Decision {
  const { sync, node, unit } = attempt;
  return decide(outcome, {
    answer,
    renewed,
    pagination: node.endpoint.paginate,
    list: stateOf(attempt),
    policy: sync.policyOf(node.name, unit.parentKey),
    attempts: unit.attempts,
    maxAttempts: sync.provider.maxAttempts,
    hasCheckpoint: node.options.incremental === 'checkpoint' && attempt.since !== undefined,
    ...facts,
  });
}

/** Stores an answer that the rules have accepted. */
export async function storeAnswer(
  attempt: Attempt,
  came: CameAnswer,
  flaw: string | undefined,
  wantsDurable: boolean,
): Promise<PageFact> {
  const { answer } = came;
  try {
    return await storePage(attempt, came, flaw, wantsDurable);
  } catch (error) {
    if (!(error instanceof NotUnderstood || error instanceof UserCodeError)) throw error;
    return notUnderstood(attempt, answer, error, flaw);
  }
}

/** An answer that can't be understood, or that the definition's own functions can't, costs an attempt; the same again is the last. */
export function notUnderstood(
  attempt: Attempt,
  answer: Answer,
  error: NotUnderstood | UserCodeError,
  flaw: string | undefined,
): Promise<PageFact> {
  if (error instanceof UserCodeError) logThrown(attempt, error.cause, error.message);
  const reason = flaw === undefined ? error.message : `${error.message}; ${flaw}`;
  const { paginate } = attempt.node.endpoint;
  const state = stateOf(attempt);
  if (isPlaceKept(paginate, state)) return storeStep(attempt, afterLostAnswer(paginate, state, reason), false);
  // 202: it is being made, and may be there at the next call.
  const riddle = answer.status === 202 ? {} : { riddle: riddleOf(answer) };
  const { pages, attempts } = attempt.unit;
  return again(attempt, pages, attempts, { do: 'again', costs: 'attempt', reason, ...riddle }, callsOf(attempt));
}
