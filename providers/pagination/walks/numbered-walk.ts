/**
 * Which way a list by page number or offset is walked: by several lanes, in order with pages that overlap, or page after page. Pure.
 * Used by: `providers/pagination/kinds/page.ts`, `providers/pagination/kinds/offset.ts`.
 */
import { nextOfLane, startLanes } from './lane-walk.ts';
import { overlaps } from '../list-end.ts';
import { memoryOf } from '../loop-guard.ts';
import { fallBack } from './fall-back.ts';
import { nextOverlapping } from './overlap-walk.ts';
import { behindRefusedRest, nextPage } from './page-walk.ts';
import { isNumbered, type Pagination } from '../pagination.ts';
import { FRONT_IS_GONE, step, type ListState, type PageAnswer, type Step } from '../step.ts';

export function nextNumbered(p: Pagination, at: ListState, page: PageAnswer): Step {
  // Another reading, or a look at the front: a token that has died meanwhile is answered so, page for page.
  const hadRows = at.rows > 0 || at.position?.pass !== undefined;
  if (!at.isLaned && hadRows && at.asked.offset === 0 && page.itemCount === 0) return step(at, { end: FRONT_IS_GONE });
  if (at.isLaned) return nextOfLane(p, at, page);
  if (at.position !== null)
    return at.position.offset === undefined ? nextPage(p, at, page) : nextOverlapping(p, at, page);
  const lanes = p.lanes > 1 && !page.isEnd ? startLanes(p, at, page) : undefined;
  if (lanes) return lanes;
  return p.overlap > 0 && overlaps(p, at, memoryOf(at.guard)) ? nextOverlapping(p, at, page) : nextPage(p, at, page);
}

/**
 * A refusal of a page that was asked for so that it overlaps the one before. It was in an uncommon size, or from an
 * offset that is no multiple of it. From there on common pages are asked for.
 */
export function afterRefusedOverlap(p: Pagination, at: ListState): Step | undefined {
  if (!isNumbered(p) || at.pages === 0) return undefined;
  return at.position?.offset === undefined ? behindRefusedRest(at) : fallBack(at);
}

/** What to say where lanes, whose pages overlap as well, are refused. Undefined where that can't be why. */
export function hintOfOverlap(p: Pagination, { isLaned, asked }: ListState): string | undefined {
  if (!isLaned || p.kind !== 'offset' || p.overlap === 0 || asked.offset % asked.size === 0) return undefined;
  return 'pages overlap by a row; where the third party takes no offset that is not a multiple of the limit, say `overlap: 0`';
}
