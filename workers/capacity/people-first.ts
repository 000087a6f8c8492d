/**
 * Fewer calls of lists at once while people wait for runs. All roles of a process share its loop: a step of a person's run stands behind
 * what is under way for lists. Nobody is held back while the loop has time, nor where no person's run has come for a minute.
 * Used by: `workers/create-worker.ts`.
 */
import type { createActivities } from '../../activities/index.ts';

export interface PeopleFirst {
  /** The same activities; each call of them is a step of a run that a person waits for, but for canaries, which come all the time. */
  noting(activities: Steps): Steps;
  /** How many calls of a role may be under way at once: Infinity where nobody has to be let pass. */
  most(role: string): number;
  stop(): void;
}

/** Activities by name. */
type Steps = Readonly<Record<string, (...given: never[]) => unknown>>;

const CANARY: keyof ReturnType<typeof createActivities> = 'passCanary';
/** How often it is looked how busy the loop is, and how far the newest look counts. */
const LOOK_MS = 20;
const NEWEST_SHARE = 0.5;
/** People are about for so long after the last step. */
const ABOUT_MS = 60_000;
/** Of the loop's time in use: more calls at once than a few are not done sooner, they only stand in the way. */
const BUSY = 0.9;
const FEW = 4;
/** A run's next step comes within so many milliseconds. Meanwhile a loop that is in use as much as this makes one call after another. */
const STEP_MS = 150;
const IN_THE_WAY = 0.3;

/**
 * @param changed more calls may be under way now.
 * @param used share of the loop's time that was in use since it was asked last, 0 … 1.
 * @param now milliseconds.
 */
export function createPeopleFirst(
  changed: () => void,
  used: () => number = loopUse(),
  now: () => number = () => performance.now(),
): PeopleFirst {
  let steppedAt = -Infinity;
  let use = 0;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    changed();
  };
  const look = (): void => {
    use += NEWEST_SHARE * (used() - use);
    if (now() - steppedAt > ABOUT_MS) stop();
    else changed();
  };
  /** Only where lists and people are in one process. */
  const begin = (): void => {
    used();
    // Not known yet: whoever comes first does not wait until it is.
    use = 1;
    timer = setInterval(look, LOOK_MS);
    timer.unref();
  };
  return {
    noting(activities) {
      const noted = Object.entries(activities).map(([name, run]) => {
        const step = (...given: never[]): unknown => {
          steppedAt = now();
          return run(...given);
        };
        return [name, name === CANARY ? run : step] as const;
      });
      return Object.fromEntries(noted);
    },
    most(role) {
      const agoMs = now() - steppedAt;
      if (role === 'interactive' || agoMs > ABOUT_MS) return Infinity;
      if (!timer) begin();
      if (use <= IN_THE_WAY) return Infinity;
      if (agoMs < STEP_MS) return 1;
      return use > BUSY ? FEW : Infinity;
    },
    stop,
  };
}

function loopUse(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const seen = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(seen, last);
    last = seen;
    return utilization;
  };
}
