/**
 * Steps of a list that is the result of a job, in one part or several. Each part is a list by itself, and the next one
 * follows its end. Pure. Used by: `activities/page/store-page.ts`.
 */
import { step, type ListState, type Step } from '../step.ts';

/** @param parts number of results. @param next what the list that the part is would do. */
export function inParts(at: ListState, parts: number, next: Step): Step {
  const part = at.position?.part ?? 0;
  const isReread = next.isReread || at.guard?.['begunAgain'] === 1;
  if (next.end?.kind !== 'complete' || part + 1 >= parts)
    return { ...next, isReread, position: next.position && { ...next.position, part } };
  const { begunAgain } = at.guard ?? {};
  const { gone } = next.guard;
  // What the part was called by means nothing in the next one; the rows that are gone are among those that the whole job counts.
  return step(at, {
    position: { part: part + 1 },
    guard: { ...(begunAgain === undefined ? {} : { begunAgain }), ...(gone === undefined ? {} : { gone }) },
    isReread,
  });
}
