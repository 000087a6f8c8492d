/**
 * What the walk of a run knows of itself, and how it stops. All parts of the walk share it.
 * Used by: `run-walk.ts`, `unit-calls.ts`, `hear-fact.ts`, `node-steps.ts`.
 */
import { workflowInfo } from '@temporalio/workflow';
import type { CallContext, OpenedRun } from '../../contracts/messages.ts';
import type { Plan } from '../../contracts/plan.ts';
import { createRunCalls, type RunCalls } from './run-calls.ts';
import { createNodeTree, type NodeTree } from './run-node.ts';
import type { WalkEnd } from './walk-end.ts';
import { createWalkNotes, type WalkNotes } from './walk-notes.ts';

export interface RunToWalk {
  readonly runId: string;
  readonly context: CallContext;
  readonly opened: OpenedRun;
  /** Told of each change: what the nodes wait for, for people. */
  readonly describe: (notes: ReadonlyMap<string, string>) => void;
  /** Told when a call found the account not connected. */
  readonly onPaused: (because: string) => void;
  /** Told once, before the first call that may have to wait. */
  readonly onWait: () => void;
}

/**
 * `over`: the run has ended in the database. `early`: all open units have been ended there, nothing more is read. `cut`: its
 * history ends, the rest is for a new one.
 */
export type WalkStop = 'cancelled' | 'over' | 'early' | 'cut';

export interface WalkState {
  readonly of: RunToWalk;
  readonly plan: Plan;
  readonly nodes: NodeTree;
  readonly notes: WalkNotes;
  readonly runCalls: RunCalls;
  readonly end: Promise<WalkEnd>;
  readonly settle: (end: WalkEnd) => void;
  readonly fail: (error: unknown) => void;
  isPaused: boolean;
  /** How often it was resumed: an answer that says `paused` may be older than the last time. */
  resumes: number;
  /** Why no more calls are made. */
  stop: WalkStop | undefined;
  /** Calls and steps that are on their way. */
  open: number;
  /** Calls that were made in this history. */
  calls: number;
}

export function createWalkState(of: RunToWalk): WalkState {
  const { runId, context, opened, describe } = of;
  const nodes = createNodeTree(opened);
  let settle!: (end: WalkEnd) => void;
  let fail!: (error: unknown) => void;
  const end = new Promise<WalkEnd>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  return {
    of,
    plan: opened.plan,
    nodes,
    notes: createWalkNotes(nodes.all, describe),
    runCalls: createRunCalls(runId, context),
    end,
    settle,
    fail,
    isPaused: opened.state === 'paused',
    resumes: 0,
    stop: undefined,
    open: 0,
    calls: 0,
  };
}

/** Calls count as well: the length is told at the start of a workflow task, and one task can hold a thousand calls. */
export function isHistoryLong({ plan, calls }: WalkState): boolean {
  return (
    workflowInfo().continueAsNewSuggested || Math.max(workflowInfo().historyLength, calls) >= plan.maxHistoryEvents
  );
}

/** Calls that wait at the server are put down; those that were sent are heard to their end. */
export function stopWalk(walk: WalkState, why: WalkStop): void {
  walk.stop = why;
  walk.runCalls.putDown();
}
