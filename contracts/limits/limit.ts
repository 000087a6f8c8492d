/**
 * Limits of a third party, and what one call takes from them. Plain JSON: it crosses from provider definitions to the
 * limiter. Next: `limiter/acquire/acquire.ts`.
 */

/**
 * At most `max` units of cost in any window of `perMs`. With `aligned`, in each of those that begin at multiples of it
 * on the clock. Exact: never more, with any number of workers.
 */
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
  /**
   * The third party counts from zero again at every multiple of `perMs` on the clock (each full minute, each full
   * hour). Without it, it counts over the last `perMs`. Calls within `guardMs` of such a moment count on both sides of
   * it, since nobody's clock is exact. Its default is a second then, and `perMs` must be more than four times as long.
   * Default false.
   */
  readonly aligned?: boolean;
  /** With `aligned`: it begins so many milliseconds after the multiples. Default 0. */
  readonly offsetMs?: number;
}

/** At most `max` units of cost in a day, week (from Monday) or month of a time zone. */
export interface CalendarLimit {
  readonly kind: 'calendar';
  readonly name: string;
  /** Units of cost, ≥ 1. */
  readonly max: number;
  readonly per: 'day' | 'week' | 'month';
  /** Where its midnight is, e.g. `America/Los_Angeles`, `UTC`. Summer time is kept to. */
  readonly zone: string;
  /** Share of `max` left to others who use the same quota, 0 … 0.99. Default 0. */
  readonly reserve?: number;
  /** Calls so close to midnight count on both sides of it, since nobody's clock is exact. Default 1,000. */
  readonly guardMs?: number;
}

/**
 * A token bucket, or a leaky one: `burst` units at once, and `perSecond` flow in (or out). Exact for calls that cost at most
 * `burst − perSecond × guardMs / 1000`; a dearer one goes when the bucket is full.
 */
export interface BucketLimit {
  readonly kind: 'bucket';
  readonly name: string;
  /** Units a second, above 0: `10`, or `1 / 60` for one a minute. */
  readonly perSecond: number;
  /** Units that may be taken at once after a pause, ≥ 1. */
  readonly burst: number;
  /** Share of both left to others who use the same quota, 0 … 0.99. Default 0. */
  readonly reserve?: number;
  /** So much of the burst, in milliseconds of its flow, is left unused, so that calls may travel at different speeds. Default 100. */
  readonly guardMs?: number;
}

/** No limit: what a refusal blocks, for one account, and what puts a call behind its provider's gates. */
export interface NoLimit {
  readonly kind: 'none';
  readonly name: string;
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

export type LimitSpec = WindowLimit | CalendarLimit | BucketLimit | InflightLimit | LearnedLimit | NoLimit;

/** What one call takes from one limit. All charges of a call are taken together or not at all. */
export interface Charge {
  readonly limit: LimitSpec;
  /** The bucket: `provider/limit/scope value`. Calls with the same key share one budget. Holds no secret. */
  readonly key: string;
  /** Units of cost, ≥ 0. For `inflight` limits always 1. */
  readonly cost: number;
}

/** Order of service on a shared limit: interactive calls overtake bulk work, background work goes last. */
export type Priority = 'interactive' | 'bulk' | 'background';

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
