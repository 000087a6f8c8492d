// Permits to call a third party, shared by all workers through Postgres; usable alone. Imports contracts and db only.
// Start reading at acquire.ts.
export type {
  Charge,
  InflightLimit,
  LearnedLimit,
  LimitSpec,
  Priority,
  QuotaHint,
  WindowLimit,
} from '../contracts/limit.ts';
export { createLimiter, type Limiter, type LimiterOptions } from './create-limiter.ts';
export { LimiterUnavailable } from './errors.ts';
export type { ExplainedLimit, Explanation } from './admin/explain.ts';
export { parseQuotaHeaders, type QuotaHeaders, type QuotaHeadersOptions } from './quota-headers/parse.ts';
export type { LimitView } from './admin/limit-view.ts';
export type { LimitDetails, ListFilter, Operations } from './admin/operations.ts';
export { isFresh } from './acquire/permit.ts';
export type { LimiterStats } from './admin/stats.ts';
export { sweep, type SweepOptions } from './admin/sweep.ts';
export type { AcquireRequest, AcquireResult, Observation, Permit, WaitCause, WaitReason } from './types.ts';
