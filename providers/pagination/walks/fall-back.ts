/**
 * From pages that overlap to whole ones, where a third party turns out not to let them overlap. A server that looks at
 * the size it is asked for lets them: where a list by page number seems to end behind a full first page, that is tried. Pure.
 * Used by: `overlap-walk.ts`, `numbered-walk.ts`, `counted-places.ts`. Next: `page-walk.ts`.
 */
import { frontOf, keptOf, totalAtBegin } from '../list-end.ts';
import { memoryOf, type Memory } from '../loop-guard.ts';
import { placesOf } from '../places.ts';
import type { Pagination } from '../pagination.ts';
import { step, type ListState, type Step } from '../step.ts';
import { isPageful } from '../told/paging-words.ts';

/**
 * Pages of this server can't overlap. They are read one behind the other, from the last border on.
 * @param reached items that are surely read. Default: up to the border.
 */
export function fallBack(
  at: ListState,
  memory: Memory = memoryOf(at.guard),
  reached?: number,
  size = at.position?.size ?? at.asked.size,
): Step {
  const { position } = at;
  const read = reached ?? (position?.borderAt ?? 0) + (position?.border?.length ?? 0);
  const before = (position?.borderAt ?? 0) + (position?.border?.length ?? 0);
  const guard = {
    ...keptOf(memory),
    ...frontOf(memory),
    ...(read === 0 ? {} : { ...placesOf(memory), readTo: read, ...totalAtBegin(memory) }),
    apart: 1,
    begun: Math.max(before, read),
  };
  const { pass, counted, url } = position ?? {};
  const kept = {
    ...(pass === undefined ? {} : { pass }),
    ...(counted === undefined ? {} : { counted, ...(url === undefined ? {} : { url }) }),
  };
  return step(at, { guard, isReread: true, position: { ...kept, index: Math.floor(read / size), size } });
}

/**
 * A page that should begin with the last row of a full one came blank, and that row is there. The first page is asked for
 * in the size of the blank one: does the server look at sizes at all?
 */
export function trySize(p: Pagination, at: ListState, memory: Memory, facts: Partial<Step>): Step | undefined {
  const { borderAt = 0, border = [], size = at.asked.size } = at.position ?? {};
  const { size: tried } = p.request({ offset: borderAt, size }, size, at.asked.range);
  if (!isPageful(borderAt + border.length) || tried >= size || memory['tried'] !== undefined) return undefined;
  memory['tried'] = tried;
  return step(at, { ...facts, isReread: true, position: { ...at.position, offset: 0, size: tried, backs: 1 } });
}

/** Where it does, the blank page is none of its pages, and is asked for once more. */
export function afterSize(at: ListState, memory: Memory, facts: Partial<Step>, itemCount: number): Step {
  if (itemCount !== at.asked.size) return fallBack(at, memory, undefined, Number(memory['most'] ?? at.asked.size));
  memory['honoured'] = 1;
  const { backs: _, ...position } = at.position ?? {};
  return step(at, { ...facts, isReread: true, position: { ...position, offset: position.borderAt ?? 0 } });
}
