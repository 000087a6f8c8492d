/**
 * Makes a workflow write its report, whatever becomes of it: every workflow that the worker offers goes through here
 * (`index.ts`), so none can forget. A workflow that is terminated or times out can't write; `workers/reconcile.ts` does.
 * Next stop: `activities/action/report-activities.ts`.
 */
import { CancellationScope, ContinueAsNew, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import { REPORT_MEMO, type OpenReportInput, type ReportEnd } from '../contracts/report.ts';
import { runStep } from './activity-proxies.ts';
import { endOfFailure } from './report-end.ts';

type Facts = Omit<OpenReportInput, 'id' | 'runId' | 'workflowId' | 'rootWorkflowId'>;

/**
 * @param facts what the report says when the starter wrote none (schedules, other clients).
 * @param endOf what a result means: a workflow may complete and still have failed at its task.
 */
export function reported<Input, Result>(
  interpreter: (input: Input) => Promise<Result>,
  facts: (input: Input) => Facts,
  endOf: (result: Result) => ReportEnd,
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
      const result = await interpreter(input);
      await end(endOf(result));
      return result;
    } catch (error) {
      // The run goes on in a new history; or the code of the workflow is broken, and goes on when it is mended.
      if (error instanceof ContinueAsNew || !(error instanceof TemporalFailure)) throw error;
      await end(endOfFailure(error));
      throw error;
    }
  };
}
