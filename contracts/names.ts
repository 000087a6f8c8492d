/**
 * Names that two processes must agree on: workflow ids, task queues, search attributes, signals.
 */

/** One run per account and sync at a time: the workflow id says so, and a second start attaches to the first. */
export function syncWorkflowId(sync: string, account: string): string {
  return `sync/${sync}/${account}`;
}

export function resourceWorkflowId(syncId: string, node: string): string {
  return `${syncId}/${node}`;
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
  wake: 'wake',
  parentDone: 'parentDone',
  waiting: 'waiting',
} as const;
