/**
 * One run for each sync and account, however it is started. A Temporal Schedule adds the time to the workflow id that
 * it was given, and other clients may name any. A start may be queued behind a run. Such a workflow only starts the one
 * that is called as runs are, and waits for it. Next: `workflows/sync.ts`.
 */
import {
  ApplicationFailure,
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  CancellationScope,
  isCancellation,
  ParentClosePolicy,
  patched,
  setCurrentDetails,
  sleep,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { SyncInput } from '../../contracts/messages.ts';
import { RUN_MEMO, runQueue, searchAttributes, syncWorkflowId } from '../../contracts/names.ts';
import type { RunResult } from '../../contracts/run.ts';
import { runStep, sturdySteps } from '../activity-proxies.ts';
import { giveBack, waitForTurn } from '../entity-lock.ts';
import type { ReportEnd } from '../../contracts/report.ts';
import { statusAttribute } from '../signals.ts';

/** The end of a workflow that found its run started before. */
export interface Attached {
  /** Workflow id of the run that is open; nothing was started. */
  readonly attachedTo: string;
  readonly runId: string;
  /** What that run was asked for. */
  readonly input: unknown;
}

const NEVER_BEGUN: ReportEnd = { status: 'cancelled', error: 'it was cancelled before its turn: no call was made' };

/** A run that has ended may still close its workflow. */
const CLOSING_MS = 500;

/**
 * @param report writes a report of a start whose run has never begun: there is no run that would have one.
 * @returns the result of the run, or where it is when one was running already.
 * @throws ApplicationFailure `SyncBusy` when that one is for something else, unless `ifRunning` says what to do then.
 */
export function onePerAccount(
  run: (input: SyncInput) => Promise<RunResult>,
  report: (input: SyncInput, end: ReportEnd) => Promise<void>,
): (input: SyncInput) => Promise<RunResult | Attached> {
  return async (input) => {
    const runs = syncWorkflowId(input.sync, input.account);
    const { workflowId } = workflowInfo();
    if (workflowId === runs) return run(input);
    if (input.ifRunning !== 'queue') return startOrMeet(input, runs);
    const place = { entity: runQueue(input.sync, input.account), mustWait: true, cancels: [] };
    try {
      await runStep((steps) => steps.queueRun({ workflowId, asked: input }));
      await waitForTurn(place);
      return await startOrMeet(input, runs);
    } catch (error) {
      const hasBegun = workflowInfo().memo?.[RUN_MEMO] !== undefined;
      if (isCancellation(error) && !hasBegun && patched('report-of-queued'))
        await CancellationScope.nonCancellable(() => report(input, NEVER_BEGUN));
      throw error;
    } finally {
      await giveBack(place);
    }
  };
}

async function startOrMeet(input: SyncInput, runs: string): Promise<RunResult | Attached> {
  for (;;) {
    const child = await startRun(input, runs);
    if (child) {
      setCurrentDetails(`The run is ${runs}`);
      upsertMemo({ [RUN_MEMO]: child.firstExecutionRunId });
      return child.result();
    }
    const met = await runStep((steps) => steps.meetRunning({ workflowId: runs, asked: input }));
    switch (met.do) {
      case 'attach':
        setCurrentDetails(`A run was there already: ${runs}. Nothing was started.`);
        return { attachedTo: runs, runId: met.runId, input: met.input };
      case 'refuse':
        throw ApplicationFailure.nonRetryable(met.because, 'SyncBusy');
      case 'queue':
        setCurrentDetails(`waiting: ${runs} is going on`);
        await sturdySteps.awaitRunEnd({ workflowId: runs, runId: met.behind });
        break;
      case 'start':
        await sleep(CLOSING_MS);
    }
  }
}

const keyword = (name: keyof typeof searchAttributes) =>
  defineSearchAttributeKey(searchAttributes[name], SearchAttributeType.KEYWORD);

/** @returns undefined when a run is there. */
async function startRun(input: SyncInput, workflowId: string) {
  const { sync, account, tenant = account } = input;
  try {
    return await startChild<(input: SyncInput) => Promise<RunResult>>('sync', {
      workflowId,
      args: [input],
      // A run that is ended with its schedule is written down as cancelled.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      workflowTaskTimeout: '6 seconds',
      staticSummary: `${sync} of ${account}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: keyword('account'), value: account },
        { key: keyword('sync'), value: sync },
        { key: keyword('tenant'), value: tenant },
        { key: statusAttribute, value: 'running' },
      ]),
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}
