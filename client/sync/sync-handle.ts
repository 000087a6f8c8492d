/**
 * One run as the app sees it: progress, pause, resume, cancel, result.
 * Next: `handle/known-run.ts`, `handle/read-run.ts`, `handle/control-run.ts`, `handle/run-result.ts`.
 */
import { runsBefore, syncWorkflowId } from '../../contracts/names.ts';
import type { RunExplanation } from '../../contracts/operate/explanation.ts';
import type { RunProgress, RunResult, RunWait } from '../../contracts/run.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { explainRun } from '../explain/explain-run.ts';
import type { ClientParts } from '../start-workflow.ts';
import { untilClosed } from '../until-closed.ts';
import { cancelRun, pauseRun, resumeRun } from './handle/control-run.ts';
import { createKnownRun } from './handle/known-run.ts';
import { progressOf, waitsOf } from './handle/read-run.ts';
import { resultOf } from './handle/run-result.ts';
import { noResult } from './no-such-run.ts';
import { createQueuedHandle } from './queued-handle.ts';
import { retryFailed, type RetryOptions } from './retry-failed.ts';
import { startAgain, type StartAgainOptions } from './start-again.ts';

export interface SyncHandle {
  readonly workflowId: string;
  /**
   * The state of the tree: one cheap query, at any moment, also after the run has ended. Like all functions of a handle
   * it is about the run that the handle was given for by `start`, `retryFailed` or `startAgain`. That holds also when a
   * newer run has begun. The handle of `run()` is about the newest one. Of a run whose workflow was terminated it says
   * so when a worker has noticed, half a minute later at most; `waits()` at once.
   * @returns `unknown` for a run that was never started, `starting` before a worker has taken it up, `queued` while it waits for
   * the run before it.
   */
  progress(): Promise<RunProgress | { readonly state: 'unknown' | 'starting' | 'queued' }>;
  /**
   * Why it does not go faster at the moment. There is one entry for each limit that its lists queue for, and one for
   * lists that are called again after a failed call. There is one for a provider or an endpoint that is failing or
   * paused, and one for calls that have no answer yet. Before those comes one for whatever holds the whole run: a
   * cancellation, an account that must be connected again, an operator. There is also one for each of its workflows
   * that no worker carries out, or that fails again and again. Empty when nothing waits, or no run is going on.
   */
  waits(): Promise<readonly RunWait[]>;
  /**
   * Why it waits, who else waits for its limits, calls made and left, and when it ends, with the error of that estimate.
   * @returns undefined for a run that was never started, or that no worker has taken up.
   */
  explain(): Promise<RunExplanation | undefined>;
  /**
   * Stops making calls, within a second or two; what is stored stays, and `resume` goes on at the page.
   * @throws Error when the run has ended, is still queued, or was never started.
   */
  pause(): Promise<void>;
  /** @throws Error as `pause` does. */
  resume(): Promise<void>;
  /**
   * Ends the run as `cancelled`, within a second or two; what is stored stays. No call is begun after this resolves, but
   * one may be on its way for each list in hand. Until a worker has ended the run, its state is `paused`, by
   * `cancel`; no resume lets it go on. A run that has ended stays as it is.
   * @throws Error when it was never started.
   */
  cancel(): Promise<void>;
  /**
   * Starts a run of the same tree that reads only the failed and unfinished lists of the newest run. Each is read from
   * its first page, with the children that were not read to their end. Its result speaks for the whole tree.
   * @returns a handle on that run.
   * @throws Error when there is no run to retry, none of its lists is one to read again, or a run is going on.
   */
  retryFailed(options?: RetryOptions): Promise<SyncHandle>;
  /**
   * Starts one more run with the input of the newest one.
   * @returns a handle on that run.
   * @throws Error when no run of it is known, or one is going on.
   */
  startAgain(options?: StartAgainOptions): Promise<SyncHandle>;
  /**
   * Waits for the end.
   * @returns how it ended; `complete` is true only when every list was read to its end.
   * @throws WorkflowFailedError when the run was cancelled or terminated, or failed by an error of its own. Error when
   * the client is closed meanwhile, or Temporal knows no such run.
   */
  result(): Promise<RunResult>;
}

export function createHandle(
  parts: ClientParts,
  of:
    | { readonly sync: Sync | string; readonly account: string }
    /** `runId`: it is about that run, also when a newer one has begun. */
    | { readonly workflowId: string; readonly runId?: string },
): SyncHandle {
  const workflowId =
    'workflowId' in of
      ? of.workflowId
      : syncWorkflowId(typeof of.sync === 'string' ? of.sync : of.sync.definition.name, of.account);
  const before = runsBefore(workflowId);
  if (before !== undefined)
    return createQueuedHandle(parts, workflowId, (runId) =>
      createHandle(parts, { workflowId: before, ...(runId === undefined ? {} : { runId }) }),
    );
  const run = createKnownRun(parts, workflowId, 'runId' in of ? of.runId : undefined);
  return {
    workflowId,
    explain: async () => {
      const [progress, waits] = await Promise.all([progressOf(run), waitsOf(run)]);
      return 'runId' in progress ? explainRun(parts.pool, progress, waits) : undefined;
    },
    progress: () => progressOf(run),
    waits: () => waitsOf(run),
    pause: () => pauseRun(run),
    resume: () => resumeRun(run),
    cancel: () => cancelRun(run),
    retryFailed: async (options = {}) =>
      createHandle(parts, { workflowId, runId: await retryFailed(parts, workflowId, options) }),
    startAgain: async (options = {}) =>
      createHandle(parts, { workflowId, runId: await startAgain(parts, workflowId, options) }),
    result: () => untilClosed(parts, () => resultOf(run)).catch(noResult(workflowId)),
  };
}
