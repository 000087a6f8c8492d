/**
 * Removes what is older than it is kept: one worker at a time, an hour after the round before, in small steps. Next:
 * `db/stores/operate/retention-store.ts`, `db/stores/operate/old-runs-store.ts`.
 */
import type { Log } from '../../activities/index.ts';
import type { Removed, Retention } from '../../contracts/operate/retention.ts';
import {
  endRetentionRound,
  oldRuns,
  removalSteps,
  removeRuns,
  removeStrays,
  takeRetentionRound,
  type Pool,
  type RunPlace,
} from '../../db/index.ts';
import { every } from './interval.ts';

/** How often a worker asks whether it is its turn. */
const ASK_MS = 60_000;
const ROUND_MS = 3_600_000;
/** Longer than this in a row no worker removes: others, and its own work, come in between. */
const WORK_MS = 30_000;
/** A worker that was killed in its round is replaced after this long. */
const LEASE_MS = 300_000;

/** @param note is told of what was removed. @returns a function that ends it after the statement that is under way. */
export function startRemoving(
  pool: Pool,
  log: Log,
  kept: Required<Retention>,
  note: (removed: Removed) => void = () => {},
): () => Promise<void> {
  let isEnding = false;
  const stop = every(ASK_MS, 'removing old rows', log, async () => {
    if (!(await takeRetentionRound(pool, LEASE_MS))) return false;
    const { removed, isDone } = await removeOld(pool, kept, { forMs: WORK_MS, isEnding: () => isEnding });
    await endRetentionRound(pool, isDone ? ROUND_MS : 0);
    if (Object.keys(removed).length > 0) {
      note(removed);
      log.info({ removed, isDone }, 'rows that were older than they are kept have been removed');
    }
    return false;
  });
  return async () => {
    isEnding = true;
    await stop();
  };
}

export interface RemovalLimits {
  /** Time that it may take; the statement that is under way then is the last one. */
  readonly forMs: number;
  readonly isEnding?: () => boolean;
}

/** @returns rows removed by table, and whether nothing is left to do. Nodes go with their runs, and are not counted. */
export async function removeOld(
  pool: Pool,
  kept: Required<Retention>,
  { forMs, isEnding = () => false }: RemovalLimits,
): Promise<{ readonly removed: Removed; readonly isDone: boolean }> {
  const until = performance.now() + forMs;
  const mayGoOn = (): boolean => performance.now() < until && !isEnding();
  const removed: Record<string, number> = {};
  const count = (table: string, rows: number): boolean => {
    if (rows > 0) removed[table] = (removed[table] ?? 0) + rows;
    return mayGoOn();
  };
  await removeStrays(pool);
  for (const { table, room, remove } of removalSteps(kept))
    for (;;) {
      if (!mayGoOn()) return { removed, isDone: false };
      const rows = await remove(pool);
      count(table, rows);
      if (rows < room) break;
    }
  if (!Number.isFinite(kept.runDays)) return { removed, isDone: true };
  for (let place: RunPlace | undefined; ;) {
    if (!mayGoOn()) return { removed, isDone: false };
    const { over, next } = await oldRuns(pool, kept.runDays, place);
    if (over.length > 0) await removeRuns(pool, over, count);
    if (next === undefined) return { removed, isDone: mayGoOn() };
    place = next;
  }
}
