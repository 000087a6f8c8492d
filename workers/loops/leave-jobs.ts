/**
 * Cancels jobs at third parties whose lists have ended without them. Next: `activities/job/leave-abandoned.ts`.
 */
import { leaveNext, nodesWithCancel, type ActivityDeps } from '../../activities/index.ts';
import type { Sync } from '../../providers/index.ts';
import { every } from './interval.ts';

const INTERVAL_MS = 5_000;

/** @param syncs that this worker has. @returns a function that ends it after the one that is under way. */
export function startLeavingJobs(deps: ActivityDeps, syncs: readonly Sync[]): () => Promise<void> {
  const resources = nodesWithCancel(syncs.map(({ definition }) => definition));
  if (resources.length === 0) return () => Promise.resolve();
  return every(INTERVAL_MS, 'cancelling jobs that nobody wants any more', deps.log, () => leaveNext(deps, resources));
}
