/** A delete that is sent once more because nobody knows what became of it. Pure. Used by: `action-call.ts`. */
import type { Answer, RequestSpec } from '../../contracts/answers/answer.ts';
import { isPageForPeople } from '../../contracts/answers/page-for-people.ts';
import type { Outcome } from '../../contracts/answers/outcome.ts';
import type { ActionAnswer, ActionCall } from './action-call.ts';

/** A delete whose answer was lost, and whose repeat finds nothing to delete, is done. @returns undefined when it is none. */
export function deletedBefore(
  { action, step, kind }: ActionCall,
  { method }: RequestSpec,
  answer: Answer,
  outcome: Outcome,
): ActionAnswer | undefined {
  const isGone = outcome.kind === 'permanent' && outcome.cause === 'gone' && !isPageForPeople(answer);
  // Also one that a look-up did not find: that it is not there is what was wanted. One that was only ever refused has deleted nothing.
  const isRepeat = step.state === 'unknown' || step.wasUnknown;
  if (kind !== 'write' || method !== 'DELETE' || !isRepeat || !isGone) return undefined;
  try {
    return { outcome: { kind: 'ok' }, output: action.parseOutput(null) };
  } catch {
    // Its output is more than that it is gone: a person gives it.
    return undefined;
  }
}
