/**
 * The limiter on any pool of `pg`, also one that an app has made for itself, for callers without a type checker.
 * Next: `limiter/create-limiter.ts`.
 */
import { withOurTypes } from '../../db/pool.ts';
import { checkKnown, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { createLimiter as create, type Limiter, type LimiterOptions } from '../create-limiter.ts';
import type { AcquireRequest, Observation } from '../types.ts';

const OPTIONS: NamesOf<LimiterOptions> = {
  pool: true,
  maxRetryAfterMs: true,
  longestBlockMs: true,
  sweep: true,
  history: true,
};
const REQUEST: NamesOf<AcquireRequest> = {
  callKey: true,
  charges: true,
  endpoint: true,
  account: true,
  weight: true,
  priority: true,
  maxWaitMs: true,
  signal: true,
};
const OBSERVATION: NamesOf<Observation> = {
  result: true,
  limit: true,
  blockForMs: true,
  quotas: true,
  actualCost: true,
  latencyMs: true,
  isEndedByUs: true,
  isUnreachable: true,
  isMaybeItsOwn: true,
  reason: true,
};

/**
 * Makes a limiter on a database that `migrate` has brought up to date.
 * @see docs/guides/limiter-alone.md
 */
export function createLimiter(options: LimiterOptions): Limiter {
  checkKnown('createLimiter', options, OPTIONS);
  if (typeof (options.pool as { query?: unknown } | undefined)?.query !== 'function')
    throw new TypeError('createLimiter: `pool` is missing; give it a pool of `pg`: new Pool({ connectionString })');
  const limiter = create({ ...options, pool: withOurTypes(options.pool) });
  return {
    ...limiter,
    acquire: async (request) => {
      checkKnown('limiter.acquire()', request, REQUEST);
      return limiter.acquire(request);
    },
    report: async (permit, observation) => {
      checkKnown('limiter.report()', observation, OBSERVATION);
      return limiter.report(permit, observation);
    },
  };
}
