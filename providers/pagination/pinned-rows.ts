/**
 * Rows that stand at the beginning of each page, whatever page it is: pinned ones. They have no place in the list, are known from the first page,
 * and a page of them alone is one without rows. Pure. Used by: `walks/overlap-walk.ts`, `walks/page-walk.ts`.
 */
import { nameOf, type Memory } from './loop-guard.ts';
import type { PageAnswer, Step } from './step.ts';

/**
 * Rows of the first page that are remembered, for one that comes later to be known as pinned. Where all of them come
 * again it is the first page itself.
 */
const FRONT_ROWS = 4;

export interface Unpinned {
  /** The page without its pinned rows. */
  readonly page: PageAnswer;
  readonly pins: number;
}

/** To be called for the first page of a reading. */
export function noteFront(memory: Memory, keys: readonly string[]): void {
  memory['front'] = keys.slice(0, FRONT_ROWS).map(nameOf).join('\n');
}

/** @param page behind the first one. */
export function withoutPins(memory: Memory, page: PageAnswer): Unpinned {
  const front = String(memory['front'] ?? '').split('\n');
  const { keys } = page;
  let pins = 0;
  while (pins < keys.length && pins < front.length && nameOf(keys[pins] as string) === front[pins]) pins++;
  // A page of them alone may be the first page again, too, where no other one has shown which they are.
  if (pins === 0 || pins === FRONT_ROWS || (pins === keys.length && pins !== memory['pins'])) return { page, pins: 0 };
  memory['pins'] = pins;
  const [itemCount, rowItems] = [page.itemCount - pins, page.rowItems.slice(pins)];
  return { page: { ...page, itemCount, rowItems, keys: keys.slice(pins) }, pins };
}

/** The step after such a page: pinned rows are known, and stored again, which shows others that have their keys. */
export function behindPins(next: Step, pins: number): Step {
  if (pins === 0) return next;
  const known = next.skip + pins;
  return next.isReread ? { ...next, skip: known } : { ...next, skip: 0, known: next.known + known };
}
