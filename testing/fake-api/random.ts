/**
 * Random numbers that repeat: the same seed gives the same run, so a failing seed can be played again.
 * Next: `server.ts` draws from it.
 */

/** Draws the next number, 0 ≤ n < 1. */
export type Random = () => number;

/** A generator of its own for one seed (mulberry32: 32 bits of state, period 2³²). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One of a list that is not empty. @throws TypeError when it is. */
export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new TypeError('pick: expected a list with at least one entry, got an empty one');
  return chosen;
}

/** Milliseconds of a fixed delay or of a range, drawn evenly. */
export function drawMs(random: Random, delayMs: number | readonly [min: number, max: number]): number {
  if (typeof delayMs === 'number') return delayMs;
  return delayMs[0] + random() * (delayMs[1] - delayMs[0]);
}
