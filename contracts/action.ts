/**
 * Actions: writes to a third party. What travels between client, workflows and activities: ids and small facts; inputs
 * and outputs stay in Postgres (`sluice.action_step`). Next: `client/action/act.ts` starts one.
 */
import type { Traceparent } from './trace.ts';
import type { Priority } from './limits/limit.ts';
import type { StartedBy } from './report.ts';

/**
 * What a second operation on one entity does while the first is not done: `refuse` it is not accepted · `wait` it follows
 * · `cancel-previous` the earlier ones are cancelled as far as they were not sent yet, then it follows.
 */
export type ConflictPolicy = 'refuse' | 'wait' | 'cancel-previous';

export type ActionState = 'ready' | 'sending' | 'unknown' | 'done' | 'failed' | 'cancelled';

/** Why an action has failed; also the `type` of the failure in Temporal. */
export type ActionErrorType =
  /** Refused for good: credentials or permissions, wrong configuration, no such thing, a request that can't be right. */
  | 'auth'
  | 'config'
  | 'gone'
  | 'bug'
  /** The budget of real attempts is spent. */
  | 'attempts-spent'
  /** It was sent, nobody knows whether it happened, and it may not be repeated: a person must decide. */
  | 'unknown-write'
  /** It happened, but its output can't be kept (nested too deep, no JSON): a person gives it. It is not sent again. */
  | 'output-lost'
  /** Refused because of another operation on the same entity. */
  | 'conflict'
  | 'cancelled';

export interface ActionInput {
  /** `provider/action`. */
  readonly action: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly priority: Priority;
  readonly weight: number;
  /** Ceiling of one call in milliseconds, permit not included. */
  readonly callTimeoutMs: number;
  /** Set when this operation has a place in the queue of an entity. */
  readonly lock?: LockPlace;
  readonly trace?: Traceparent;
}

export interface LockPlace {
  readonly entity: string;
  /** False: the place came with the lock. */
  readonly mustWait: boolean;
  /** Workflows whose operations are to be cancelled. */
  readonly cancels: readonly string[];
}

/** What one activity did; the output stays in Postgres. */
export type ActionFact =
  | { readonly state: 'done' }
  /** One more call is needed: the look-up said that the write is not there. */
  | { readonly state: 'again' };

export interface PerformActionInput {
  readonly workflowId: string;
  readonly priority: Priority;
  readonly weight: number;
  /** Only find out what became of what was sent; send nothing more. */
  readonly settleOnly?: boolean;
  readonly trace?: Traceparent;
}

export interface SagaInput {
  readonly saga: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly priority: Priority;
  readonly weight: number;
  readonly steps: readonly SagaPlanStep[];
  readonly lock?: LockPlace;
  readonly trace?: Traceparent;
}

/** The outputs of the steps stay in Postgres. */
export interface SagaFact {
  readonly state: 'done';
}

export interface SagaPlanStep {
  readonly name: string;
  /** `provider/action`. */
  readonly action: string;
  readonly callTimeoutMs: number;
  readonly hasCompensation: boolean;
}

export interface PrepareStepInput {
  readonly sagaWorkflowId: string;
  readonly sagaRunId: string;
  readonly saga: string;
  readonly step: string;
  /** Take the step back instead. */
  readonly undo?: boolean;
}

/** What a saga's next child workflow is started with. */
export interface PreparedStep {
  readonly workflowId: string;
  readonly reportId: string;
  readonly account: string;
  readonly tenant: string;
  readonly startedBy: StartedBy;
  readonly lock?: LockPlace;
}

/** Gives a place in the queue of an entity back, or asks whether it has come to the front. */
export interface LockInput {
  readonly entity: string;
  readonly workflowId: string;
}

/** An operation that is not done, as the app sees it. */
export interface PendingOperation {
  readonly entity: string;
  /** `sync`: a run that was queued behind another. */
  readonly kind: 'action' | 'saga' | 'sync';
  readonly name: string;
  readonly account: string;
  readonly startedBy: string;
  readonly workflowId: string;
  /** 0 holds the lock; the others follow in this order. */
  readonly position: number;
  readonly requestedAt: string;
  readonly acquiredAt: string | null;
  /** A later operation has asked for its end. */
  readonly isCancelled: boolean;
}
