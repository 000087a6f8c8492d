/** A write that a look-up has not found, and whether that is to be believed. Pure. Used by: `action-call.ts`. */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import type { ActionAnswer } from './action-call.ts';

export const ABSENT: ActionAnswer = {
  outcome: { kind: 'permanent', cause: 'gone', reason: 'the look-up did not find it' },
};

/** An answer that says of itself that rows are missing from it is asked for again: the write may be one of them. */
export function absentIn(action: ActionDefinition, answer: Answer): ActionAnswer {
  const outcome = action.decideAbsence(answer);
  if (outcome.kind === 'ok') return ABSENT;
  return { outcome: { kind: 'retry', reason: `it was not found, and ${outcome.reason}` } };
}
