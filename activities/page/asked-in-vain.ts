/**
 * A list that was asked for what has changed since a time, and brings nothing at all. Not even the row came that the
 * time was taken from, although it was asked from a second before that at least. The third party may not read the time
 * as it is written. Or it has answered a token that is over as if there were no rows. Else that row has been deleted.
 * So the list is read from its beginning, which is right in all these cases.
 * Used by: `store-page.ts`. Next: `activities/sync/apply-decision.ts` forgets the watermark.
 */
import type { Step } from '../../providers/pagination/step.ts';
import type { Attempt } from '../sync/attempt.ts';
import type { ReadPage } from './read-page.ts';
import { isTime } from './watermark.ts';

export function askedInVain(attempt: Attempt, { rows }: ReadPage, next: Step): string | undefined {
  const { unit, node, since, asked } = attempt;
  const { incremental } = node.options;
  const { watermark } = unit;
  const { paginate, job } = node.endpoint;
  if (since === undefined || !incremental || incremental === 'checkpoint' || watermark === null) return undefined;
  // Of a range only one part has that row. Of a list that begins with the newest nothing was asked by time. And a
  // report is dear.
  if (asked.range || paginate.isNewestFirst || job) return undefined;
  if (rows.length > 0 || unit.pages > 0 || next.end?.kind !== 'complete' || !isTime(watermark, incremental))
    return undefined;
  return `asked from ${since} on, it has no row, not even the one of ${watermark}`;
}
