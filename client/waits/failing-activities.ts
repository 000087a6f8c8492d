/**
 * Which steps of a workflow fail again and again, in words. Its worker may lack a sync, credentials may be unreadable,
 * or the database may give an error. Called by `workflow-task-health.ts` on what Temporal knows of the activities that
 * are open.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { duration } from '../../contracts/values/duration.ts';
import type { RunWait } from '../../contracts/run.ts';
import { toMs } from '../timestamps.ts';

type Step = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** Waits for a turn, or for a third party: `db/stores/run/wait-store.ts` knows more about both. `activities/call/to-failure.ts` says which. */
const ORDINARY = { Waiting: 'limit', ThirdPartyFailed: 'backoff' } as const satisfies Record<string, RunWait['kind']>;
const LONGEST_MESSAGE = 500;
/** Of an attempt of which nothing was heard any more. Those before it may have waited: their number says nothing. */
const CUT_OFF = 'its worker was killed, or is too busy';

/**
 * @param nowMs the only clock besides the server's: it moves the time until the next attempt.
 * @returns one text for each step and message; `calls` is how many lists are held up so.
 */
export function failingSteps(steps: readonly Step[], nowMs: number): Pick<RunWait, 'calls' | 'text'>[] {
  const alike = new Map<string, Step[]>();
  for (const step of steps) {
    const failure = step.lastFailure;
    if (!failure || ordinaryKind(step)) continue;
    const because = failure.timeoutFailureInfo
      ? CUT_OFF
      : failure.message || failure.applicationFailureInfo?.type || 'nothing says why';
    const key = `${step.activityType?.name}\n${because}`;
    alike.set(key, [...(alike.get(key) ?? []), step]);
  }
  return [...alike].map(([key, group]) => {
    const [name, ...because] = key.split('\n');
    const message = because.join('\n').slice(0, LONGEST_MESSAGE);
    return {
      calls: name === 'fetchPage' ? group.length : 0,
      text: `${whatOf(name ?? '', message, group)}; ${nextAttempt(group, nowMs)}`,
    };
  });
}

/**
 * What steps wait for that no query knows of (actions: their calls are no lists). It is their turn at a limit, or the
 * next attempt after a failed call. As `failingSteps`, one entry for each step.
 */
export function waitingSteps(steps: readonly Step[], nowMs: number): Omit<RunWait, 'node'>[] {
  return steps.flatMap((step) => {
    const kind = ordinaryKind(step);
    if (!kind) return [];
    const inMs = Math.max(0, toMs(step.scheduledTime) - nowMs);
    const because = step.lastFailure?.message ?? '';
    return [{ kind, calls: 1, firstInMs: inMs, lastInMs: inMs, text: `${because}; ${nextAttempt([step], nowMs)}` }];
  });
}

function ordinaryKind({ lastFailure }: Step): RunWait['kind'] | undefined {
  const type = lastFailure?.applicationFailureInfo?.type ?? '';
  return Object.hasOwn(ORDINARY, type) ? ORDINARY[type as keyof typeof ORDINARY] : undefined;
}

function whatOf(name: string, message: string, group: readonly Step[]): string {
  if (message === CUT_OFF) return cutOff(name, group);
  // Its worker has made no call, so nothing has failed: `noRoom` of `activities/call/to-failure.ts`.
  if (group.every(({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'NoRoom'))
    return `${group.length === 1 ? `${name} waits` : `${group.length} × ${name} wait`}: ${message}`;
  return `${howOften(name, group)}: ${message}`;
}

function cutOff(name: string, group: readonly Step[]): string {
  return `${group.length === 1 ? `${name} was` : `${group.length} × ${name} were`} not ended in time: ${CUT_OFF}`;
}

function howOften(name: string, group: readonly Step[]): string {
  const most = Math.max(...group.map(({ attempt }) => (attempt ?? 1) - 1));
  const times = most <= 1 ? 'once' : `${most} times`;
  return group.length === 1
    ? `${name} has failed ${times}`
    : `${group.length} × ${name} have failed, up to ${times} each`;
}

function nextAttempt(group: readonly Step[], nowMs: number): string {
  // One that is at work again is not scheduled for a time to come.
  const first = Math.min(...group.map(({ scheduledTime }) => toMs(scheduledTime) - nowMs));
  return first > 0 ? `next attempt in ${duration(Math.ceil(first / 1_000) * 1_000)}` : 'it is tried again now';
}
