/** Why a run waits, what it has cost and will cost, and when it ends. Made by `client/explain/explain-run.ts`. */
import type { RunWait } from '../run.ts';

export interface RunExplanation {
  readonly runId: string;
  readonly workflowId: string;
  /** As `waits()` has them. */
  readonly waits: readonly RunWait[];
  /** The limits among these, and who waits for them now. */
  readonly limits: readonly ExplainedLimitUse[];
  /** Calls made so far. */
  readonly calls: number;
  /** Null: the run has ended, or too little of it has been seen. */
  readonly forecast: Forecast | null;
  /** All of it in words, a line each. */
  readonly text: readonly string[];
}

export interface ExplainedLimitUse {
  readonly key: string;
  /** The largest share first. `tenant` is null where an account is its own. */
  readonly users: readonly {
    readonly sync: string;
    readonly tenant: string | null;
    /** Calls that wait, and of how many accounts. */
    readonly waiting: number;
    readonly accounts: number;
  }[];
}

export interface Forecast {
  /** Calls that are still to be made. */
  readonly callsLeft: number;
  /** The true number is within this share of it nineteen times of twenty, if the rest is like what was seen. */
  readonly errorShare: number;
  /** `this-run`: from the lists that have ended · `last-run`: from the last good run of the same mode. */
  readonly from: 'this-run' | 'last-run';
  /** Calls a second that it is expected to make; null: none, because all of it is held. */
  readonly callsPerSecond: number | null;
  /** Milliseconds until the end; null while all of it is held. Its error is that of the calls, when the pace stays. */
  readonly endsInMs: number | null;
}
