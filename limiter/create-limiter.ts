/**
 * Puts the limiter together. One per process; all processes that use the same database share the limits.
 * Start reading at `acquire/acquire.ts`.
 */
import type { Charge } from '../contracts/limits/limit.ts';
import type { Pool } from '../db/pool.ts';
import { acquire } from './acquire/acquire.ts';
import { cleanCharge, cleanRequest } from './acquire/clean-request.ts';
import { createBreaker } from './circuit-breaker/breaker.ts';
import { keyText } from './buckets/key-text.ts';
import { createBuckets } from './buckets/registry.ts';
import { LimiterUnavailable } from './errors.ts';
import { explain, type Explanation } from './admin/explain.ts';
import { createGroupCommit } from './acquire/batcher.ts';
import { createLearner } from './adaptive/controller.ts';
import { createOperations, type Operations } from './admin/operations.ts';
import { cleanObservation } from './report/clean-observation.ts';
import { nameEmpty } from './report/refused-charge.ts';
import { createReports } from './report/report.ts';
import { ABANDON } from './statements.ts';
import { createSleepers } from './acquire/local-waiters.ts';
import { countUse, type HistoryOptions } from './admin/count-use.ts';
import { createStats, type LimiterStats } from './admin/stats.ts';
import { startSweeping, type SweepOptions } from './admin/sweep.ts';
import type { AcquireRequest, AcquireResult, Observation, Permit } from './types.ts';

export interface LimiterOptions {
  /** Connections to the database that has the schema `sluice` (see `migrate`). One or two per provider are in use. */
  readonly pool: Pool;
  /**
   * The longest time that a caller is sent away for, in milliseconds; it looks in again and keeps its place. Default
   * 900,000.
   */
  readonly maxRetryAfterMs?: number;
  /**
   * The longest time that a key is blocked because an answer says so (`Retry-After`, a quota's reset), in milliseconds: then one
   * call asks again. Default 86,400,000 (a day).
   */
  readonly longestBlockMs?: number;
  readonly sweep?: SweepOptions;
  /** What is kept of how keys are used, for graphs. */
  readonly history?: HistoryOptions;
}

export interface Limiter extends Operations {
  /**
   * Takes all charges of a call at once, or says when to come back. Holds no connection while it waits.
   * @throws LimiterUnavailable when the store can't be asked: then nobody may call. Retry later.
   * @throws TypeError for a charge that can never be granted, or after `stop`.
   */
  acquire(request: AcquireRequest): Promise<AcquireResult>;
  /**
   * Tells how the call went. Refusals are stored before this resolves; successes are collected for a moment.
   * @throws LimiterUnavailable when a refusal could not be stored; it is kept and sent again by itself, once.
   */
  report(permit: Permit, observation: Observation): Promise<void>;
  /** Gives up the place of a call that will not be made. */
  abandon(callKey: string): Promise<void>;
  /**
   * What a call with these charges would meet if it came now. Takes nothing.
   * @throws LimiterUnavailable when the store can't be asked.
   */
  explain(charges: readonly Charge[], account?: string, endpoint?: string): Promise<Explanation>;
  /** What this process saw since it began, for metrics. Costs nothing. */
  stats(): LimiterStats;
  /** Sends what was reported and ends. Permits that are out stay counted. */
  stop(): Promise<void>;
}

const defaults = { maxRetryAfterMs: 900_000, longestBlockMs: 86_400_000 } satisfies Partial<LimiterOptions>;

/**
 * Makes a limiter on a migrated database.
 * @see docs/internals/limiter.md
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { pool, maxRetryAfterMs, longestBlockMs } = { ...defaults, ...options };
  let stopped = false;
  const learner = createLearner(pool);
  const onLawDue = learner.step;
  const sleepers = createSleepers();
  const stats = createStats();
  const use = countUse(pool, options.history);
  const buckets = createBuckets(pool);
  const breaker = createBreaker(pool);
  const { decide: decideTogether, wasLate } = createGroupCommit({ pool, configure: buckets.configure, onLawDue });
  const decide = breaker.guard(decideTogether);
  const reports = createReports({
    pool,
    idOf: ({ key }) => buckets.idOf(key),
    onLawDue,
    onRelease: sleepers.wake,
    onDropped: () => stats.dropped(),
  });
  const giveBack = async (permit: Permit): Promise<void> => {
    await breaker.report(permit, { result: 'not-sent' });
    await reports.report(permit, { result: 'not-sent' });
    await reports.flush();
  };
  const acquireDeps = { buckets, decide, wasLate, sleepers, giveBack, maxRetryAfterMs };

  const stopSweeping = startSweeping(pool, options.sweep);

  return {
    ...createOperations(pool),
    explain: (charges, account, endpoint) => explain(pool, charges.map(cleanCharge), account, endpoint),
    async acquire(request) {
      if (stopped) throw new TypeError('This limiter was stopped');
      try {
        const answer = await acquire(acquireDeps, cleanRequest(request));
        stats.answered(answer);
        if (answer.granted) use.granted(answer.permit.charges);
        return answer;
      } catch (error) {
        stats.failed(error);
        throw error;
      }
    },
    async report(permit, seen) {
      const observation = nameEmpty(permit.charges, seen);
      stats.reported(observation);
      use.reported(permit, observation);
      const heard = cleanObservation(observation, longestBlockMs);
      await Promise.all([breaker.report(permit, heard), reports.report(permit, heard)]);
      // What a refusal means holds before its caller goes on.
      if (heard.result === 'refused') await learner.settled();
    },
    stats: () => stats.read(sleepers.count()),
    async abandon(callKey) {
      try {
        await pool.query({ name: 'sluice-limit-abandon', text: ABANDON, values: [[keyText(callKey)]] });
      } catch (error) {
        throw new LimiterUnavailable(error);
      }
    },
    async stop() {
      stopped = true;
      breaker.stop();
      await reports.flush();
      await learner.settled();
      await use.stop();
      await stopSweeping();
    },
  };
}
