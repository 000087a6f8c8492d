/**
 * Names that two processes must agree on: workflow ids, task queues, search attributes, signals.
 */
import type { Priority } from './limits/limit.ts';

/** One run per account and sync at a time: the workflow id says so. */
export function syncWorkflowId(sync: string, account: string): string {
  return `sync/${sync}/${account}`;
}

/** Whether a workflow of this id is a run itself, and not one that starts it or waits for its turn. */
export function isRunId(workflowId: string): boolean {
  return /^sync\/[^/]+\/[^/]+$/.test(workflowId);
}

/** Whose a workflow of Sluice is, by its id. */
export function accountOf(workflowId: string): string | undefined {
  const [kind, ...rest] = workflowId.split('/');
  // The name of an action has two parts.
  if (kind === 'action') return rest[2];
  return kind === 'sync' || kind === 'saga' ? rest[1] : undefined;
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

/** @param startId of one of its runs: no two fleets have the same. */
export function fleetWorkflowId(schedule: string, startId: string): string {
  return `fleet/${schedule}/${startId}`;
}

/** One canary at a time in each task queue. */
export function canaryWorkflowId(taskQueue: string): string {
  return `canary/${taskQueue}`;
}

/** Memo of a workflow that has started a run: the run's id. */
export const RUN_MEMO = 'sluiceRun';

/** One workflow per account and idempotency key of the app: a second start attaches to the first. */
export function actionWorkflowId(action: string, account: string, key: string): string {
  return `action/${action}/${account}/${idPart(key)}`;
}

export function sagaWorkflowId(saga: string, account: string, key: string): string {
  return `saga/${saga}/${account}/${idPart(key)}`;
}

export function sagaStepWorkflowId(sagaId: string, step: string, undo?: 'undo'): string {
  return undo ? `${sagaId}/${step}/undo` : `${sagaId}/${step}`;
}

/** Whether it takes back a step of a saga. */
export function isCompensationId(workflowId: string): boolean {
  return /^saga\/[^/]+\/[^/]+\/[^/]+\/[^/]+\/undo$/.test(workflowId);
}

/**
 * A text as one part of an id: two different texts are two different parts, whatever is in them (a slash, a half emoji). What usual
 * keys are made of stays as it is.
 */
function idPart(text: string): string {
  const plain = text.replaceAll(
    /[%/\p{Cc}]/gu,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return plain.isWellFormed()
    ? plain
    : plain.replaceAll(/\p{Cs}/gu, (half) => `%u${half.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** What an operation locks: the entities of a client that is bound to a tenant are that tenant's own. */
export function entityOf(entity: string, boundTo: string | null | undefined): string {
  if (boundTo !== null && boundTo !== undefined) return JSON.stringify([boundTo, entity]);
  return entity.startsWith('["') ? JSON.stringify([entity]) : entity;
}

/** As much of a text as fits into so many bytes of UTF-8. */
export function withinBytes(text: string, most: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= most) return text;
  let end = most;
  // Not in the middle of a character (RFC 3629 §3).
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}

export const searchAttributes = {
  provider: 'SluiceProvider',
  account: 'SluiceAccount',
  sync: 'SluiceSync',
  status: 'SluiceStatus',
  tenant: 'SluiceTenant',
} as const;

/** A text as a value in a query of Temporal's visibility. Names of accounts may have quotes. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Default task queue. */
export const DEFAULT_TASK_QUEUE = 'sluice';

/** Roles of workers: each serves what was started with that priority. */
export const ROLES = ['interactive', 'bulk', 'background'] as const satisfies readonly Priority[];

/**
 * Where a run, action or saga of a priority is started. `bulk` is the task queue itself, so what others start there (schedules,
 * workflows of the app) is served; the others append their name.
 */
export function taskQueueOf(taskQueue: string, priority: Priority): string {
  return priority === 'bulk' ? taskQueue : `${taskQueue}-${priority}`;
}

/** The task queue and the role of whose workers it is served by. */
export function roleOf(taskQueue: string): { readonly taskQueue: string; readonly role: Priority } {
  const role = ROLES.find((each) => each !== 'bulk' && taskQueue.endsWith(`-${each}`));
  return role ? { taskQueue: taskQueue.slice(0, -role.length - 1), role } : { taskQueue, role: 'bulk' };
}

export const signalNames = {
  pause: 'pause',
  resume: 'resume',
  reconnected: 'reconnected',
  lockGranted: 'lockGranted',
  /** Another build of the workers is the current one. */
  newBuild: 'newBuild',
} as const;
