/**
 * Makes a workflow write its report, whatever becomes of it: every workflow that the worker offers goes through here
 * (`index.ts`), so none can forget. A workflow that is terminated or times out can't write; `workers/loops/reconcile.ts` does.
 * Next: `activities/action/report-activities.ts`.
 */
import { CancellationScope, ContinueAsNew, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import { REPORT_MEMO, type OpenReportInput, type ReportEnd, type ReportRef } from '../contracts/report.ts';
import { runStep } from './activity-proxies.ts';
import { endOfFailure } from './report-end.ts';

type Facts = Omit<OpenReportInput, 'id' | 'runId' | 'workflowId' | 'rootWorkflowId'>;

/**
 * @param interpreter may end its report itself, with its last step; a failure is reported here.
 * @param facts what the report says when the starter wrote none (schedules, other clients).
 * @param isReported whether the interpreter ends the report of a good end itself. Default false.
 */
export function reported<Input, Result>(
  interpreter: (input: Input, report: ReportRef) => Promise<Result>,
  facts: (input: Input) => Facts,
  isReported = false,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const { workflowId, firstExecutionRunId: runId, memo } = workflowInfo();
    const written = memo?.[REPORT_MEMO];
    const id = typeof written === 'string' ? written : runId;
    if (typeof written !== 'string')
      await runStep((steps) =>
        steps.openReport({ ...facts(input), id, runId, workflowId, rootWorkflowId: workflowId }),
      );
    const end = (how: ReportEnd): Promise<void> =>
      CancellationScope.nonCancellable(() => runStep((steps) => steps.endReport({ id, runId, end: how })));
    try {
      const result = await interpreter(input, { id, runId });
      if (!isReported) await end({ status: 'ok' });
      return result;
    } catch (error) {
      // The run goes on in a new history; or the code of the workflow is broken, and goes on when it is mended.
      if (error instanceof ContinueAsNew || !(error instanceof TemporalFailure)) throw error;
      await end(endOfFailure(error));
      throw error;
    }
  };
}

/** Writes the report of one that has come to its end before it began. */
export function reportedAsEnded<Input>(
  facts: (input: Input) => Facts,
): (input: Input, end: ReportEnd) => Promise<void> {
  return async (input, end) => {
    const { workflowId, firstExecutionRunId: runId } = workflowInfo();
    const id = runId;
    await runStep((steps) => steps.openReport({ ...facts(input), id, runId, workflowId, rootWorkflowId: workflowId }));
    await runStep((steps) => steps.endReport({ id, runId, end }));
  };
}
