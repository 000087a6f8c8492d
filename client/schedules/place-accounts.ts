/**
 * Gives every connected account of a schedule's provider its time. Done when schedules are applied, and by workers every some seconds for
 * accounts that have come, gone, or must be connected again. Next: `contracts/schedules/slots.ts`, `db/stores/schedule/place-store.ts`.
 */
import { nextSlot, phaseOf } from '../../contracts/schedules/slots.ts';
import {
  followAccounts,
  placeAccounts,
  schedulesToPlace,
  unplacedAccounts,
  type PlacedSchedule,
  type Pool,
} from '../../db/index.ts';

/** In one statement. */
const ROOM = 2_000;

export async function placeAllAccounts(pool: Pool, taskQueue: string): Promise<void> {
  for (const schedule of await schedulesToPlace(pool, taskQueue)) {
    await followAccounts(pool, schedule);
    await placeNew(pool, schedule);
  }
}

async function placeNew(pool: Pool, schedule: PlacedSchedule): Promise<void> {
  let before: string | undefined;
  for (;;) {
    const found = await unplacedAccounts(pool, schedule, ROOM);
    const first = found[0]?.account;
    // The schedule was changed meanwhile, and these have their times by the new one.
    if (first === undefined || first === before) return;
    before = first;
    const placed = found.map(({ account, nowMs }) => ({
      account,
      dueMs: nextSlot(schedule.spec.times, phaseOf(schedule.id, account), nowMs),
    }));
    await placeAccounts(pool, schedule, placed);
    if (found.length < ROOM) return;
  }
}
