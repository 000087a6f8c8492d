// Permits to call a third party, shared by all workers through Postgres; usable alone. Imports contracts, db and the declarations of
// providers/limits.ts. Start reading at acquire.ts.
export type {
  Charge,
  InflightLimit,
  LearnedLimit,
  LimitSpec,
  Priority,
  QuotaHint,
  WindowLimit,
} from '../contracts/limits/limit.ts';
export { migrate, type MigrateOptions } from '../db/migrate.ts';
export { bucket, calendar, inflight, learned, window } from '../providers/limits.ts';
export type { LimitDeclaration, Scope } from '../providers/limits.ts';
export { defineLimits, type LimitedCall } from './alone/define-limits.ts';
export { limitFetch, type LimitedBy, type LimitedFetch, type LimitFetchOptions } from './alone/limit-fetch.ts';
export { observeAnswer } from './alone/observe-answer.ts';
export { queueLimits, type QueueOptions } from './alone/queue-limits.ts';
export { schedule, TurnNotCome, type ScheduleOptions } from './alone/schedule.ts';
export { createLimiter } from './alone/any-pool.ts';
export type { Limiter, LimiterOptions } from './create-limiter.ts';
export { LimiterUnavailable } from './errors.ts';
export type { ExplainedLimit, Explanation } from './admin/explain.ts';
export { parseQuotaHeaders, type QuotaHeaders, type QuotaHeadersOptions } from './quota-headers/parse.ts';
export type { LimitView } from './admin/limit-view.ts';
export type { LimitDetails, ListFilter, Operations } from './admin/operations.ts';
export { isFresh } from './acquire/permit.ts';
export type { LimiterStats } from './admin/stats.ts';
export { sweep, type SweepOptions } from './admin/sweep.ts';
export type { AcquireRequest, AcquireResult, Observation, Permit, WaitCause, WaitReason } from './types.ts';
