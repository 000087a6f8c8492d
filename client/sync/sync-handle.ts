/**
 * One run as the app sees it: progress, pause, resume, cancel, result.
 */
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { SyncInput } from '../../contracts/messages.ts';
import { runsBefore, signalNames, syncWorkflowId } from '../../contracts/names.ts';
import type { RunExplanation } from '../../contracts/operate/explanation.ts';
import type { RunProgress, RunResult, RunWait } from '../../contracts/run.ts';
import { askRun, readPauses, readProgress, readWaits } from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { explainRun } from '../explain/explain-run.ts';
import { describeKnown } from '../describe-workflow.ts';
import { createQueuedHandle } from './queued-handle.ts';
import { retryFailed, type RetryOptions } from './retry-failed.ts';
import { startAgain, type StartAgainOptions } from './start-again.ts';
import { heldBy } from '../waits/held-runs.ts';
import { toWait } from '../waits/run-waits.ts';
import type { ClientParts } from '../start-workflow.ts';
import { readStuckTasks } from '../waits/workflow-task-health.ts';
import { untilClosed } from '../until-closed.ts';

export interface SyncHandle {
  readonly workflowId: string;
  /**
   * The state of the tree: one cheap query, at any moment, also after the run has ended.
   * @returns `unknown` for a run that was never started, `starting` before a worker has taken it up, `queued` while it waits for
   * the run before it.
   */
  progress(): Promise<RunProgress | { readonly state: 'unknown' | 'starting' | 'queued' }>;
  /**
   * Why it does not go faster at the moment: one entry for each limit that its lists queue for, one for lists that are
   * called again after a failed call, one for a provider or an endpoint that is failing or paused, one for calls that have no
   * answer yet. Before those one for whatever holds the whole run: a cancellation, an account that must be connected again, an
   * operator; and one for each of its workflows that no worker carries out, or that fails again and again. Empty when nothing
   * waits, or no run is going on.
   */
  waits(): Promise<readonly RunWait[]>;
  /**
   * Why it waits, who else waits for its limits, calls made and left, and when it ends, with the error of that estimate.
   * @returns undefined for a run that was never started, or that no worker has taken up.
   */
  explain(): Promise<RunExplanation | undefined>;
  /** Stops making calls, within a second or two; what is stored stays, and `resume` goes on at the page. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /**
   * Ends the run as `cancelled`, within a second or two; what is stored stays. No call is begun after this resolves, but
   * one may be on its way for each list in hand. Until a worker has ended the run, its state is `paused`, by
   * `cancel`; no resume lets it go on. A run that has ended stays as it is.
   */
  cancel(): Promise<void>;
  /**
   * Starts a run of the same tree that reads only the failed and unfinished lists of the newest run, each from its first
   * page, and the children that were not read to their end. Its result speaks for the whole tree.
   * @returns a handle on that run.
   * @throws Error when there is no run to retry, or one is going on.
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
   * @throws WorkflowFailedError when the run was cancelled or terminated, or failed by an error of its own; Error when
   * the client is closed meanwhile.
   */
  result(): Promise<RunResult>;
}

type Run = (input: SyncInput) => Promise<RunResult>;

export function createHandle(
  parts: ClientParts,
  of:
    | { readonly sync: Sync | string; readonly account: string }
    /** `runId`: the result is that run's, also when a newer one has begun. */
    | { readonly workflowId: string; readonly runId?: string },
): SyncHandle {
  const { client, pool } = parts;
  const workflowId =
    'workflowId' in of
      ? of.workflowId
      : syncWorkflowId(typeof of.sync === 'string' ? of.sync : of.sync.definition.name, of.account);
  const before = runsBefore(workflowId);
  if (before !== undefined) return createQueuedHandle(parts, workflowId, createHandle(parts, { workflowId: before }));
  const runId = 'runId' in of ? of.runId : undefined;
  const handle: WorkflowHandle<Run> = client.workflow.getHandle(workflowId);
  const self: SyncHandle = {
    workflowId,
    explain: async () => {
      const [progress, waits] = await Promise.all([self.progress(), self.waits()]);
      return 'runId' in progress ? explainRun(pool, progress, waits) : undefined;
    },
    progress: async () => {
      const known = await readProgress(pool, { workflowId });
      // One that goes on is the newest. After it a newer one may have begun whose row does not exist yet; and Temporal answers
      // slowly while a run makes many calls.
      if (known?.state === 'running' || known?.state === 'paused') return known;
      const description = await describeKnown(client, workflowId);
      if (!description) return known ?? { state: 'unknown' };
      const runId = runIdOf(description);
      if (known?.runId === runId) return known;
      // Of one that ended before it was opened nothing is known.
      const state = description.status.name === 'RUNNING' ? 'starting' : 'unknown';
      return (await readProgress(pool, { runId })) ?? { state };
    },
    waits: async () => {
      const [description, known] = await Promise.all([
        describeKnown(client, workflowId),
        readProgress(pool, { workflowId }),
      ]);
      const isOpen = description?.status.name === 'RUNNING';
      const [stuck, waits] = await Promise.all([
        isOpen ? readStuckTasks(client, description) : [],
        known?.state === 'running' ? readWaits(pool, known.runId) : [],
      ]);
      const ofThisRun = known?.runId === (description && runIdOf(description)) ? known : undefined;
      return [...(isOpen ? heldBy(description, ofThisRun) : []), ...stuck, ...waits.map(toWait)];
    },
    pause: async () => {
      // A workflow that is making calls hears signals some seconds later; every call looks at this row before it is made.
      await askRun(pool, runIdOf(await handle.describe()), 'pause');
      await handle.signal(signalNames.pause);
    },
    resume: async () => {
      const pauses = await readPauses(pool, runIdOf(await handle.describe()));
      await handle.signal<[pauses?: number]>(signalNames.resume, ...(pauses === undefined ? [] : ([pauses] as const)));
    },
    cancel: async () => {
      const description = await handle.describe();
      const runId = runIdOf(description);
      // This run only: by now another one may have begun. Asked for first: a run that is marked must come to its end.
      await client.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: runId }).cancel();
      if (description.status.name !== 'RUNNING') return;
      // As in `pause`: no call is made from here on, and the workflow task that makes them ends.
      await askRun(pool, runId, 'cancel').catch(() => {
        // Without it the cancellation is heard some seconds later.
      });
    },
    retryFailed: async (options = {}) => {
      await retryFailed(parts, workflowId, options);
      return createHandle(parts, { workflowId });
    },
    startAgain: async (options = {}) => {
      await startAgain(parts, workflowId, options);
      return createHandle(parts, { workflowId });
    },
    result: () => untilClosed(parts, () => client.workflow.getHandle<Run>(workflowId, runId).result()),
  };
  return self;
}

/** The same over continue-as-new. */
function runIdOf({ raw, runId }: WorkflowExecutionDescription): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}
