/**
 * A saga: its actions one after another as child workflows, each with a report and a lock of its own. When one fails, the
 * finished ones are taken back in reverse; a compensation that fails is reported, and the others still run.
 * Next: `activities/action/saga-steps.ts` makes a step, `action.ts` runs it.
 */
import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ActionInput, SagaFact, SagaInput, SagaPlanStep } from '../contracts/action.ts';
import { REPORT_MEMO } from '../contracts/report.ts';
import { action } from './action.ts';
import { heardSteps } from './activity-proxies.ts';
import { giveBack, waitForTurn } from './entity-lock.ts';
import { endOfFailure } from './report-end.ts';
import { statusAttribute } from './signals.ts';

/** @throws ApplicationFailure with the type of the step that failed, or `compensation-failed`. */
export async function saga(input: SagaInput): Promise<SagaFact> {
  const finished: SagaPlanStep[] = [];
  let at = 'its turn';
  let state = 'failed';
  try {
    await waitForTurn(input.lock);
    for (const step of input.steps) {
      at = step.name;
      setCurrentDetails(`step ${finished.length + 1} of ${input.steps.length}: ${at}`);
      await runStep(input, step, false);
      finished.push(step);
    }
    state = 'done';
    return { state: 'done' };
  } catch (error) {
    const undone = await CancellationScope.nonCancellable(() => compensate(input, finished.toReversed()));
    throw failureOf(at, error, undone);
  } finally {
    upsertSearchAttributes([{ key: statusAttribute, value: state }]);
    setCurrentDetails(state);
    await giveBack(input.lock);
  }
}

interface Compensated {
  readonly done: readonly string[];
  readonly failed: readonly string[];
}

async function compensate(input: SagaInput, finished: readonly SagaPlanStep[]): Promise<Compensated> {
  const done: string[] = [];
  const failed: string[] = [];
  for (const step of finished) {
    if (!step.hasCompensation) {
      failed.push(`${step.name} (it has no compensation)`);
      continue;
    }
    setCurrentDetails(`taking back ${step.name}`);
    try {
      await runStep(input, step, true);
      done.push(step.name);
    } catch (error) {
      const end = endOfFailure(error);
      failed.push(`${step.name} (${end.status === 'ok' ? '' : end.error})`);
    }
  }
  return { done, failed };
}

async function runStep(input: SagaInput, step: SagaPlanStep, undo: boolean): Promise<void> {
  const saga = CancellationScope.current();
  const options = await prepare(input, step, undo).catch(async (error: unknown) => {
    if (saga.consideredCancelled) await saga.cancelRequested;
    throw error;
  });
  // From here on it has a report and a place at its entity. So it is started in any case, and told of a cancellation then.
  await CancellationScope.nonCancellable(async () => {
    const own = new CancellationScope();
    await own.run(async () => {
      const child = await startChild(action, options);
      if (saga.cancellable) saga.cancelRequested.catch(() => own.cancel());
      await child.result();
    });
  });
}

async function prepare(input: SagaInput, step: SagaPlanStep, undo: boolean) {
  const { workflowId: sagaWorkflowId, firstExecutionRunId: sagaRunId, typedSearchAttributes } = workflowInfo();
  const prepared = await heardSteps.prepareStep({
    sagaWorkflowId,
    sagaRunId,
    saga: input.saga,
    step: step.name,
    ...(undo ? { undo } : {}),
  });
  const { workflowId, account, tenant, startedBy, lock, reportId } = prepared;
  const args: ActionInput = {
    action: step.action,
    account,
    tenant,
    startedBy,
    priority: input.priority,
    weight: input.weight,
    callTimeoutMs: step.callTimeoutMs,
    ...(lock ? { lock } : {}),
    ...(input.trace === undefined ? {} : { trace: input.trace }),
  };
  return {
    workflowId,
    args: [args] as [ActionInput],
    memo: { [REPORT_MEMO]: reportId },
    // A write that is on its way is recorded, and its lock given back, also when somebody terminates the saga.
    parentClosePolicy: ParentClosePolicy.ABANDON,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `${undo ? 'take back ' : ''}${step.name} of ${input.saga}, ${account}`,
    typedSearchAttributes,
  };
}

function failureOf(step: string, error: unknown, undone: Compensated): unknown {
  if (undone.failed.length === 0 && undone.done.length === 0 && isCancellation(error)) return error;
  const end = endOfFailure(error);
  const isCancelled = end.status === 'cancelled';
  const type = end.status === 'failed' ? end.errorType : isCancelled ? 'cancelled' : 'error';
  const why = end.status === 'ok' ? '' : end.error;
  const parts = [
    `${step} ${isCancelled ? 'was cancelled' : 'failed'}${why === 'it was cancelled' ? '' : `: ${why}`}`,
    ...(undone.done.length > 0 ? [`taken back: ${undone.done.join(', ')}`] : []),
    ...(undone.failed.length > 0 ? [`NOT taken back: ${undone.failed.join(', ')}`] : []),
    ...(undone.done.length + undone.failed.length === 0 ? ['nothing had to be taken back'] : []),
  ];
  return ApplicationFailure.create({
    type: undone.failed.length > 0 ? 'compensation-failed' : type,
    message: parts.join('; '),
    nonRetryable: true,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
