/**
 * A list that follows the names of its pages, and ends with less than half of the rows that it had when it was read last. A third party
 * that leaves out the next name for a moment says nothing else, and all that lies behind would be marked as deleted. So the list is read
 * once more, and what both readings bring is believed. (Lists by number look at their end again by themselves.)
 * Used by: `store-page.ts`.
 */
import { beginAgain, hasBegunAgain } from '../../providers/pagination/dead-cursor.ts';
import { memoryOf } from '../../providers/pagination/loop-guard.ts';
import { isNumbered } from '../../providers/pagination/pagination.ts';
import type { Step } from '../../providers/pagination/step.ts';
import { stateOf, type Attempt } from '../sync/attempt.ts';

/** Of a small list half is soon gone. */
const LEAST_LOST = 20;
const BELIEVED_SHARE = 0.5;

/** @param came rows of the page that were not read before. */
export function readIfShrunken(attempt: Attempt, next: Step, came: number): Step {
  if (!mayHaveMore(attempt, next)) return next;
  const list = stateOf(attempt);
  const known = attempt.unit.knownRows ?? 0;
  const rows = list.rows + came;
  // An empty one is never believed.
  const isShrunken = rows > 0 && known - rows >= LEAST_LOST && rows < BELIEVED_SHARE * known;
  return isShrunken && !hasBegunAgain(list) ? beginAgain(list, memoryOf(next.guard), came) : next;
}

/** It was read from its beginning, as a whole, and no count says that these are all. */
function mayHaveMore({ node, unit, since, job }: Attempt, { end, split, total }: Step): boolean {
  const { paginate } = node.endpoint;
  const { kind, comesInPieces, guards } = paginate;
  if (end?.kind !== 'complete' || split || total !== null || since !== undefined || unit.part !== '') return false;
  if (kind === 'single' || isNumbered(paginate) || comesInPieces || job || !guards['missing-rows']) return false;
  return unit.position?.counted === undefined && unit.position?.behind === undefined;
}
