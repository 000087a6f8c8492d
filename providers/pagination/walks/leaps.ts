/**
 * A third party that gives fewer rows than were asked for, and names the next page by what was asked for: 50 rows for 100, and then
 * `offset=100`. Either it keeps the other fifty to itself, or it filters what it has cut. The row in between is asked for: where it
 * was filtered, the page that begins there has the last row of the first page. So it is in a second reading, too. Pure.
 * Used by: `token-walk.ts`, `activities/sync/decide.ts`. Next: `counted-places.ts`.
 */
import { hasBegunAgain } from '../dead-cursor.ts';
import { memoryOf, nameOf, indexOfName } from '../loop-guard.ts';
import type { Pagination } from '../pagination.ts';
import { step, type ListState, type PageAnswer, type Step } from '../step.ts';
import { countOf } from '../told/counting.ts';

/** Of what is filtered rarely so many are left: 10, 20, 25, 30, 50. */
const ROUND = [10, 25];
/** So many rows may have come in meanwhile. */
const FEW = 2;

/** @returns the step to the row behind the first page, where its next one begins farther behind. */
export function leapsOver(p: Pagination, at: ListState, page: PageAnswer, token: string | undefined): Step | undefined {
  const { itemCount, keys } = page;
  const { size } = at.asked;
  const isFirst = at.position === null && p.behind === undefined && p.guards['moved-rows'];
  const isCut = itemCount < size && ROUND.some((one) => itemCount % one === 0);
  // A row's own number counts nothing.
  if (!isFirst || !isCut || token === undefined || keys.length === 0 || keys.at(-1) === String(size)) return undefined;
  // As if all that were asked for had come.
  const counted = countOf({ ...page, itemCount: size }, token);
  if (counted?.by !== 'offset' || counted.first !== 0) return undefined;
  const guard = { ...memoryOf(at.guard), leap: token, tail: nameOf(keys.at(-1) as string), most: keys.length };
  const url = p.kind === 'link' ? { url: token } : {};
  return step(at, {
    guard,
    isReread: hasBegunAgain(at),
    position: { counted: { ...counted, step: size }, offset: itemCount, ...url },
  });
}

/** @returns the step to the page that was named, where what was leapt over is filtered, or nothing is there. */
export function afterLeap(at: ListState, { keys }: PageAnswer): Step | undefined {
  const tail = at.guard?.['tail'];
  // In a list that has moved by a row or two the last row comes again as well.
  const isFiltered = keys.length === 0 || indexOfName(keys, tail) > FEW;
  return isFiltered ? afterRefusedLeap(at) : undefined;
}

/** The same where the third party refuses a place that it has not named. */
export function afterRefusedLeap(at: ListState): Step | undefined {
  const { leap } = memoryOf(at.guard);
  if (leap === undefined) return undefined;
  const name = at.position?.url === undefined ? { cursor: String(leap) } : { url: String(leap) };
  return step(at, { guard: memoryOf(withoutLeap(at).guard), isReread: true, position: name });
}

/** The list, without what was leapt over: it is looked at once. */
export function withoutLeap(at: ListState): ListState {
  if (at.guard?.['leap'] === undefined) return at;
  const { leap: _, ...guard } = at.guard;
  return { ...at, guard };
}
