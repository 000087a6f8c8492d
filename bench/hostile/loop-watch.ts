/**
 * How long the event loop is held up at most, in milliseconds of this thread's processor time: on a busy machine the clock on the wall
 * tells more of the others than of us. Where the system does not tell (it is Linux that does), by the clock. Used by `matrix.ts`.
 */
import { readFileSync } from 'node:fs';

const EVERY_MS = 5;

export interface LoopWatch {
  /** @returns the longest block. */
  end(): number;
}

export function watchLoop(): LoopWatch {
  let longestMs = 0;
  let last = usedMs();
  const timer = setInterval(() => {
    const now = usedMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  }, EVERY_MS);
  return {
    end: () => {
      clearInterval(timer);
      return longestMs;
    },
  };
}

/** Of the main thread: first number of its `schedstat`, nanoseconds on a processor. */
function usedMs(): number {
  try {
    return Number(readFileSync(`/proc/${process.pid}/task/${process.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    return performance.now();
  }
}
