/**
 * Which limit of a call a third party's quota hint speaks of, and what may be believed of it. Pure.
 * Next stop: `limiter/report/report.ts` tells the store.
 */
import type { Charge, QuotaHint, WindowLimit } from '../../contracts/limit.ts';

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
 * A hint is surely about a limit that it names, or whose window is as long, or the only window whose `max` it repeats.
 * From any other hint only "nothing is left" is taken, for as long as it says, against the last window of the call:
 * a guess about the wrong window would stop a provider for hours.
 */
export function matchQuota(charges: readonly Charge[], hint: QuotaHint): QuotaMatch | undefined {
  const windows = charges.filter((charge) => charge.limit.kind === 'window') as (Charge & { limit: WindowLimit })[];
  const sure =
    (hint.limit === undefined ? undefined : windows.find((charge) => charge.limit.name === hint.limit)) ??
    (hint.windowMs === undefined
      ? undefined
      : only(windows.filter((charge) => isNear(charge.limit.perMs, hint.windowMs!)))) ??
    (hint.max === undefined || hint.windowMs !== undefined
      ? undefined
      : only(windows.filter((charge) => charge.limit.max === hint.max)));
  const charge = sure ?? windows.at(-1) ?? charges.findLast((candidate) => candidate.limit.kind === 'learned');
  if (charge === undefined) return undefined;
  const resetMs = hint.resetAfterMs === undefined ? undefined : Math.max(0, hint.resetAfterMs);
  const isEmpty = hint.remaining !== undefined && hint.remaining <= 0 && resetMs !== undefined && resetMs > 0;
  const match = {
    charge,
    ...(isEmpty && sure === undefined ? { blockMs: resetMs } : {}),
    ...(resetMs === undefined
      ? {}
      : { resetMs: sure === undefined ? resetMs : Math.min(resetMs, 2 * sure.limit.perMs) }),
  };
  if (sure === undefined) return isEmpty ? match : undefined;
  return {
    ...match,
    ...(hint.remaining === undefined ? {} : { remaining: Math.max(0, hint.remaining) }),
    ...(hint.max === undefined || hint.max < 1 ? {} : { max: hint.max }),
  };
}

function only<T>(candidates: readonly T[]): T | undefined {
  return candidates.length === 1 ? candidates[0] : undefined;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_LENGTH * Math.max(a, b);
}
