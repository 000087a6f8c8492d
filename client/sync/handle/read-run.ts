/**
 * How a run stands, and what it waits for: from its row, and from Temporal where the row does not say.
 * Used by: `client/sync/sync-handle.ts`. Next: `db/stores/run/run-store.ts`, `client/waits/run-waits.ts`.
 */
import type { RunProgress, RunWait } from '../../../contracts/run.ts';
import { readProgress, readWaits } from '../../../db/index.ts';
import { chainIdOf, isOpen } from '../../describe-workflow.ts';
import { endedOutside, heldBy } from '../../waits/held-runs.ts';
import { toWait } from '../../waits/run-waits.ts';
import { readStuckTasks } from '../../waits/workflow-task-health.ts';
import { isInFleet, waitsInFleet } from '../fleet-run.ts';
import type { KnownRun } from './known-run.ts';

export async function progressOf(run: KnownRun): Promise<RunProgress | { readonly state: 'starting' | 'unknown' }> {
  const row = await run.row();
  // One that goes on is the newest. After it a newer one may have begun whose row does not exist yet; and Temporal answers
  // slowly while a run makes many calls.
  if (row && (run.only !== undefined || row.state === 'running' || row.state === 'paused')) return row;
  const description = await run.describe();
  if (!description) return row ?? { state: 'unknown' };
  const runId = chainIdOf(description);
  if (row?.runId === runId || (row?.fleet !== undefined && !isOpen(description))) return row;
  // Of one that ended before it was opened nothing is known.
  const state = isOpen(description) ? 'starting' : 'unknown';
  return (await readProgress(run.parts.pool, { runId })) ?? { state };
}

export async function waitsOf(run: KnownRun): Promise<readonly RunWait[]> {
  const { parts } = run;
  const { client, pool } = parts;
  // Temporal is asked twice, and so is the database: neither waits for the other.
  const [{ description, stuck }, { row, waits }] = await Promise.all([
    run.describe().then(async (description) => ({
      description,
      stuck: description?.status.name === 'RUNNING' ? await readStuckTasks(client, description) : undefined,
    })),
    run.row().then(async (row) => ({ row, waits: row?.state === 'running' ? await readWaits(pool, row.runId) : [] })),
  ]);
  if (isInFleet(row) && !(description && isOpen(description))) return waitsInFleet(parts, row, waits.map(toWait));
  const ofThisRun = row?.runId === (description && chainIdOf(description)) ? row : undefined;
  if (description && ofThisRun && !stuck) return endedOutside(description, ofThisRun);
  const held = description && stuck ? [...heldBy(description, ofThisRun), ...stuck] : [];
  return [...held, ...waits.map(toWait)];
}
