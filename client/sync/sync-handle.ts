/**
 * One run as the app sees it: progress, pause, resume, cancel, result.
 */
import { WorkflowFailedError, type WorkflowExecutionDescription, type WorkflowHandle } from '@temporalio/client';
import { TerminatedFailure } from '@temporalio/common';
import type { SyncInput } from '../../contracts/messages.ts';
import { runsBefore, signalNames, syncWorkflowId } from '../../contracts/names.ts';
import type { RunExplanation } from '../../contracts/operate/explanation.ts';
import type { RunProgress, RunResult, RunWait } from '../../contracts/run.ts';
import { askRun, readPauses, readProgress, readWaits } from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { explainRun } from '../explain/explain-run.ts';
import { chainIdOf, describeKnown, isNotFound, isOpen } from '../describe-workflow.ts';
import { askInFleet, isInFleet, resultInFleet, waitsInFleet } from './fleet-run.ts';
import { endedMeanwhile, isOver, neverStarted, noResult } from './no-such-run.ts';
import { createQueuedHandle } from './queued-handle.ts';
import { retryFailed, type RetryOptions } from './retry-failed.ts';
import { startAgain, type StartAgainOptions } from './start-again.ts';
import { endedOutside, heldBy } from '../waits/held-runs.ts';
import { toWait } from '../waits/run-waits.ts';
import type { ClientParts } from '../start-workflow.ts';
import { readStuckTasks } from '../waits/workflow-task-health.ts';
import { untilClosed } from '../until-closed.ts';

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

type Run = (input: SyncInput) => Promise<RunResult>;

export function createHandle(
  parts: ClientParts,
  of:
    | { readonly sync: Sync | string; readonly account: string }
    /** `runId`: it is about that run, also when a newer one has begun. */
    | { readonly workflowId: string; readonly runId?: string },
): SyncHandle {
  const { client, pool } = parts;
  const workflowId =
    'workflowId' in of
      ? of.workflowId
      : syncWorkflowId(typeof of.sync === 'string' ? of.sync : of.sync.definition.name, of.account);
  const before = runsBefore(workflowId);
  if (before !== undefined)
    return createQueuedHandle(parts, workflowId, (runId) =>
      createHandle(parts, { workflowId: before, ...(runId === undefined ? {} : { runId }) }),
    );
  const only = 'runId' in of ? of.runId : undefined;
  const handle: WorkflowHandle<Run> = client.workflow.getHandle(workflowId);
  /** @returns undefined when Temporal knows no run of this id, or a newer one than this handle's has begun. */
  const describe = async (): Promise<WorkflowExecutionDescription | undefined> => {
    const newest = await describeKnown(client, workflowId);
    return newest && (only === undefined || chainIdOf(newest) === only) ? newest : undefined;
  };
  const known = (): Promise<RunProgress | undefined> =>
    readProgress(pool, only === undefined ? { workflowId } : { runId: only });
  /** @returns its run id, and whether it has a workflow of its own. @throws Error when it is not open. */
  const open = async (what: 'pause' | 'resume'): Promise<{ readonly runId: string; readonly isInFleet: boolean }> => {
    const [description, row] = await Promise.all([describe(), known()]);
    if (description && isOpen(description)) return { runId: chainIdOf(description), isInFleet: false };
    if (isInFleet(row)) return { runId: row.runId, isInFleet: true };
    throw description || row || only !== undefined ? isOver(workflowId, what) : neverStarted(workflowId);
  };
  const self: SyncHandle = {
    workflowId,
    explain: async () => {
      const [progress, waits] = await Promise.all([self.progress(), self.waits()]);
      return 'runId' in progress ? explainRun(pool, progress, waits) : undefined;
    },
    progress: async () => {
      const row = await known();
      // One that goes on is the newest. After it a newer one may have begun whose row does not exist yet; and Temporal answers
      // slowly while a run makes many calls.
      if (row && (only !== undefined || row.state === 'running' || row.state === 'paused')) return row;
      const description = await describe();
      if (!description) return row ?? { state: 'unknown' };
      const runId = chainIdOf(description);
      if (row?.runId === runId || (row?.fleet !== undefined && !isOpen(description))) return row;
      // Of one that ended before it was opened nothing is known.
      const state = isOpen(description) ? 'starting' : 'unknown';
      return (await readProgress(pool, { runId })) ?? { state };
    },
    waits: async () => {
      // Temporal is asked twice, and so is the database: neither waits for the other.
      const [{ description, stuck }, { row, waits }] = await Promise.all([
        describe().then(async (description) => ({
          description,
          stuck: description?.status.name === 'RUNNING' ? await readStuckTasks(client, description) : undefined,
        })),
        known().then(async (row) => ({ row, waits: row?.state === 'running' ? await readWaits(pool, row.runId) : [] })),
      ]);
      if (isInFleet(row) && !(description && isOpen(description))) return waitsInFleet(parts, row, waits.map(toWait));
      const ofThisRun = row?.runId === (description && chainIdOf(description)) ? row : undefined;
      if (description && ofThisRun && !stuck) return endedOutside(description, ofThisRun);
      const held = description && stuck ? [...heldBy(description, ofThisRun), ...stuck] : [];
      return [...held, ...waits.map(toWait)];
    },
    pause: async () => {
      const run = await open('pause');
      if (run.isInFleet) return (await askInFleet(parts, run.runId, 'pause')) ? undefined : self.pause();
      // A workflow that is making calls hears signals some seconds later; every call looks at this row before it is made.
      const isWritten = await askRun(pool, run.runId, 'pause');
      await handle
        .signal<[isWritten?: boolean]>(signalNames.pause, isWritten)
        .catch(endedMeanwhile(workflowId, 'pause'));
    },
    resume: async () => {
      const run = await open('resume');
      if (run.isInFleet) return (await askInFleet(parts, run.runId, 'resume')) ? undefined : self.resume();
      const pauses = await readPauses(pool, run.runId);
      await handle
        .signal<[pauses?: number]>(signalNames.resume, ...(pauses === undefined ? [] : ([pauses] as const)))
        .catch(endedMeanwhile(workflowId, 'resume'));
    },
    cancel: async () => {
      const [description, row] = await Promise.all([describe(), known()]);
      if (!(description && isOpen(description)) && isInFleet(row))
        return (await askInFleet(parts, row.runId, 'cancel')) ? undefined : self.cancel();
      if (!description && !row && only === undefined) throw neverStarted(workflowId);
      if (!description || !isOpen(description)) return;
      const runId = chainIdOf(description);
      // This run only: by now another one may have begun. Asked for first: a run that is marked must come to its end.
      const isEnding = await client.workflow
        .getHandle(workflowId, undefined, { firstExecutionRunId: runId })
        .cancel()
        .then(
          () => true,
          (error: unknown) => {
            if (isNotFound(error)) return false;
            throw error;
          },
        );
      if (!isEnding) return;
      // As in `pause`: no call is made from here on, and the workflow task that makes them ends.
      await askRun(pool, runId, 'cancel').catch(() => {
        // Without it the cancellation is heard some seconds later.
      });
    },
    retryFailed: async (options = {}) => {
      return createHandle(parts, { workflowId, runId: await retryFailed(parts, workflowId, options) });
    },
    startAgain: async (options = {}) => {
      return createHandle(parts, { workflowId, runId: await startAgain(parts, workflowId, options) });
    },
    result: () =>
      untilClosed(parts, async () => {
        const [description, row] = await Promise.all([describe(), known()]);
        const isOfFleet = row?.fleet !== undefined && !(description && isOpen(description));
        const result = isOfFleet ? await resultInFleet(parts, row.runId) : undefined;
        if (result) return result;
        const runId = only ?? chainIdOf(await handle.describe());
        return resultOf(parts, workflowId, runId);
      }).catch(noResult(workflowId)),
  };
  return self;
}

/** Over resets, too: a run that was reset is terminated at Temporal, and goes on in another history. */
async function resultOf({ client }: ClientParts, workflowId: string, runId: string): Promise<RunResult> {
  for (let history = runId; ;) {
    try {
      return await client.workflow.getHandle<Run>(workflowId, history).result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError && error.cause instanceof TerminatedFailure)) throw error;
      const newest = await describeKnown(client, workflowId);
      if (!newest || chainIdOf(newest) !== runId || newest.status.name === 'TERMINATED') throw error;
      history = newest.runId;
    }
  }
}
