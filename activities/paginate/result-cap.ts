/**
 * Third parties stop after so many results, often without a word. What to do then: ask for the two halves of the range,
 * where the endpoint offers one, else end as `capped`. Pure. Next stop: `db/stores/sync/unit-store.ts` opens the halves as parts of
 * the same list.
 */
import type { Pagination } from '../../providers/pagination/pagination.ts';
import type { Range } from '../../providers/pagination/range.ts';
import { cellOf } from './page-request.ts';
import { step, type Standing, type Step } from './step.ts';

/** Sizes at which third parties like to stop without saying so. */
const COMMON_CAPS = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/** Do exactly so many items lie before a cap? */
export function isAtCap({ resultCap, guards }: Pagination<unknown, unknown>, items: number): boolean {
  if (resultCap === false || !guards['result-cap']) return false;
  return resultCap === 'common' ? COMMON_CAPS.includes(items) : items >= resultCap;
}

/** Does the third party count more than it will ever give? */
export function isTooLong({ resultCap, guards }: Pagination<unknown, unknown>, total: number | undefined): boolean {
  return typeof resultCap === 'number' && guards['result-cap'] && total !== undefined && total > resultCap;
}

/** The end of a list at its cap: split where that is possible, else told. */
export function cappedEnd(
  pagination: Pagination<unknown, unknown>,
  range: Range | undefined,
  evidence: string,
): Pick<Step, 'end' | 'split'> {
  const split = range && pagination.range?.split(range);
  if (split) {
    const [low, high] = split;
    const parts = `${low.from} … ${low.to} and ${high.from} … ${high.to}`;
    return { end: { kind: 'complete', reason: `${evidence}: split into ${parts}` }, split };
  }
  return { end: { kind: 'capped', reason: `${evidence}: probably the third party's cap, not the end` }, split: null };
}

/**
 * The step after a refusal that may be the cap's. Lanes run ahead, so one may be refused some pages behind it.
 * @returns undefined when nothing speaks for a cap.
 */
export function refusedAtCap(pagination: Pagination<unknown, unknown>, at: Standing, reason: string): Step | undefined {
  const isNumbered = pagination.kind === 'page' || pagination.kind === 'offset';
  const items = isNumbered ? at.asked.offset : at.items;
  const { index, grid } = cellOf(at.position, at.asked.size);
  const ahead = at.isLaned ? pagination.lanes * grid : 1;
  const caps = pagination.resultCap === 'common' ? COMMON_CAPS : [pagination.resultCap || Number.NaN];
  const isNear = (cap: number) => (cap <= items ? items - cap < ahead : isNumbered && cap < items + at.asked.size); // or the page would reach over it
  const cap = caps.findLast(isNear);
  if (items === 0 || cap === undefined || !pagination.guards['result-cap']) return undefined;
  const end = cappedEnd(pagination, at.asked.range, `refused behind ${cap} items (${reason})`);
  return step(at, { ...end, ...(at.isLaned ? { move: { ...quiet, index, endAt: Math.ceil(cap / grid) } } : {}) });
}

const quiet = { hasRows: false, isCellDone: false, blankAt: null, plannedEnd: null, isTotalWrong: false };
