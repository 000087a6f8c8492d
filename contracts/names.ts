/**
 * Names that two processes must agree on: workflow ids, task queues, search attributes, signals.
 */

/** One run per account and sync at a time: the workflow id says so. */
export function syncWorkflowId(sync: string, account: string): string {
  return `sync/${sync}/${account}`;
}

/** A start that waits for the run that is going on, and those queued before it. Accounts have no `/` in their names. */
export function queuedRunId(sync: string, account: string, id: string): string {
  return `${syncWorkflowId(sync, account)}/queued/${id}`;
}

/** Workflow id of the runs that it waits for; undefined for any other workflow. */
export function runsBefore(queuedId: string): string | undefined {
  return /^(sync\/[^/]+\/[^/]+)\/queued\/[^/]+$/.exec(queuedId)?.[1];
}

/** The queue in which such starts have their places. */
export function runQueue(sync: string, account: string): string {
  return `sluice:${syncWorkflowId(sync, account)}`;
}

/** Memo of a workflow that has started a run: the run's id. */
export const RUN_MEMO = 'sluiceRun';

/** One workflow per account and idempotency key of the app: a second start attaches to the first. */
export function actionWorkflowId(action: string, account: string, key: string): string {
  return `action/${action}/${account}/${key}`;
}

export function sagaWorkflowId(saga: string, account: string, key: string): string {
  return `saga/${saga}/${account}/${key}`;
}

export function sagaStepWorkflowId(sagaId: string, step: string, undo?: 'undo'): string {
  return undo ? `${sagaId}/${step}/undo` : `${sagaId}/${step}`;
}

export const searchAttributes = {
  provider: 'SluiceProvider',
  account: 'SluiceAccount',
  sync: 'SluiceSync',
  status: 'SluiceStatus',
  tenant: 'SluiceTenant',
} as const;

/** Default task queue; roles append their name (`sluice-interactive`, `sluice-bulk`, `sluice-trickle`). */
export const DEFAULT_TASK_QUEUE = 'sluice';

export const signalNames = {
  pause: 'pause',
  resume: 'resume',
  reconnected: 'reconnected',
  lockGranted: 'lockGranted',
} as const;
