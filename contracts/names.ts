/**
 * Names that two processes must agree on: workflow ids, task queues, search attributes, signals.
 */

/** One run per account and sync at a time: the workflow id says so, and a second start attaches to the first. */
export function syncWorkflowId(sync: string, account: string): string {
  return `sync/${sync}/${account}`;
}

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
