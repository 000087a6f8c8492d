/**
 * From a charge's key and limit to the row that counts it: its id, and how it counts. The geometry of rings is in `ring.ts`.
 * Next: `registry.ts` writes the row, `limiter/acquire/encode-batch.ts` charges it.
 */
import { createHash } from 'node:crypto';
import type { BucketLimit, CalendarLimit, LimitSpec, WindowLimit } from '../../contracts/limits/limit.ts';
import { alignedRing, ring, type Ring } from './ring.ts';

/** The row of one key as SQL wants it. */
export interface BucketRow extends Ring {
  readonly id: number;
  readonly key: string;
  readonly kind: LimitSpec['kind'] | 'gate';
  readonly spec: LimitSpec | Record<string, never>;
  readonly max: number | null;
  /**
   * Commits wait for the disk only once per this many units. That much is taken for granted after a crash, when the
   * last commits may be lost.
   */
  readonly reserveStep: number;
  /** Buckets and learned limits: units per second, of the latter until the control law says otherwise. */
  readonly rate: number | null;
  /** Units that may be taken at once, of those. */
  readonly burst: number;
}

export const DEFAULT_GUARD_MS = 100;
/** Of windows and days that begin by the clock: so far may the clocks of database and third party be apart. */
const DEFAULT_ALIGNED_GUARD_MS = 1_000;
const DEFAULT_LEASE_MS = 60_000;

// After a crash a short window is taken for full, which costs that window once; of a longer one a fiftieth is lost.
const LONGEST_SHORT_WINDOW_MS = 10_000;
const STEPS_OF_LONG_WINDOWS = 50;
const CALENDAR_MS = { day: 86_400_000, week: 604_800_000, month: 2_678_400_000 };
const NO_RING: Ring = { winUs: 0, guardUs: 0, slotUs: 0, slots: 0, slotsAhead: 0, align: null, zone: null, alignUs: 0 };

/** 53 bits of the key's SHA-256: exact in a JavaScript number; two of a million keys meet once in 18,000 databases. */
export function bucketId(key: string): number {
  const digest = createHash('sha256').update(key).digest();
  return digest.readUIntBE(0, 6) * 32 + (digest.readUInt8(6) >> 3);
}

/** The key of a provider's gate: a row without a limit, read with every call, which pauses all of them. */
export function gateKey(chargeKey: string): string {
  return `${chargeKey.slice(0, Math.max(0, chargeKey.indexOf('/')))}/*`;
}

/** The keys of the gates that a call passes: its provider's, and, when it names one, its endpoint's. */
export function gateKeys(chargeKey: string, endpoint: string | undefined): string[] {
  const whole = gateKey(chargeKey);
  return endpoint === undefined ? [whole] : [whole, `${whole}/${endpoint}`];
}

/** A window's units that are ours: without the share left to others, and never less than one. */
function usableMax({ max, reserve = 0 }: Pick<WindowLimit, 'max' | 'reserve'>): number {
  return Math.max(1, Math.floor(max * (1 - reserve) + 1e-9));
}

/** How calls' different ways to the third party are made up for, in milliseconds; 0 where nothing needs to be. */
export function guardMsOf(limit: LimitSpec): number {
  switch (limit.kind) {
    case 'window':
      return limit.guardMs ?? (limit.aligned === true ? DEFAULT_ALIGNED_GUARD_MS : DEFAULT_GUARD_MS);
    case 'calendar':
      return limit.guardMs ?? DEFAULT_ALIGNED_GUARD_MS;
    case 'bucket':
      return limit.guardMs ?? DEFAULT_GUARD_MS;
    default:
      return 0;
  }
}

/**
 * A bucket as it is kept. What may arrive together although it was sent apart is left out of the burst. Where the burst
 * is a single unit, it is put between two of them.
 */
function keptBucket(limit: BucketLimit): { readonly perSecond: number; readonly burst: number } {
  const ours = 1 - (limit.reserve ?? 0);
  const perSecond = limit.perSecond * ours;
  const travelling = (perSecond * guardMsOf(limit)) / 1_000;
  const burst = Math.max(1, limit.burst * ours) - travelling;
  if (burst >= 1) return { perSecond, burst };
  return { perSecond: perSecond / (2 - burst), burst: 1 };
}

/** The most that one call may cost; Infinity where nothing bounds it. */
export function mostCost(limit: LimitSpec): number {
  switch (limit.kind) {
    case 'window':
    case 'calendar':
      return usableMax(limit);
    case 'inflight':
      return limit.max;
    case 'bucket':
      return Math.max(1, limit.burst * (1 - (limit.reserve ?? 0)));
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Describes the row of one key. Gates have no limit. */
export function bucketRow(key: string, limit: LimitSpec | undefined): BucketRow {
  const base = { id: bucketId(key), key, max: null, rate: null, burst: 1, reserveStep: 0, ...NO_RING };
  if (limit === undefined) return { ...base, kind: 'gate', spec: {} };
  const own = { ...base, kind: limit.kind, spec: limit };
  switch (limit.kind) {
    case 'none':
      return own;
    case 'learned':
      return { ...own, rate: limit.startPerSecond ?? 1 };
    case 'bucket': {
      const { perSecond, burst } = keptBucket(limit);
      return { ...own, rate: perSecond, burst };
    }
    case 'inflight': {
      // A lease is a window whose grants are given back when the call ends.
      const leaseUs = (limit.leaseMs ?? DEFAULT_LEASE_MS) * 1_000;
      return { ...own, max: limit.max, reserveStep: Math.max(1, limit.max / 4), ...ring(leaseUs, 0) };
    }
    case 'window':
    case 'calendar':
      return { ...own, ...counted(limit), ...ringOf(limit) };
  }
}

function counted(limit: WindowLimit | CalendarLimit): Pick<BucketRow, 'max' | 'reserveStep'> {
  const max = usableMax(limit);
  return { max, reserveStep: windowMsOf(limit) > LONGEST_SHORT_WINDOW_MS ? max / STEPS_OF_LONG_WINDOWS : max };
}

export function windowMsOf(limit: WindowLimit | CalendarLimit): number {
  return limit.kind === 'window' ? limit.perMs : CALENDAR_MS[limit.per];
}

function ringOf(limit: WindowLimit | CalendarLimit): Ring {
  const winUs = windowMsOf(limit) * 1_000;
  const guardUs = guardMsOf(limit) * 1_000;
  if (limit.kind === 'calendar') return alignedRing(winUs, guardUs, limit.per, limit.zone, 0);
  return limit.aligned === true
    ? alignedRing(winUs, guardUs, 'clock', null, (limit.offsetMs ?? 0) * 1_000)
    : ring(winUs, guardUs);
}

/** How much later than granted a call of this limit can be counted at most, in milliseconds. */
export function mostLateMs(limit: LimitSpec): number {
  switch (limit.kind) {
    case 'window':
    case 'calendar': {
      const { slotUs, slotsAhead } = ringOf(limit);
      return (slotUs * slotsAhead) / 1_000;
    }
    case 'bucket': {
      const { perSecond, burst } = keptBucket(limit);
      return (1_000 * (burst - 1)) / perSecond;
    }
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Costs are kept on a grid of 1/1024, rounded up, so that sums and differences in the database are exact. */
export function gridCost(cost: number): number {
  return Math.ceil(cost * 1024) / 1024;
}
