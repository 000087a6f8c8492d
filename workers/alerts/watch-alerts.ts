/**
 * Looks for alerts and sends canaries: one worker at a time does it for all. Next: `client/alerts/look-for-alerts.ts`,
 * `workflows/canary.ts`.
 */
import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { Log } from '../../activities/index.ts';
import { lookForAlerts } from '../../client/alerts/look-for-alerts.ts';
import type { AlertRules } from '../../contracts/alerts/alert.ts';
import { ALERT_DEFAULTS } from '../../contracts/alerts/alert.ts';
import { canaryWorkflowId } from '../../contracts/names.ts';
import { claimCanaries, registerQueue, takeRound, type Pool } from '../../db/index.ts';
import { every } from '../loops/interval.ts';

/** A third of the time after which a queue counts as unserved, so that two canaries may be late. */
const CANARIES_BEFORE_ALARM = 3;
const LOOK_MS = 15_000;

export interface WatchOptions extends AlertRules {
  /** How often it is looked, in milliseconds. Default 15,000. */
  readonly lookEveryMs?: number;
}

/** @param taskQueues that this worker serves. @returns a function that ends it. */
export function startWatchingAlerts(
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  taskQueues: readonly string[],
  log: Log,
  options: WatchOptions = {},
): () => Promise<void> {
  const { lookEveryMs = LOOK_MS, ...rules } = options;
  const canaryMs = (rules.unservedAfterMs ?? ALERT_DEFAULTS.unservedAfterMs) / CANARIES_BEFORE_ALARM;
  let answeredAt = -Infinity;
  const stopCanaries = every(canaryMs / 4, 'sending canaries', log, async () => {
    for (const taskQueue of taskQueues) await registerQueue(pool, taskQueue);
    for (const taskQueue of await claimCanaries(pool, canaryMs)) await sendCanary(client, taskQueue, canaryMs);
    return false;
  });
  const stopLooking = every(lookEveryMs, 'looking for alerts', log, async () => {
    const isTurn = await takeRound(pool, lookEveryMs * 0.7, rules);
    // After a night without workers, or without the database, the first canary comes through in a moment.
    const wasAway = performance.now() - answeredAt > lookEveryMs * 4;
    answeredAt = performance.now();
    if (!isTurn || wasAway) return false;
    const { errors } = await lookForAlerts(pool, rules);
    if (errors.length > 0) throw new Error(errors.join('; '));
    return false;
  });
  return async () => {
    await Promise.all([stopCanaries(), stopLooking()]);
  };
}

/** One that has not come through yet is the next one, too. */
async function sendCanary(client: Client, taskQueue: string, everyMs: number): Promise<void> {
  await client.workflow.start('canary', {
    workflowId: canaryWorkflowId(taskQueue),
    taskQueue,
    args: [{ taskQueue }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    // What nobody took is sent again; a queue that is given up keeps no workflow open.
    workflowExecutionTimeout: Math.max(60_000, everyMs * 10),
    staticSummary: 'Passes through this task queue; when none does, an alert says that nobody serves it',
  });
}
