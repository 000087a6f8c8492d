/**
 * Limits of a third party, and what one call takes from them. Plain JSON: it crosses from provider definitions to the
 * limiter. Next stop: `limiter/acquire/acquire.ts`.
 */

/** At most `max` units of cost in any window of `perMs`. Exact: never more, with any number of workers. */
export interface WindowLimit {
  readonly kind: 'window';
  /** Name, unique in the provider; operators see it. */
  readonly name: string;
  /** Units of cost in one window, ≥ 1. */
  readonly max: number;
  /** Length of the window in milliseconds, ≥ 100. */
  readonly perMs: number;
  /** Share of `max` left to others who use the same quota, 0 … 0.99. Default 0. */
  readonly reserve?: number;
  /** The window is stretched by this much, so that calls that travel at different speeds stay inside it. Default 100. */
  readonly guardMs?: number;
}

/** At most `max` calls in flight at once. */
export interface InflightLimit {
  readonly kind: 'inflight';
  readonly name: string;
  readonly max: number;
  /** A permit whose worker died is given back after this long, in milliseconds. Default 60,000. */
  readonly leaseMs?: number;
}

/** A limit that nobody published: the rate is learned from successes and refusals, shared by all workers, kept. */
export interface LearnedLimit {
  readonly kind: 'learned';
  readonly name: string;
  /** Calls per second to start from when nothing is known. Default 1. */
  readonly startPerSecond?: number;
  /** Never slower than this. Default 1 per hour. */
  readonly floorPerSecond?: number;
  /** Never faster than this. Default 1,000. */
  readonly ceilingPerSecond?: number;
}

export type LimitSpec = WindowLimit | InflightLimit | LearnedLimit;

/** What one call takes from one limit. All charges of a call are taken together or not at all. */
export interface Charge {
  readonly limit: LimitSpec;
  /** The bucket: `provider/limit/scope value`. Calls with the same key share one budget. Holds no secret. */
  readonly key: string;
  /** Units of cost, ≥ 0. For `inflight` limits always 1. */
  readonly cost: number;
}

/** Order of service on a shared limit: interactive calls overtake bulk work, trickle work goes last. */
export type Priority = 'interactive' | 'bulk' | 'trickle';

/** Under this name limits and outages know the refresh of credentials: `except: ['refresh']` leaves it out of a limit. */
export const REFRESH_ENDPOINT = 'refresh';

/** What a third party said about its quota in one answer (headers or body). */
export interface QuotaHint {
  /** The declared limit it speaks of; without it the limiter matches by window length, else the most specific window. */
  readonly limit?: string;
  readonly max?: number;
  readonly remaining?: number;
  /** Milliseconds from the answer until the quota is whole again. */
  readonly resetAfterMs?: number;
  readonly windowMs?: number;
}
