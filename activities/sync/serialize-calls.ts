/**
 * Calls of one list that were asked for at once are made one after another, and answered together. Next: `fetch-page.ts`.
 */
import type { PageFact } from '../../contracts/messages.ts';

export interface Turns {
  /** Makes a unit's call when those before it have ended, and answers when those that came meanwhile have ended too. */
  inTurn(unit: number, call: () => Promise<PageFact>): Promise<PageFact>;
  /**
   * How many calls of a list may be asked for at once.
   * @param pages that it has: a short list would mostly be asked for more than it has.
   * @param elapsedMs of its last call: where calls are slow there is nothing to gain.
   */
  ahead(pages: number, elapsedMs: number): number;
}

const MOST_AHEAD = 8;
/** At most a quarter of a list's calls are asked for in vain. */
const PAGES_FOR_EACH = 4;
/** So long at most, in milliseconds, until the workflow hears of them. */
const LONGEST_MS = 400;

/** @param slots steps that the process takes at once; calls that were asked for ahead hold one each. */
export function createTurns(slots: number): Turns {
  /** The end of the newest call of each unit, whatever it was. */
  const ends = new Map<number, Promise<void>>();
  return {
    async inTurn(unit, call) {
      const made = (ends.get(unit) ?? Promise.resolve()).then(call);
      const end = made.then(
        () => {},
        () => {},
      );
      ends.set(unit, end);
      await end;
      for (let seen = end, last = ends.get(unit); last && last !== seen; last = ends.get(unit)) await (seen = last);
      ends.delete(unit);
      return made;
    },
    ahead(pages, elapsedMs) {
      const most = Math.min(
        MOST_AHEAD,
        pages / PAGES_FOR_EACH,
        LONGEST_MS / Math.max(1, elapsedMs),
        slots / Math.max(1, ends.size),
      );
      return Math.max(1, Math.floor(most));
    },
  };
}
