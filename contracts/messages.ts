/**
 * The messages between app code, workflows and activities: ids, cursors and counts, never records.
 */
import type { Traceparent } from './trace.ts';
import { treeOf, type Plan, type PlanNode, type TreePath } from './plan.ts';
import type { Priority } from './limits/limit.ts';
import type { EndKind, RunMode, RunResult, RunState } from './run.ts';
import type { ReportRef, StartedBy } from './report.ts';
import type { IfRunning } from './running-run.ts';

/** Default of `giveUpAfterMs` for starts from an app or a schedule. */
export const GIVE_UP_AFTER_MS = 3 * 86_400_000;

/** How long an answer to a call of a list is kept while the database is away, in milliseconds: a restart or a failover. */
export const STORING_PATIENCE_MS = 60_000;

/** Input of the `sync` workflow. */
export interface SyncInput {
  readonly sync: string;
  readonly account: string;
  readonly input: unknown;
  readonly tenant?: string;
  /** Default `system`. */
  readonly startedBy?: StartedBy;
  readonly priority?: Priority;
  /** Weight of the account among the accounts that share a limit or a queue. Default 1. */
  readonly weight?: number;
  /** Default `incremental`. */
  readonly mode?: RunMode;
  /** Reads the failed lists of an ended run again, by its plan, instead of everything. */
  readonly retryOf?: RetryOf;
  /** ISO time after which what is still open ends as `truncated`. */
  readonly deadline?: string;
  /** The same when neither a page nor the end of a list has come for so long, in milliseconds. */
  readonly giveUpAfterMs?: number;
  /** For workflows that are not the run themselves, e.g. of schedules. Default: attach to a run for the same, else fail. */
  readonly ifRunning?: IfRunning;
  /** For tests of continue-as-new. */
  readonly maxHistoryEvents?: number;
  readonly trace?: Traceparent;
}

export interface MeetRunningInput {
  /** Of the runs of its sync and account. */
  readonly workflowId: string;
  readonly asked: SyncInput;
}

/** What to do about the run that is going on. `start`: none is. `behind`: the run id that is waited for. */
export type MetRunning =
  | { readonly do: 'start' }
  | { readonly do: 'queue'; readonly behind: string }
  | { readonly do: 'attach'; readonly runId: string; readonly input: unknown }
  | { readonly do: 'refuse'; readonly because: string };

export interface AwaitRunEndInput {
  readonly workflowId: string;
  /** A newer run of the same workflow id is another one. */
  readonly runId: string;
}

export interface QueueRunInput {
  /** Whose place it is. */
  readonly workflowId: string;
  readonly asked: SyncInput;
}

export interface RetryOf {
  readonly runId: string;
  /** Other ends than `failed` that are to be read again too. */
  readonly also: readonly Exclude<EndKind, 'complete' | 'failed'>[];
}

/** What every call of a run carries: whose it is and in which order it is served. */
export interface CallContext {
  readonly sync: string;
  readonly provider: string;
  readonly account: string;
  readonly priority: Priority;
  readonly weight: number;
  readonly trace?: Traceparent;
  /** The run's tree: a worker whose build lacks a part of it does not make the call. */
  readonly tree?: readonly TreePath[];
}

export function callContextOf({ account, priority = 'bulk', weight = 1, trace }: SyncInput, plan: Plan): CallContext {
  const { sync, provider, nodes } = plan;
  return { sync, provider, account, priority, weight, tree: treeOf(nodes), ...(trace === undefined ? {} : { trace }) };
}

/**
 * Calls that may take longer are steps of their own. The opening of a run is given no more time for its first call, in
 * milliseconds.
 */
export const LONGEST_FIRST_CALL_MS = 60_000;

export interface OpenRunInput extends SyncInput {
  readonly runId: string;
  readonly workflowId: string;
  /**
   * Makes the first call with the opening, where the run begins with one list and the call can be made at once. When that was all there
   * is to read, it ends the run, and its report, too.
   */
  readonly first?: { readonly report: ReportRef };
  /** Of its report: a run that a fleet has begun, and that this one goes on with, may have another. */
  readonly reportId?: string;
}

export interface OpenedRun {
  readonly plan: Plan;
  readonly state: RunState;
  /** Why its account must be connected again, for a run that is paused for it. */
  readonly pausedReason?: string;
  /** Nodes that have ended. */
  readonly ended: readonly string[];
  /** Open units, as many of each node as its window holds; none while it is paused. */
  readonly units: readonly UnitRef[];
  /** What the first call brought, which was made with the opening. */
  readonly first?: PageFact;
  /** That was all, and the run has ended. */
  readonly result?: RunResult;
}

export interface NextUnitsInput {
  readonly runId: string;
  readonly wanted: readonly { readonly node: string; readonly inHand: readonly number[]; readonly room: number }[];
}

export interface UnitRef {
  readonly id: number;
  readonly node: string;
  /** What a reader of the Web UI sees: parent key and lane. */
  readonly label: string;
}

export interface FetchPageInput {
  readonly runId: string;
  readonly node: string;
  readonly unit: number;
  readonly context: CallContext;
  /** Pages that the unit has, when the last fact about it said so. */
  readonly pages?: number;
  /** Further units of the node that the same call is for. */
  readonly others?: readonly number[];
  /**
   * Its number among the unit's calls that were asked for at once, when it is not the first (0). It is made only if the one
   * before it has left the list open and nothing in the way.
   */
  readonly ahead?: number;
  /**
   * `now`: answer `later` instead of waiting or failing (local activity, the fast path).
   * `durable`: wait and retry by the activity's retry policy.
   */
  readonly mode: 'now' | 'durable';
  /** How long it waits in its worker for its turn at a limit, in milliseconds. Default: as the mode says. */
  readonly waitMs?: number;
}

/**
 * The small facts of one call, with the unit that they are about.
 * `wantsDurable`: the call had to wait or was slow, so the next one should not be made inside a workflow task.
 * `lanes`: units that were added to this same node. `children`: the page may have added units below.
 * `hasMoved`: another attempt has stored pages of the unit, or ended it, and nobody has told what that brought: both may be.
 * `pages`: pages that the unit has now; the next call of the unit is told.
 * `ahead`: calls that may be asked for at once from here on. Default 1.
 */
export type PageFact =
  | {
      readonly unit: number;
      readonly state: 'more' | 'ended';
      readonly lanes?: number;
      readonly children?: true;
      readonly hasMoved?: true;
      readonly wantsDurable?: boolean;
      readonly pages?: number;
      readonly ahead?: number;
      /** A call for several units failed: halves of them are to be asked for. */
      readonly isSplit?: true;
    }
  /** The run has ended, or is gone: nothing more is to be done for it. */
  | { readonly unit: number; readonly state: 'over' }
  /** It was asked for ahead, and is not to be made: what the call before it said goes. */
  | { readonly unit: number; readonly state: 'idle' }
  /** No call was made, or none that settled the page; `because`, and in how many milliseconds it can go on: the worker’s clock is not the workflow’s. */
  | {
      readonly unit: number;
      readonly state: 'later';
      readonly because: string;
      readonly inMs?: number;
    }
  /** `because`: of itself, until the account is connected again; without it by an operator. */
  | { readonly unit: number; readonly state: 'paused'; readonly because?: string };

export interface FinishNodeInput {
  readonly runId: string;
  readonly node: PlanNode;
}

/** Ends all that is open in a run. */
export interface EndOpenUnitsInput {
  readonly runId: string;
  readonly reason: string;
}

export interface ProgressMarkInput {
  readonly runId: string;
}

export interface FinishRunInput {
  readonly runId: string;
  /** The node that is still to be ended. */
  readonly node?: PlanNode;
  /** Its report, to be ended with it. */
  readonly report?: ReportRef;
  readonly cancelled?: boolean;
  readonly error?: string;
  /**
   * For a run that may have no row. It gets one that says how it ended, so that what is still on its way can't open it.
   */
  readonly unopened?: { readonly workflowId: string; readonly sync: string; readonly account: string };
}

export interface SetRunStateInput {
  readonly runId: string;
  readonly state: 'running' | 'paused';
  /** Only a run that is paused for its account goes on; one that its operator has paused stays so. */
  readonly isReconnected?: boolean;
  /** How often the run had been paused from outside when this was asked for: a pause that came after it stands. */
  readonly pauses?: number;
  /** Who asked for the pause has written it down before: it is read, and a worker that comes late with it overturns no resume. */
  readonly isWritten?: boolean;
}
