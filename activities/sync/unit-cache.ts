/**
 * How units stand, remembered by this process from one page to the next. So a list walked page after page is not read
 * from the database before each of its calls. What is remembered counts only for the very page that the workflow asks
 * for: whoever else has moved the unit meanwhile told the workflow so.
 *
 * A page may be stored behind its answer (write-behind), while the workflow asks for the next one. That call is sent
 * only when the page is stored, so that a kill costs one call and not two. Next: `fetch-page.ts`.
 */
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import { createEndpointNotes, type EndpointNotes } from '../page/endpoint-facts.ts';
import { createNewRows, type NewRows } from '../page/insert-hint.ts';
import { createResultMemory, type ResultMemory } from '../job/result-memory.ts';
import { createCallPlaces, type CallPlaces } from '../call/call-places.ts';
import { createTurns, type Turns } from './serialize-calls.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';

export interface UnitMemory {
  readonly newRows: NewRows;
  readonly endpoints: EndpointNotes;
  readonly turns: Turns;
  /** Where results of jobs are read: addresses that let anybody in are kept nowhere else. */
  readonly results: ResultMemory;
  /** Keeps how a unit stands after a page; it was read from the database at `readAt` (`performance.now()`). */
  remember(unit: number, standing: LoadedUnit, readAt: number): void;
  /** What is remembered of a unit that has `pages` pages, once; undefined when it must be read. */
  take(unit: number, pages: number | undefined): Remembered | undefined;
  /** Takes a page of the unit that is still being stored, though its call has been answered. */
  storeBehind(unit: number, runId: string, storing: Promise<unknown>): void;
  /** Waits for such a page. @throws what became of it when it could not be stored. */
  stored(unit: number): Promise<void>;
  /** Waits for all of them, or for those of a run, whatever becomes of them. */
  settled(runId?: string): Promise<void>;
}

export interface Remembered {
  readonly standing: LoadedUnit;
  readonly readAt: number;
}

/** Parents' rows, page sizes and watermarks that others change are seen after this long, in milliseconds. */
const LONGEST_MS = 5_000;
/** Units at most; the oldest are forgotten first. */
const MOST_UNITS = 1_000;

/** @param places of the calls inside workflow tasks. Default 200 of each role. */
export function createUnitMemory(
  places: CallPlaces = createCallPlaces(200),
  now: () => number = () => performance.now(),
): UnitMemory {
  const units = new Map<number, Remembered>();
  const storing = new Map<number, { readonly runId: string; readonly page: Promise<unknown> }>();
  return {
    newRows: createNewRows(),
    endpoints: createEndpointNotes(),
    turns: createTurns(places, now),
    results: createResultMemory(now),
    remember(unit, standing, readAt) {
      keepLatest(units, unit, { standing, readAt }, MOST_UNITS);
    },
    take(unit, pages) {
      const found = units.get(unit);
      units.delete(unit);
      if (!found || found.standing.pages !== pages || now() - found.readAt > LONGEST_MS) return undefined;
      return found;
    },
    storeBehind(unit, runId, page) {
      storing.set(unit, { runId, page });
      // A failure is kept for the unit's next call, which is made durably then: to go on would repeat this page for ever.
      page.then(
        () => storing.delete(unit),
        () => {
          if (storing.size > MOST_UNITS) storing.delete(storing.keys().next().value as number);
        },
      );
    },
    async stored(unit) {
      try {
        await storing.get(unit)?.page;
      } finally {
        storing.delete(unit);
      }
    },
    async settled(runId) {
      const wanted = [...storing.values()].filter((each) => runId === undefined || each.runId === runId);
      await Promise.allSettled(wanted.map(({ page }) => page));
    },
  };
}
