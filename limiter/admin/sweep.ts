/**
 * Housekeeping, about once a minute by whichever worker comes first: tickets of calls that never came back, accounts and
 * events of the past, unused buckets.
 */
import type { Pool } from '../../db/pool.ts';
import { SWEEP } from '../statements.ts';

export interface SweepOptions {
  /** How often, in milliseconds; 0 = never. Default 60,000. */
  readonly everyMs?: number;
  /** Events are kept for this many days. Default 7. */
  readonly keepEventsDays?: number;
}

const defaults = { everyMs: 60_000, keepEventsDays: 7 } satisfies SweepOptions;
const KEEP_TICKETS_US = 600e6;
const KEEP_ACCOUNTS_US = 3_600e6;

/** Sweeps now. One worker at a time does it, the others find nothing to do. */
export async function sweep(pool: Pool, options: SweepOptions = {}): Promise<void> {
  const { keepEventsDays } = { ...defaults, ...options };
  await pool.query(SWEEP, [KEEP_TICKETS_US, KEEP_ACCOUNTS_US, `${keepEventsDays} days`]);
}

/** Starts sweeping; returns the function that ends it. Does not keep the process alive. */
export function startSweeping(pool: Pool, options: SweepOptions = {}): () => Promise<void> {
  const { everyMs } = { ...defaults, ...options };
  let running: Promise<void> = Promise.resolve();
  if (everyMs === 0) return () => running;
  const timer = setInterval(() => {
    // A store that is down is swept when it is back.
    running = sweep(pool, options).catch(() => {});
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}
