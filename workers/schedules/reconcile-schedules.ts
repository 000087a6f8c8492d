/**
 * What a worker does about schedules when it starts: brings them into force, or says that they differ from its code. Next:
 * `client/schedules/apply-schedules.ts`.
 */
import type { Log } from '../../activities/index.ts';
import { applySchedules, driftText, planSchedules } from '../../client/schedules/apply-schedules.ts';
import type { ClientParts } from '../../client/start-workflow.ts';
import type { Sync } from '../../providers/index.ts';

/** @param isApplied false: nothing is changed. Nothing is ever removed here. */
export async function reconcileSchedules(
  { pool, taskQueue }: ClientParts,
  syncs: readonly Sync[],
  isApplied: boolean,
  log: Log,
): Promise<void> {
  if (isApplied) await applySchedules(pool, taskQueue, syncs, { removes: false });
  const drift = driftText(await planSchedules(pool, taskQueue, syncs));
  if (drift !== undefined)
    log.warn(
      { taskQueue },
      `schedules differ from the code: ${drift}; \`npx sluice schedules plan\` shows them, \`apply\` mends it`,
    );
}
