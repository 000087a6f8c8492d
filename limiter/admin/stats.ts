/**
 * Counters of one process, for whoever exports metrics.
 */
import { LimiterUnavailable } from '../errors.ts';
import type { AcquireResult, Observation, WaitCause } from '../types.ts';

export interface LimiterStats {
  /** Permits given. */
  readonly granted: number;
  /** Of these: permits that were waited for in place, and for how long all of them, in milliseconds. */
  readonly waitedInPlace: number;
  readonly waitedMs: number;
  /** Calls that were sent away, by cause. */
  readonly sentAway: Readonly<Record<WaitCause, number>>;
  /** Calls that wait in place now. */
  readonly waiting: number;
  /** Answers that were reported, by result. */
  readonly reports: Readonly<Record<Observation['result'], number>>;
  /** Requests that failed because the store was down. */
  readonly unavailable: number;
  /** Reports on a key of which the store refused a part, however often it would be sent. Stays 0 unless there is a bug. */
  readonly dropped: number;
}

// Below this it was the store's answer that was waited for, not a limit.
const WAITED_MS = 20;

export function createStats() {
  const sentAway = { full: 0, blocked: 0, paused: 0, queue: 0, probing: 0, failing: 0 } satisfies Record<
    WaitCause,
    number
  >;
  const reports = { ok: 0, refused: 0, failed: 0, 'not-sent': 0 } satisfies Record<Observation['result'], number>;
  let granted = 0;
  let waitedInPlace = 0;
  let waitedMs = 0;
  let unavailable = 0;
  let dropped = 0;

  return {
    answered(answer: AcquireResult): void {
      if (!answer.granted) sentAway[answer.wait.cause] += 1;
      else {
        granted += 1;
        if (answer.waitedMs > WAITED_MS) {
          waitedInPlace += 1;
          waitedMs += answer.waitedMs;
        }
      }
    },
    failed(error: unknown): void {
      if (error instanceof LimiterUnavailable) unavailable += 1;
    },
    reported(observation: Observation): void {
      reports[observation.result] += 1;
    },
    dropped(): void {
      dropped += 1;
    },
    read(waiting: number): LimiterStats {
      return {
        granted,
        waitedInPlace,
        waitedMs,
        sentAway: { ...sentAway },
        waiting,
        reports: { ...reports },
        unavailable,
        dropped,
      };
    },
  };
}
