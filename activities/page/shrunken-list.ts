/**
 * A list that ends with less than half of the rows that it had. A third party that leaves out the next name for a moment, or says for a
 * moment that nothing follows, says nothing else, and all that lies behind would be marked as deleted. So the list is read once more, and
 * what both readings bring is believed. (Lanes ask behind its end, and its total is the same for all.)
 * Used by: `store-page.ts`. Next: `db/functions/pages/is-shrunken.sql` knows how many rows it had.
 */
import type { IfShrunken } from '../../contracts/list.ts';
import { beginAgain, hasBegunAgain } from '../../providers/pagination/dead-cursor.ts';
import { againFrom } from '../../providers/pagination/list-end.ts';
import { memoryOf } from '../../providers/pagination/loop-guard.ts';
import { isNumbered } from '../../providers/pagination/pagination.ts';
import type { Step } from '../../providers/pagination/step.ts';
import { stateOf, type Attempt } from '../sync/attempt.ts';

/** Of a small list half is soon gone. */
const LEAST_LOST = 20;
const BELIEVED_SHARE = 0.5;

/**
 * @param came items of the page that were not read before.
 * @returns when it is read again, and what is remembered then; null where a few rows show nothing.
 */
export function ifShrunken(attempt: Attempt, next: Step, came: number): IfShrunken | null {
  if (!mayHaveMore(attempt, next)) return null;
  const list = stateOf(attempt);
  const { paginate } = attempt.node.endpoint;
  if (hasBegunAgain(list) || list.position?.pass !== undefined) return null;
  const guard = memoryOf(next.guard);
  const again = isNumbered(paginate) ? againFrom(paginate, list, guard) : beginAgain(list, guard, came);
  if (!again) return null;
  return {
    least: LEAST_LOST,
    share: BELIEVED_SHARE,
    ofMembers: attempt.node.options.deletions === 'full-pass',
    position: again.position,
    guard: again.guard,
  };
}

/** It was read from its beginning, as a whole, and no count says that these are all. Whether an empty one is believed says its node. */
function mayHaveMore({ node, unit, since, job }: Attempt, { end, split, total }: Step): boolean {
  const { paginate } = node.endpoint;
  const { kind, comesInPieces, guards } = paginate;
  if (end?.kind !== 'complete' || split || total !== null || since !== undefined || unit.part !== '') return false;
  if (kind === 'single' || unit.isLaned || comesInPieces || job || !guards['missing-rows']) return false;
  return unit.position?.behind === undefined;
}
