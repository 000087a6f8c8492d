/**
 * What a worker does about schedules when it starts: brings them into force, or says that they differ from its code. Next:
 * `client/schedules/apply-schedules.ts`.
 */
import type { Log } from '../../activities/index.ts';
import { applySchedules, declaredBy, driftText, planSchedules } from '../../client/schedules/apply-schedules.ts';
import type { ClientParts } from '../../client/start-workflow.ts';
import { tellDeclared } from '../../db/index.ts';
import type { Sync } from '../../providers/index.ts';

/** @param isApplied false: nothing is changed. Nothing is ever removed here. */
export async function reconcileSchedules(
  { pool, taskQueue }: ClientParts,
  syncs: readonly Sync[],
  isApplied: boolean,
  log: Log,
): Promise<void> {
  if (isApplied) await applySchedules(pool, taskQueue, syncs, { removes: false });
  const declared = declaredBy(syncs);
  // A worker of actions alone has nothing to say of its task queue's schedules.
  if (syncs.length > 0) await tellDeclared(pool, taskQueue, declared);
  const drift = driftText(await planSchedules(pool, taskQueue, declared));
  if (drift !== undefined)
    log.warn(
      { taskQueue },
      `schedules differ from the code: ${drift}; \`npx sluice schedules plan\` shows them, \`apply\` mends it`,
    );
}
