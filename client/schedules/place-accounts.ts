/**
 * Gives every connected account of a schedule's provider its time. Done when schedules are applied, and by workers every some seconds for
 * accounts that have come, gone, or must be connected again. Next: `contracts/schedules/slots.ts`, `db/stores/schedule/place-store.ts`.
 */
import { nextSlot, phaseOf } from '../../contracts/schedules/slots.ts';
import {
  closeUp,
  followAccounts,
  inTransaction,
  lockPlacing,
  placeAccounts,
  schedulesToPlace,
  unplacedAccounts,
  type PlacedSchedule,
  type Pool,
  type Queryable,
} from '../../db/index.ts';

/** In one statement. */
const ROOM = 2_000;

/** @param waits while another process does it. False: that one is enough. */
export async function placeAllAccounts(pool: Pool, taskQueue: string, waits: boolean): Promise<void> {
  await inTransaction(pool, async (tx) => {
    if (!(await lockPlacing(tx, waits))) return;
    for (const schedule of await schedulesToPlace(tx, taskQueue)) {
      const left = await followAccounts(tx, schedule);
      // First those that came take the places of those that went.
      await placeNew(tx, schedule);
      if (left > 0 && (await closeUp(tx, schedule)) > 0) await placeNew(tx, schedule);
    }
  });
}

async function placeNew(db: Queryable, schedule: PlacedSchedule): Promise<void> {
  let before: string | undefined;
  for (;;) {
    const found = await unplacedAccounts(db, schedule, ROOM);
    const first = found[0]?.account;
    // The schedule was changed meanwhile, and these have their times by the new one.
    if (first === undefined || first === before) return;
    before = first;
    const placed = found.map(({ account, place, nowMs }) => ({
      account,
      place,
      dueMs: nextSlot(schedule.spec.times, phaseOf(schedule.id, place), nowMs),
    }));
    await placeAccounts(db, schedule, placed);
    if (found.length < ROOM) return;
  }
}
