/**
 * One action or saga as the app sees it: status, result, cancel. What is read is Postgres; Temporal is only waited for.
 */
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { ActionState } from '../../contracts/action.ts';
import { sagaStepWorkflowId } from '../../contracts/names.ts';
import type { Report } from '../../contracts/report.ts';
import type { RunWait } from '../../contracts/run.ts';
import { listReports, listSteps, loadActionStep, loadSaga, type ActionStep } from '../../db/index.ts';
import type { ActionDefinition } from '../../providers/define/define-action.ts';
import type { SagaDefinition } from '../../providers/define/define-saga.ts';
import { ActionFailed } from './action-errors.ts';
import { readActionWaits } from '../waits/action-waits.ts';
import { resolveAction, type Resolution } from './resolve-action.ts';
import { readRequest, sendAgain, type SendAgainOptions } from './send-again.ts';
import type { ClientParts } from '../start-workflow.ts';
import { isNotFound } from '../describe-workflow.ts';
import { untilClosed } from '../until-closed.ts';

export interface ActionStatus {
  /** `ready` waits for its turn, `unknown` was sent and is being looked up. */
  readonly state: ActionState;
  /** Real calls to the third party so far. */
  readonly calls: number;
  readonly error: string | null;
  readonly errorType: string | null;
  /** What goes to the third party as idempotency key. */
  readonly idempotencyKey: string;
  /** Who has decided on its unknown fate; null when nobody had to. */
  readonly resolvedBy: string | null;
}

/** What an action was asked to do. */
export interface ActionRequest {
  /** `provider/action`. */
  readonly action: string;
  readonly account: string;
  readonly tenant: string;
  /** As it was given: what the app wants to write, so it may be private. */
  readonly input: unknown;
  /** Why it can't be sent again; undefined when it can. */
  readonly whyNot?: string;
}

export interface ActionHandle<Output> {
  readonly workflowId: string;
  /** One cheap query. @returns undefined when no such action is known. */
  status(): Promise<ActionStatus | undefined>;
  /**
   * Why it does not get on at the moment. It may wait for an earlier operation on its entity, for its turn at a limit,
   * or for the retry of a failed call. Or a step or a workflow task fails again and again, or no worker takes it. Empty
   * when nothing waits, or it has ended. The whole queue of an entity is `sluice.pending()`.
   */
  waits(): Promise<readonly RunWait[]>;
  /**
   * Waits for the end.
   * @throws ActionFailed when it did not do what it should; `type` says why and who must act.
   */
  result(): Promise<Output>;
  /** Asks for its end: not sent if it was not sent yet. What was sent is looked up first, and done is done. */
  cancel(): Promise<void>;
  /**
   * A person's decision on a write that was left as `unknown-write`: it happened, with this output; or it did not, and is
   * sent again. Then `result()` gives the output, or waits for it. A step of a saga that did not happen is closed as `cancelled`.
   * @throws TypeError when the output does not fit, or for a handle that does not know its action:
   *   `sluice.action({ workflowId, action })` does.
   * @throws Error when there is nothing to resolve, e.g. because somebody else just did.
   * @throws EntityBusy when it is to be sent again and its entity is being worked on, with the policy `refuse`.
   */
  resolve(resolution: Resolution<Output>): Promise<void>;
  /** What was asked for, input included. @returns undefined when no such action is known. */
  request(): Promise<ActionRequest | undefined>;
  /**
   * Sends a failed or cancelled action again, with the same input or another one. It is a new action: a workflow, a report and a key at
   * the third party of its own.
   * @throws TypeError when it is open or done, its fate is not decided, or it is a step of a saga. TypeError too when
   * the handle does not know its action.
   * @throws ZodError when the input does not fit.
   */
  sendAgain(options?: SendAgainOptions): Promise<ActionHandle<Output>>;
}

export interface SagaStepStatus extends ActionStatus {
  /** Of the step; the name of the one that it takes back when `isCompensation`. */
  readonly name: string;
  /** `provider/action`. */
  readonly action: string;
  readonly workflowId: string;
  readonly isCompensation: boolean;
}

export interface SagaHandle<Outputs> {
  readonly workflowId: string;
  /** Its newest report. @returns undefined when no such saga is known. */
  status(): Promise<Report | undefined>;
  /** The steps that have begun so far, compensations too, in that order. */
  steps(): Promise<readonly SagaStepStatus[]>;
  /** As of an action, of all its steps. */
  waits(): Promise<readonly RunWait[]>;
  /** @returns the output of each step by its name. @throws ActionFailed */
  result(): Promise<Outputs>;
  /** Asks for its end: finished steps are taken back. */
  cancel(): Promise<void>;
}

/** @param definition of the action; without it, its unknown fate can't be resolved. */
export function createActionHandle<Output>(
  parts: ClientParts,
  workflowId: string,
  definition?: ActionDefinition,
): ActionHandle<Output> {
  const known = (): ActionDefinition => {
    if (definition) return definition;
    throw new TypeError('This handle does not know its action; take one with `sluice.action({ workflowId, action })`.');
  };
  return {
    workflowId,
    status: async () => {
      const step = await loadActionStep(parts.pool, workflowId);
      return step && toStatus(step);
    },
    waits: () => readActionWaits(parts.client, parts.pool, workflowId),
    result: () =>
      untilClosed(parts, async () => {
        const early = await loadActionStep(parts.pool, workflowId);
        if (early?.state === 'done') return early.output as Output;
        const failure = await endOf(parts, workflowId);
        const step = await loadActionStep(parts.pool, workflowId);
        if (step?.state === 'done') return step.output as Output;
        throw step?.errorType
          ? new ActionFailed(workflowId, step.errorType, step.error ?? step.errorType, { cause: failure })
          : (failure ?? new ActionFailed(workflowId, 'bug', 'it ended and nothing is known of its write'));
      }),
    cancel: () => cancel(parts, workflowId),
    resolve: async (resolution) => {
      const action = known();
      // What it was doing last (its report, its lock) belongs to before.
      await endOf(parts, workflowId);
      await resolveAction(parts, action, workflowId, resolution);
    },
    request: () => readRequest(parts, workflowId),
    sendAgain: async (options = {}) => sendAgain(parts, known(), workflowId, options),
  };
}

/** @param definition of the saga; without it, its result has the steps that were done. */
export function createSagaHandle<Outputs>(
  parts: ClientParts,
  workflowId: string,
  definition?: SagaDefinition,
): SagaHandle<Outputs> {
  return {
    workflowId,
    status: async () => (await listReports(parts.pool, { workflowId, order: 'newest', limit: 1 }))[0],
    steps: async () => (await listSteps(parts.pool, workflowId)).map((step) => toStepStatus(workflowId, step)),
    waits: () => readActionWaits(parts.client, parts.pool, workflowId),
    result: () =>
      untilClosed(parts, async () => {
        const failure = await endOf(parts, workflowId);
        if (failure) throw failure;
        const saga = await loadSaga(parts.pool, workflowId);
        const known =
          definition?.steps.map(({ name }) => name) ??
          [...(saga?.outputs.keys() ?? [])].map((id) => id.slice(workflowId.length + 1));
        const outputs = known.map((name) => [name, saga?.outputs.get(sagaStepWorkflowId(workflowId, name))]);
        return Object.fromEntries(outputs) as Outputs;
      }),
    cancel: () => cancel(parts, workflowId),
  };
}

function toStatus({ state, calls, error, errorType, idempotencyKey, resolvedBy }: ActionStep): ActionStatus {
  return { state, calls, error, errorType, idempotencyKey, resolvedBy };
}

function toStepStatus(sagaWorkflowId: string, step: ActionStep): SagaStepStatus {
  const { workflowId, undoes, provider, action } = step;
  return {
    name: (undoes ?? workflowId).slice(sagaWorkflowId.length + 1),
    action: `${provider}/${action}`,
    workflowId,
    isCompensation: undoes !== null,
    ...toStatus(step),
  };
}

async function cancel({ client, pool }: ClientParts, workflowId: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).cancel();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // One that ended so long ago that Temporal has forgotten it stays as it is.
    if ((await listReports(pool, { workflowId, limit: 1 })).length > 0) return;
    throw new Error(`Nothing is known of "${workflowId}": it was never started, or what is known of it is deleted.`, {
      cause: error,
    });
  }
}

/** Waits for the workflow. @returns how it failed; undefined when it did not, or Temporal does not know it any more. */
export async function endOf({ client, pool }: ClientParts, workflowId: string): Promise<ActionFailed | undefined> {
  try {
    await client.workflow.getHandle(workflowId).result();
    return undefined;
  } catch (error) {
    if (error instanceof WorkflowFailedError) {
      const cause: (Error & { type?: string | null }) | undefined = error.cause;
      const type = cause?.type ?? typeNames[cause?.name ?? ''] ?? 'bug';
      return new ActionFailed(workflowId, type, cause?.message ?? error.message, { cause: error });
    }
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const report = (await listReports(pool, { workflowId, order: 'newest', limit: 1 }))[0];
    if (report?.status === 'ok') return undefined;
    const type = report?.errorType ?? 'not-started';
    return new ActionFailed(workflowId, type, report?.error ?? 'Temporal knows no such workflow', { cause: error });
  }
}

const typeNames: Readonly<Record<string, string>> = {
  CancelledFailure: 'cancelled',
  TerminatedFailure: 'terminated',
  TimeoutFailure: 'timed-out',
};
