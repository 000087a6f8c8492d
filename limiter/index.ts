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
export type { ExplainedLimit, Explanation } from './explain.ts';
export { parseQuotaHeaders, type QuotaHeaders, type QuotaHeadersOptions } from './headers.ts';
export type { LimitView } from './look.ts';
export type { LimitDetails, ListFilter, Operations } from './operate.ts';
export { isFresh } from './permit.ts';
export type { LimiterStats } from './stats.ts';
export { sweep, type SweepOptions } from './sweep.ts';
export type { AcquireRequest, AcquireResult, Observation, Permit, WaitCause, WaitReason } from './types.ts';
