/**
 * How units stand, remembered by this process from one page to the next, so that a list walked page after page is not read
 * from the database before each of its calls. What is remembered counts only for the very page that the workflow asks
 * for: whoever else has moved the unit meanwhile told the workflow so. Next stop: `fetch-page.ts`.
 */
import type { LoadedUnit } from '../db/unit-store.ts';
import { createNewRows, type NewRows } from './new-rows.ts';

export interface UnitMemory {
  readonly newRows: NewRows;
  /** Keeps how a unit stands after a page; it was read from the database at `readAt` (`performance.now()`). */
  remember(unit: number, standing: LoadedUnit, readAt: number): void;
  /** What is remembered of a unit that has `pages` pages, once; undefined when it must be read. */
  take(unit: number, pages: number | undefined): Remembered | undefined;
}

export interface Remembered {
  readonly standing: LoadedUnit;
  readonly readAt: number;
}

/** Parents' rows, page sizes and watermarks that others change are seen after this long, in milliseconds. */
const LONGEST_MS = 5_000;
/** Units at most; the oldest are forgotten first. */
const MOST_UNITS = 1_000;

export function createUnitMemory(now: () => number = () => performance.now()): UnitMemory {
  const units = new Map<number, Remembered>();
  return {
    newRows: createNewRows(),
    remember(unit, standing, readAt) {
      units.delete(unit);
      units.set(unit, { standing, readAt });
      if (units.size > MOST_UNITS) units.delete(units.keys().next().value as number);
    },
    take(unit, pages) {
      const found = units.get(unit);
      units.delete(unit);
      if (!found || found.standing.pages !== pages || now() - found.readAt > LONGEST_MS) return undefined;
      return found;
    },
  };
}
