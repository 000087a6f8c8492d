/** Alerts as an app or an operator handles them. Used by: `client/connect.ts`, `cli/commands/operate/alerts.ts`. */
import type { Alert, AlertRules } from '../../contracts/alerts/alert.ts';
import {
  forgetQueue,
  freshnessSeen,
  listAlerts,
  listQueues,
  type AlertFilter,
  type FreshnessSeen,
  type Pool,
  type SeenQueue,
} from '../../db/index.ts';
import { lookForAlerts, type LookedForAlerts } from './look-for-alerts.ts';

export interface Alerts {
  /** Open ones, or all with `all`, the newest first. */
  list(filter?: AlertFilter): Promise<readonly Alert[]>;
  /** Looks now, fires and clears: what workers do by themselves every 15 s. For a process that watches the workers. Default rules: theirs. */
  look(rules?: AlertRules): Promise<LookedForAlerts>;
  /** How old the rows of each sync were when a worker last looked, some seconds ago; undefined before one has. `sluice.freshness()` looks now. */
  freshness(): Promise<{ readonly at: string; readonly syncs: readonly FreshnessSeen[] } | undefined>;
  /** Task queues that workers serve or have served, and when one last took something from each. */
  queues(): Promise<readonly SeenQueue[]>;
  /** Nobody means to serve this task queue any more: its absence is no alarm. @returns false when it is not known. */
  forgetQueue(taskQueue: string): Promise<boolean>;
}

export function createAlerts(pool: Pool): Alerts {
  return {
    list: (filter) => listAlerts(pool, filter),
    look: (rules) => lookForAlerts(pool, rules),
    freshness: () => freshnessSeen(pool),
    queues: () => listQueues(pool),
    forgetQueue: (taskQueue) => forgetQueue(pool, taskQueue),
  };
}
