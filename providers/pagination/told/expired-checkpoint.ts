/**
 * A good answer that a rule takes for "the checkpoint is not known any more", to a list that was asked from none. An
 * example is `full_sync: true` of all there is. It says nothing there, and means what it says by itself. Pure. Used by:
 * `activities/sync/decide.ts`.
 */
import type { Answer } from '../../../contracts/answers/answer.ts';
import type { Outcome } from '../../../contracts/answers/outcome.ts';
import { defaultOutcome } from '../../rules/default-rules.ts';

/** @returns undefined for one that is no good answer: then the list can't be read. */
export function meansByItself(answer: Answer): Outcome | undefined {
  return answer.status >= 200 && answer.status < 300 ? defaultOutcome(answer, { isList: true }) : undefined;
}
