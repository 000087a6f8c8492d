/**
 * From a charge's key and limit to the row that counts it: its id, and the geometry of its ring of sub-windows.
 * Next stop: `registry.ts` writes the row, `limiter/acquire/encode-batch.ts` charges it.
 */
import { createHash } from 'node:crypto';
import type { LimitSpec, WindowLimit } from '../../contracts/limit.ts';

/** The row of one key as SQL wants it. */
export interface BucketRow {
  readonly id: number;
  readonly key: string;
  readonly kind: LimitSpec['kind'] | 'gate';
  readonly spec: LimitSpec | Record<string, never>;
  readonly max: number | null;
  readonly winUs: number;
  readonly guardUs: number;
  readonly slotUs: number;
  readonly slots: number;
  /** Slots of them that lie in the future: a slow worker's grants are counted ahead of time. */
  readonly slotsAhead: number;
  /**
   * Commits wait for the disk only once per this many units; that much is taken for granted after a crash, when the last
   * commits may be lost.
   */
  readonly reserveStep: number;
  /** Learned limits: calls per second until the control law says otherwise. */
  readonly rate: number | null;
}

export const DEFAULT_GUARD_MS = 100;
export const DEFAULT_LEASE_MS = 60_000;

// More slots waste less of the window and make a bigger row; at 120 the row stays near 1.3 kB and the waste below 1 %.
const SLOTS = 120;
const SHORTEST_SLOT_US = 5_000;
// A ring that is served the moment a slot is freed is served just before the next slot begins, if slots divide the
// period with this much over; then a saturated window loses this, and not a whole slot, in every round.
// It also has to cover how late a caller comes who was sent away, or its successors' estimates slip by a slot.
const SLACK_US = 250_000;
const SLOTS_AHEAD = 30;
// After a crash a short window is taken for full, which costs that window once; of a longer one a fiftieth is lost.
const LONGEST_SHORT_WINDOW_MS = 10_000;
const STEPS_OF_LONG_WINDOWS = 50;

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
export function usableMax({ max, reserve = 0 }: WindowLimit): number {
  return Math.max(1, Math.floor(max * (1 - reserve) + 1e-9));
}

/** Describes the row of one key. Gates have no limit. */
export function bucketRow(key: string, limit: LimitSpec | undefined): BucketRow {
  const base = {
    id: bucketId(key),
    key,
    winUs: 0,
    guardUs: 0,
    slotUs: 0,
    slots: 0,
    slotsAhead: 0,
    max: null,
    rate: null,
    reserveStep: 0,
  };
  if (limit === undefined) return { ...base, kind: 'gate', spec: {} };
  if (limit.kind === 'learned') return { ...base, kind: 'learned', spec: limit, rate: limit.startPerSecond ?? 1 };
  if (limit.kind === 'inflight') {
    // A lease is a window whose grants are given back when the call ends.
    const leaseUs = (limit.leaseMs ?? DEFAULT_LEASE_MS) * 1_000;
    const reserveStep = Math.max(1, limit.max / 4);
    return { ...base, kind: 'inflight', spec: limit, max: limit.max, reserveStep, ...ring(leaseUs, 0) };
  }
  const max = usableMax(limit);
  const reserveStep = limit.perMs > LONGEST_SHORT_WINDOW_MS ? max / STEPS_OF_LONG_WINDOWS : max;
  const guardUs = (limit.guardMs ?? DEFAULT_GUARD_MS) * 1_000;
  return { ...base, kind: 'window', spec: limit, max, reserveStep, ...ring(limit.perMs * 1_000, guardUs) };
}

/**
 * The geometry of a ring: a whole number of equal slots in window and guard, plus the one that is being filled, plus those
 * in which a slow worker's grants are counted ahead of time.
 */
export function ring(
  winUs: number,
  guardUs: number,
): Pick<BucketRow, 'winUs' | 'guardUs' | 'slotUs' | 'slots' | 'slotsAhead'> {
  const target = Math.max(winUs / SLOTS, SHORTEST_SLOT_US);
  const parts = Math.ceil((winUs + guardUs) / target);
  const slack = Math.min(target / 2, SLACK_US);
  const slotUs = Math.ceil((winUs + guardUs + slack) / parts);
  return { winUs, guardUs, slotUs, slots: parts + 1 + SLOTS_AHEAD, slotsAhead: SLOTS_AHEAD };
}

/** Costs are kept on a grid of 1/1024, rounded up, so that sums and differences in the database are exact. */
export function gridCost(cost: number): number {
  return Math.ceil(cost * 1024) / 1024;
}

/** How much later than granted a call with these limits can be counted at most, in milliseconds. */
export function mostLateMs(winMs: number, guardMs: number): number {
  const { slotUs, slotsAhead } = ring(winMs * 1_000, guardMs * 1_000);
  return (slotsAhead * slotUs) / 1_000;
}
