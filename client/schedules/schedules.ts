/**
 * Schedules as an app or an operator handles them. Used by: `client/connect.ts`, `cli/commands/operate/schedules.ts`.
 */
import type { SchedulePlan, ScheduleStanding } from '../../contracts/schedules/schedule.ts';
import { pauseSchedule, readScheduleStandings, type Pool } from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { applySchedules, declaredBy, planSchedules, type ApplyOptions } from './apply-schedules.ts';

export interface Schedules {
  /** What `apply` would add, change and remove in the task queue of this client; nothing is changed. */
  plan(syncs: readonly Sync[]): Promise<SchedulePlan>;
  /**
   * Brings the schedules and `freshFor` of these syncs into force: all that the task queue of this client has. What is there and not in
   * `syncs` is removed. Schedules of other task queues are never touched.
   * @returns what was done.
   * @throws RemovesMany when so much would be removed that it looks like a mistake; nothing was changed then.
   */
  apply(syncs: readonly Sync[], options?: ApplyOptions): Promise<SchedulePlan>;
  /** Every schedule as it stands, of every task queue, by id. */
  list(): Promise<readonly ScheduleStanding[]>;
  /**
   * No account is started by it until it is resumed. Runs that are going on go on.
   * @throws Error when there is none of this id.
   */
  pause(id: string, reason?: string): Promise<void>;
  /** Accounts that were due meanwhile are started once. @throws Error when there is none of this id. */
  resume(id: string): Promise<void>;
}

export function createSchedules(pool: Pool, taskQueue: string): Schedules {
  const set = async (id: string, reason: string | null): Promise<void> => {
    if (await pauseSchedule(pool, id, reason)) return;
    const known = (await readScheduleStandings(pool)).map((each) => each.id).join(', ');
    throw new Error(`There is no schedule "${id}"; there are ${known || 'none: `npx sluice schedules apply`'}.`);
  };
  return {
    plan: (syncs) => planSchedules(pool, taskQueue, declaredBy(syncs)),
    apply: (syncs, options) => applySchedules(pool, taskQueue, syncs, options),
    list: () => readScheduleStandings(pool),
    pause: (id, reason = 'by an operator') => set(id, reason),
    resume: (id) => set(id, null),
  };
}
