/**
 * The database steps of a run that is ended before its time. Next: `db/stores/run/run-ending-store.ts`.
 */
import type { EndOpenUnitsInput, ProgressMarkInput } from '../../contracts/messages.ts';
import { endOpenUnits, readProgressMark } from '../../db/stores/run/run-ending-store.ts';
import type { ActivityDeps } from '../deps.ts';
import { gone } from './run-activities.ts';

export async function endOpenUnitsActivity(deps: ActivityDeps, { runId, reason }: EndOpenUnitsInput): Promise<void> {
  await endOpenUnits(deps.pool, runId, reason);
}

/** @returns null while the run is paused: then nobody expects progress. @throws ApplicationFailure `gone`. */
export async function progressMarkActivity(deps: ActivityDeps, { runId }: ProgressMarkInput): Promise<number | null> {
  const mark = await readProgressMark(deps.pool, runId);
  if (mark === undefined) throw gone(runId);
  return mark;
}
