/** Runs as a list shows them, and how many there are. Read by `db/stores/run/run-list-store.ts`, for the client, commands and the page. */
import type { PausedBy, RunMode, RunState } from '../run.ts';

export const RUN_STATES = [
  'running',
  'paused',
  'failed',
  'incomplete',
  'cancelled',
  'done',
] as const satisfies RunState[];

export interface RunSelection {
  /** One state, or several. Default: all. */
  readonly state?: RunState | readonly RunState[];
  readonly sync?: string;
  readonly account?: string;
  readonly provider?: string;
  /** Runs that were started for this tenant. */
  readonly tenant?: string;
  /** Whose `place` is `after` or older; what began later is left out. */
  readonly after?: string;
}

export interface RunFilter extends RunSelection {
  /** 1 … 1,000. Default 50. */
  readonly limit?: number;
}

export interface ListedRun {
  /** Keep it, and pass it as `after` to continue behind this run. */
  readonly place: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly provider: string;
  readonly sync: string;
  readonly account: string;
  readonly tenant: string | null;
  readonly mode: RunMode;
  readonly state: RunState;
  readonly pausedBy: PausedBy | null;
  readonly error: string | null;
  /** ISO times. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly rows: number;
  readonly calls: number;
  /** Lists that did not end `complete`. */
  readonly flawed: number;
}

/** A count never costs more than so many index entries: what is above is shown as "10,000+". */
export const MOST_COUNTED = 10_000;

/** Names that runs have: what a list can be narrowed to. */
export interface RunNames {
  readonly syncs: readonly string[];
  readonly providers: readonly string[];
}
