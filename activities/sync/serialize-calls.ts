/**
 * Calls of one list that were asked for at once are made one after another, and answered together. Next: `fetch-page.ts`.
 */
import type { PageFact } from '../../contracts/messages.ts';
import type { CallPlaces } from '../call/call-places.ts';

export interface Turns {
  /**
   * Makes a unit's call when those before it have ended and one of the role's places is free. Answers when those that
   * came meanwhile have ended too.
   */
  inTurn(unit: number, role: string, call: () => Promise<PageFact>): Promise<PageFact>;
  /**
   * How many calls of a list may be asked for at once. Asked while a call of it is being made: where calls are slow there is nothing to
   * gain.
   * @param pages that it has: a short list would mostly be asked for more than it has.
   */
  ahead(unit: number, pages: number): number;
}

/** Steps inside workflow tasks for each call at once: those that were asked for ahead wait for their turn. */
export const STEPS_FOR_EACH_CALL = 4;

const MOST_AHEAD = 16;
/** At most a quarter of a list's calls are asked for in vain. */
const PAGES_FOR_EACH = 4;
/** So long at most, in milliseconds, until the workflow hears of them. */
const LONGEST_MS = 1_000;

/** @param now milliseconds. */
export function createTurns(places: CallPlaces, now: () => number = () => performance.now()): Turns {
  /** The end of the newest call of each unit, whatever it was. */
  const ends = new Map<number, Promise<void>>();
  const begun = new Map<number, number>();
  return {
    async inTurn(unit, role, call) {
      const admitted = async (): Promise<PageFact> => {
        const giveBack = await places.wait(role);
        begun.set(unit, now());
        try {
          return await call();
        } finally {
          giveBack();
        }
      };
      const made = (ends.get(unit) ?? Promise.resolve()).then(admitted);
      const end = made.then(
        () => {},
        () => {},
      );
      ends.set(unit, end);
      await end;
      for (let seen = end, last = ends.get(unit); last && last !== seen; last = ends.get(unit)) await (seen = last);
      ends.delete(unit);
      begun.delete(unit);
      return made;
    },
    ahead(unit, pages) {
      // With the page before, which it waited for.
      const tookMs = now() - (begun.get(unit) ?? -Infinity);
      const most = Math.min(
        MOST_AHEAD,
        pages / PAGES_FOR_EACH,
        LONGEST_MS / Math.max(1, tookMs),
        (places.count() * STEPS_FOR_EACH_CALL) / Math.max(1, ends.size),
      );
      return Math.max(1, Math.floor(most));
    },
  };
}
