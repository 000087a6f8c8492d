/**
 * An operation's turn at its entity: waits for the lock without holding anything, and gives it back at the end.
 * Next: `db/stores/action/entity-lock-store.ts`.
 */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { LockPlace } from '../contracts/action.ts';
import { runStep } from './activity-proxies.ts';
import { lockGrantedSignal } from './signals.ts';

/** Resolves when the entity is this operation's. @throws CancelledFailure when it is cancelled while it waits. */
export async function waitForTurn(lock: LockPlace | undefined): Promise<void> {
  if (!lock?.mustWait) return;
  const { entity, cancels } = lock;
  const { workflowId } = workflowInfo();
  let granted = 0;
  setHandler(lockGrantedSignal, () => void granted++);
  for (const earlier of cancels) {
    getExternalWorkflowHandle(earlier)
      .cancel()
      .catch(() => {
        // Ended meanwhile, or not started yet: then it reads from its place in the queue that it is not wanted.
      });
  }
  setCurrentDetails(`waiting: "${entity}" is being worked on`);
  try {
    for (;;) {
      const before = granted;
      if (await runStep((steps) => steps.holdsLock({ entity, workflowId }))) break;
      await condition(() => granted > before);
    }
  } finally {
    setCurrentDetails('');
  }
}

/** Gives the place back, also when it never came to the front. */
export async function giveBack(lock: LockPlace | undefined): Promise<void> {
  if (!lock) return;
  const { workflowId } = workflowInfo();
  await CancellationScope.nonCancellable(() =>
    runStep((steps) => steps.releaseLock({ entity: lock.entity, workflowId })),
  );
}
