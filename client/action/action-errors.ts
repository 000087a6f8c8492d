/** The failures of actions as the app gets them. */
import type { ActionErrorType, PendingOperation } from '../../contracts/action.ts';

/** The action or saga has ended and did not do what it should. Its report says the same. */
export class ActionFailed extends Error {
  override readonly name = 'ActionFailed';
  /** Who must act: see `ActionErrorType`; for sagas also `compensation-failed`. `terminated` and `timed-out` come from Temporal. */
  readonly type: ActionErrorType | 'compensation-failed' | (string & {});
  readonly workflowId: string;

  constructor(workflowId: string, type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
    this.workflowId = workflowId;
  }
}

/** Not accepted: other operations on the same entity are not done, and this one's policy is `refuse`. */
export class EntityBusy extends Error {
  override readonly name = 'EntityBusy';
  readonly entity: string;
  /** What is being done, and what waits. */
  readonly pending: readonly PendingOperation[];

  constructor(entity: string, pending: readonly PendingOperation[]) {
    super(`"${entity}" is being worked on by ${pending.map(({ name }) => name).join(', ') || 'another operation'}.`);
    this.entity = entity;
    this.pending = pending;
  }
}
