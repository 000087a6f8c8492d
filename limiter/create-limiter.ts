/**
 * Puts the limiter together. One per process; all processes that use the same database share the limits.
 * Start reading at `acquire.ts`.
 */
import type { Pool } from '../db/pool.ts';
import { acquire } from './acquire.ts';
import { bucketId } from './bucket.ts';
import { createBuckets } from './configure.ts';
import { LimiterUnavailable } from './errors.ts';
import { createGroupCommit } from './group-commit.ts';
import { createLearner } from './learn.ts';
import { createReports } from './report.ts';
import { ABANDON } from './statements.ts';
import type { AcquireRequest, AcquireResult, Observation, Permit } from './types.ts';

export interface LimiterOptions {
  /** Connections to the database that has the schema `sluice` (see `migrate`). One or two per provider are in use. */
  readonly pool: Pool;
  /**
   * The longest time that a caller is sent away for, in milliseconds; it looks in again and keeps its place. Default
   * 900,000.
   */
  readonly maxRetryAfterMs?: number;
}

export interface Limiter {
  /**
   * Takes all charges of a call at once, or says when to come back. Holds no connection while it waits.
   * @throws LimiterUnavailable when the store can't be asked: then nobody may call. Retry later.
   * @throws TypeError for a charge that can never be granted, or after `stop`.
   */
  acquire(request: AcquireRequest): Promise<AcquireResult>;
  /**
   * Tells how the call went. Refusals are stored before this resolves; successes are collected for a moment.
   * @throws LimiterUnavailable when a refusal could not be stored; it is kept and sent again.
   */
  report(permit: Permit, observation: Observation): Promise<void>;
  /** Gives up the place of a call that will not be made. */
  abandon(callKey: string): Promise<void>;
  /** Sends what was reported and ends. Permits that are out stay counted. */
  stop(): Promise<void>;
}

const defaults = { maxRetryAfterMs: 900_000 } satisfies Partial<LimiterOptions>;

/**
 * Makes a limiter on a migrated database.
 * @see docs/limiter.md
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { pool, maxRetryAfterMs } = { ...defaults, ...options };
  let stopped = false;
  const learner = createLearner(pool);
  const onLawDue = learner.step;
  const buckets = createBuckets(pool);
  const decide = createGroupCommit({ pool, configure: buckets.configure, onLawDue });
  const reports = createReports({ pool, idOf: (charge) => bucketId(charge.key), onLawDue });
  const giveBack = async (permit: Permit): Promise<void> => {
    await reports.report(permit, { result: 'not-sent' });
    await reports.flush();
  };

  return {
    async acquire(request) {
      if (stopped) throw new TypeError('This limiter was stopped');
      return acquire({ buckets, decide, giveBack, maxRetryAfterMs }, request);
    },
    report: (permit, observation) => reports.report(permit, observation),
    async abandon(callKey) {
      try {
        await pool.query({ name: 'sluice-limit-abandon', text: ABANDON, values: [[callKey]] });
      } catch (error) {
        throw new LimiterUnavailable(error);
      }
    },
    async stop() {
      stopped = true;
      await reports.flush();
      await learner.settled();
    },
  };
}
