/**
 * A list that was asked for what has changed, and brings nothing at all. Since a time: not even the row came that the
 * time was taken from, although it was asked from a second before that at least. The third party may not read the time
 * as it is written. Or it has answered a token that is over as if there were no rows. Else that row has been deleted.
 * From a checkpoint: it has no row, and no checkpoint for the next run, which all answers to one have. So the list is
 * read from its beginning, which is right in all these cases.
 * Used by: `store-page.ts`. Next: `activities/sync/apply-decision.ts` forgets what it was asked from.
 */
import type { KeptState } from '../../contracts/list.ts';
import type { Step } from '../../providers/pagination/step.ts';
import { looksIntoList } from '../../providers/pagination/told/looks-into-list.ts';
import type { Attempt } from '../sync/attempt.ts';
import type { ReadPage } from './read-page.ts';
import { isTime } from './watermark.ts';

/**
 * @param facts what a function of the definition is told of the answer.
 * @returns why, for people; undefined where it was not.
 */
export function askedInVain(
  attempt: Attempt,
  { rows, response }: ReadPage,
  next: Step,
  kept: KeptState | null,
  facts: { readonly headers: Readonly<Record<string, string>>; readonly url: string },
): string | undefined {
  const { unit, node, since, asked, input } = attempt;
  const { incremental } = node.options;
  const { watermark } = unit;
  const { paginate, job } = node.endpoint;
  if (since === undefined || !incremental) return undefined;
  // Of a range only one part has that row. Of a list that begins with the newest nothing was asked by time. And a
  // report is dear.
  if (asked.range || paginate.isNewestFirst || job) return undefined;
  if (rows.length > 0 || unit.pages > 0 || next.end?.kind !== 'complete') return undefined;
  if (incremental === 'checkpoint') {
    const { checkpoint } = paginate;
    // A checkpoint that is taken from the last row can't come without one.
    const isOfRows = (): boolean =>
      checkpoint !== undefined && looksIntoList((body) => checkpoint(body, { ...facts, input }), response);
    if (kept?.checkpoint !== undefined || isOfRows()) return undefined;
    return 'asked from a checkpoint, it has no row, and no checkpoint to go on from';
  }
  if (watermark === null || !isTime(watermark, incremental)) return undefined;
  return `asked from ${since} on, it has no row, not even the one of ${watermark}`;
}
