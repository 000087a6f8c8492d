/**
 * The limiter on any pool of `pg`, also one that an app has made for itself. Next: `create-limiter.ts`.
 */
import { withOurTypes } from '../db/pool.ts';
import { createLimiter as create, type Limiter, type LimiterOptions } from './create-limiter.ts';

/**
 * Makes a limiter on a database that `migrate` has brought up to date.
 * @see docs/limiter-alone.md
 */
export function createLimiter(options: LimiterOptions): Limiter {
  return create({ ...options, pool: withOurTypes(options.pool) });
}
