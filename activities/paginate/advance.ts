/**
 * Where a list goes after one page: the next position, more lanes, or a typed end. Pure: definition, position and answer
 * in, facts out. Next stop: `numbered.ts`, `overlap.ts` and `follow-token.ts` have the kinds; then `db/stores/sync/unit-store.ts`
 * stores the step together with the rows.
 */
import type { Pagination } from '../../providers/pagination/pagination.ts';
import { followToken } from './follow-token.ts';
import { nextNumbered } from './numbered.ts';
import { nextOverlapping } from './overlap.ts';
import { step, type PageAnswer, type Standing, type Step } from './step.ts';

/** The step after a page. */
export function advance(pagination: Pagination<unknown, unknown>, at: Standing, page: PageAnswer): Step {
  switch (pagination.kind) {
    case 'single':
      return step(at, { end: { kind: 'complete' } });
    case 'cursor':
    case 'link':
      return followToken(pagination, at, page);
    case 'page':
    case 'offset':
      return pagination.overlap > 0 ? nextOverlapping(pagination, at, page) : nextNumbered(pagination, at, page);
  }
}
