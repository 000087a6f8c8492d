/**
 * Whether the schedules in force are those of the code, and are carried out. Used by `diagnose.ts`.
 */
import { counted } from '../../contracts/limits/limit-words.ts';
import { duration } from '../../contracts/values/duration.ts';
import { finding, type Check, type Finding } from '../../contracts/operate/finding.ts';
import type { ScheduleStanding } from '../../contracts/schedules/schedule.ts';
import { readScheduleStandings, type Queryable } from '../../db/index.ts';
import type { Sync } from '../../providers/define/define-sync.ts';
import { declaredBy, driftText, planSchedules } from '../schedules/apply-schedules.ts';

/** What is due is started within some seconds. */
const MOST_LATE_MS = 300_000;

const DRIFT: Check = {
  check: 'schedule-drift',
  wanted: 'the schedules and ages in force are those of the module',
  todo: '`npx sluice schedules plan` shows the difference, `npx sluice schedules apply` brings the code into force.',
};
const LATE: Check = {
  check: 'schedules-late',
  wanted: `what is due is started within ${duration(MOST_LATE_MS)}, and no start fails`,
  todo: 'Start a worker of the task queue that is named, with the module that has the sync. `npx sluice schedules list` says what failed.',
};

/** @param syncs of the module; undefined: it is not known what they should be. */
export async function checkSchedules(
  db: Queryable,
  taskQueue: string,
  syncs: readonly Sync[] | undefined,
): Promise<Finding[]> {
  const standings = await readScheduleStandings(db);
  const late = judgeSchedules(standings);
  if (syncs === undefined) return [late];
  const drift = driftText(await planSchedules(db, taskQueue, declaredBy(syncs)));
  return [finding(DRIFT, drift === undefined ? 'ok' : 'wrong', drift ?? 'nothing differs'), late];
}

function judgeSchedules(standings: readonly ScheduleStanding[]): Finding {
  const late = standings.filter(({ pausedAt, lateMs }) => pausedAt === null && lateMs > MOST_LATE_MS);
  const failed = standings.filter(({ failed: count }) => count > 0);
  const texts = [
    ...late.map(
      ({ id, due, lateMs, taskQueue }) =>
        `${id} of task queue "${taskQueue}" has ${counted(due, 'account')} that should have been started, the first ${duration(lateMs)} ago`,
    ),
    ...failed.map(({ id, failed: count, lastError }) => `${id} has ${counted(count, 'failed start')}: ${lastError}`),
  ];
  const paused = standings.filter(({ pausedAt }) => pausedAt !== null).map(({ id }) => id);
  const well = `${counted(standings.length, 'schedule')}${paused.length > 0 ? `, paused: ${paused.join(', ')}` : ''}`;
  return finding(LATE, texts.length === 0 ? 'ok' : 'wrong', texts.join('; ') || well);
}
