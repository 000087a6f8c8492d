/**
 * Which limit of a call a third party's quota hint speaks of, and what may be believed of it. Pure.
 * Next: `limiter/report/report.ts` tells the store.
 */
import type { BucketLimit, CalendarLimit, Charge, QuotaHint, WindowLimit } from '../../contracts/limits/limit.ts';
import { windowMsOf } from '../buckets/bucket-row.ts';

export interface QuotaMatch {
  readonly charge: Charge;
  /** Units left; given only when the hint is surely about this limit. */
  readonly remaining?: number;
  readonly resetMs?: number;
  /** The limit itself; given only when the hint is surely about this limit. */
  readonly max?: number;
  /** Nothing is left, of whatever limit it is: the key is blocked for this long. */
  readonly blockMs?: number;
}

const SAME_LENGTH = 0.02;

/**
 * A hint is surely about a limit that it names, or whose window is as long, or the only one whose `max` (or `burst`) it repeats.
 * From any other hint only "nothing is left" is taken, for as long as it says, against the last known limit of the call:
 * a guess about the wrong window would stop a provider for hours.
 */
export function matchQuota(charges: readonly Charge[], hint: QuotaHint): QuotaMatch | undefined {
  const known = charges.filter(isCounted);
  const { windowMs } = hint;
  const sure =
    (hint.limit === undefined ? undefined : known.find((charge) => charge.limit.name === hint.limit)) ??
    (windowMs === undefined ? undefined : only(known.filter((charge) => isNear(lengthMsOf(charge), windowMs)))) ??
    (hint.max === undefined || windowMs !== undefined
      ? undefined
      : only(known.filter((charge) => maxOf(charge) === hint.max)));
  const charge =
    sure ?? known.at(-1) ?? charges.findLast(({ limit }) => limit.kind === 'learned' || limit.kind === 'none');
  if (charge === undefined) return undefined;
  const resetMs = hint.resetAfterMs === undefined ? undefined : Math.max(0, hint.resetAfterMs);
  const isEmpty = hint.remaining !== undefined && hint.remaining <= 0 && resetMs !== undefined && resetMs > 0;
  const match = {
    charge,
    ...(isEmpty && sure === undefined ? { blockMs: resetMs } : {}),
    ...(resetMs === undefined
      ? {}
      : { resetMs: sure === undefined ? resetMs : Math.min(resetMs, 2 * lengthMsOf(sure)) }),
  };
  if (sure === undefined) return isEmpty ? match : undefined;
  return {
    ...match,
    ...(hint.remaining === undefined ? {} : { remaining: Math.max(0, hint.remaining) }),
    ...(hint.max === undefined || hint.max < 1 ? {} : { max: hint.max }),
  };
}

export type Counted = Charge & { readonly limit: WindowLimit | CalendarLimit | BucketLimit };

export function isCounted(charge: Charge | undefined): charge is Counted {
  const kind = charge?.limit.kind;
  return kind === 'window' || kind === 'calendar' || kind === 'bucket';
}

/** In which all of it comes back. */
export function lengthMsOf({ limit }: Counted): number {
  return limit.kind === 'bucket' ? (1_000 * limit.burst) / limit.perSecond : windowMsOf(limit);
}

function maxOf({ limit }: Counted): number {
  return limit.kind === 'bucket' ? limit.burst : limit.max;
}

function only<T>(candidates: readonly T[]): T | undefined {
  return candidates.length === 1 ? candidates[0] : undefined;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_LENGTH * Math.max(a, b);
}
