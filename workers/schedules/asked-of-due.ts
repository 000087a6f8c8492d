/** What the run of an account that is due is asked for. Used by: `run-schedules.ts`, `start-fleets.ts`. */
import { checkSize } from '../../client/sync/start-run.ts';
import { catchUpSlot, nextSlot, phaseOf } from '../../contracts/schedules/slots.ts';
import type { DueAccount, SettledDue } from '../../db/index.ts';
import type { CompiledSchedule } from '../../providers/define/schedule-options.ts';
import type { Sync } from '../../providers/index.ts';

/** Later than this is an outage: what has gathered then is not started all at once. */
const LATE_MS = 120_000;

export interface Scheduled extends CompiledSchedule {
  readonly sync: Sync;
}

export interface AskedOfDue {
  readonly tenant: string;
  readonly input: unknown;
}

/** Its next time, for a start that is settled. */
export function settledAs({ spec }: Scheduled, due: DueAccount): Omit<SettledDue, 'outcome'> {
  const { schedule, account, startId, nowMs } = due;
  const nextMs = nextSlot(spec.times, phaseOf(schedule, due.place), nowMs);
  return { schedule, account, startId, nextMs, isCatchUp: false };
}

/** @returns how it is settled when it is not to be started. */
export function askedOf(scheduled: Scheduled, due: DueAccount): AskedOfDue | SettledDue {
  const { sync, spec, inputOf } = scheduled;
  const { account, schedule, nowMs, lateMs, isCatchUp } = due;
  if (lateMs > LATE_MS && !isCatchUp) {
    const { at, isCatchUp: isLater } = catchUpSlot(spec, phaseOf(schedule, due.place), nowMs);
    return { ...settledAs(scheduled, due), nextMs: at, isCatchUp: isLater, outcome: 'missed' };
  }
  const tenant = due.tenant ?? account;
  try {
    const settings = sync.definition.provider.settingsOf(due.settings, account);
    const input = inputOf({ account, tenant, settings });
    checkSize(sync.definition.name, sync.definition.parseInput(input));
    return { tenant, input };
  } catch (error) {
    // Neither time nor another worker mends it; the next time may have other settings, or other code.
    const why = `its input could not be made: ${(error as Error).message}`;
    return { ...settledAs(scheduled, due), outcome: 'failed', error: why };
  }
}
