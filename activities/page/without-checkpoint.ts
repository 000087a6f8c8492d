/**
 * A list that is asked for what has changed since a checkpoint, and brings rows but no checkpoint for the next run. All answers
 * to one have it, on their last page at the latest. So that page has not come: the page before has left out its name. The old
 * checkpoint stays, and the next run asks from it again.
 * Used by: `store-page.ts`. Where no row comes, the list is read anew: `activities/page/asked-in-vain.ts`.
 */
import type { KeptState } from '../../contracts/list.ts';
import type { ListEnd, Step } from '../../providers/pagination/step.ts';
import type { Attempt } from '../sync/attempt.ts';

/** Remembers that a page of this reading has brought one. */
export function noteCheckpoint(next: Step, kept: KeptState | null): Step {
  return kept?.checkpoint === undefined ? next : { ...next, guard: { ...next.guard, checkpoint: 1 } };
}

/** @param came rows of the page. @returns the end of a list that would end here as complete. */
export function endWithoutCheckpoint(
  { node, unit, since }: Attempt,
  { end, guard, split }: Step,
  came: number,
): ListEnd | undefined {
  const { name, paginate } = node.endpoint;
  if (end?.kind !== 'complete' || split || since === undefined || node.options.incremental !== 'checkpoint')
    return undefined;
  const isWhole = !unit.isLaned && unit.part === '';
  if (!isWhole || unit.rows + came === 0 || guard['checkpoint'] || !paginate.guards['more-told']) return undefined;
  const reason =
    `"${name}" was asked for what has changed since a checkpoint, and ends without one for the next run: its last page has not come. ` +
    "Where that is no sign of it, say `guards: { 'more-told': false }`";
  return { kind: 'truncated', reason };
}
