/**
 * From pages that overlap to whole ones, where a third party turns out not to let them overlap. Pure.
 * Used by: `overlap-walk.ts`, `numbered-walk.ts`, `counted-places.ts`. Next: `page-walk.ts`.
 */
import { frontOf, keptOf, totalAtBegin } from '../list-end.ts';
import { memoryOf, type Memory } from '../loop-guard.ts';
import { placesOf } from '../places.ts';
import { step, type ListState, type Step } from '../step.ts';

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
