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
  workersOfQueue,
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
  /**
   * Nobody means to serve this task queue any more: its absence is no alarm.
   * @returns false when it is not known. @throws TypeError while a worker serves it: it would be known again within a minute.
   */
  forgetQueue(taskQueue: string): Promise<boolean>;
}

/** Workers in the text of an error. */
const MOST_NAMED = 10;

export function createAlerts(pool: Pool): Alerts {
  return {
    list: (filter) => listAlerts(pool, filter),
    look: (rules) => lookForAlerts(pool, rules),
    freshness: () => freshnessSeen(pool),
    queues: () => listQueues(pool),
    forgetQueue: async (taskQueue) => {
      const workers = await workersOfQueue(pool, taskQueue);
      if (workers.length === 0) return forgetQueue(pool, taskQueue);
      const more = workers.length > MOST_NAMED ? ` and ${workers.length - MOST_NAMED} more` : '';
      throw new TypeError(
        `Task queue "${taskQueue}" is served, by ${workers.slice(0, MOST_NAMED).join(', ')}${more}. End its workers first ` +
          '(`npx sluice workers drain <worker>`), or leave its role out of theirs. One that was killed counts for two minutes.',
      );
    },
  };
}
