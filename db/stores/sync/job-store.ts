/**
 * The job of a unit, moved on step by step: each step names what was seen, so that of two workers one makes it.
 * Next: `db/functions/pages/set-job.sql`.
 */
import { cleanText } from '../../../contracts/values/clean-text.ts';
import type { UnitJob } from '../../../contracts/job.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Queryable } from '../../pool.ts';
import type { UnitFence } from './unit-store.ts';

type Timeless<Job> = Job extends { readonly at: number } ? Omit<Job, 'at'> & { readonly at?: number } : Job;

export interface JobMove {
  readonly was: UnitJob | null;
  /** Without `at`: the time of the database. */
  readonly now: Timeless<UnitJob>;
  readonly calls: 0 | 1;
  /** Milliseconds until the next call; null: at once. */
  readonly delayMs: number | null;
  /** For people; null leaves what is known. */
  readonly why: string | null;
  /** The list is read from its beginning. */
  readonly begins?: boolean;
}

/** @returns the job as it is stored; undefined when the caller came late, or the run does not want it any more. */
export async function setJob(
  db: Queryable,
  { unit, run, node, pages, change }: UnitFence,
  { was, now, calls, delayMs, why, begins = false }: JobMove,
): Promise<UnitJob | undefined> {
  const { rows } = await db.query<{ job: UnitJob | null }>({
    name: 'set_job',
    text: 'select sluice.set_job($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as job',
    values: [
      unit,
      run,
      node,
      pages,
      was === null ? null : JSON.stringify(was),
      JSON.stringify(now),
      calls,
      delayMs,
      why === null ? null : cleanText(redact(why), 1_000),
      begins,
      change,
    ],
  });
  return rows[0]?.job ?? undefined;
}
