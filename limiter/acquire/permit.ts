/**
 * How long a permit may be held before the call is sent.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { guardMsOf, mostLateMs } from '../buckets/bucket-row.ts';
import type { Permit } from '../types.ts';

// Also bounds how long after a pause calls still go out.
const LONGEST_MS = 250;
// An event loop needs some time, however small the guard.
const SHORTEST_MS = 10;

/**
 * Half of the smallest guard: the other half is left to the network. In milliseconds, 10 … 250. A guard of zero says that
 * the third party's count need not be met exactly, and does not shorten it.
 */
export function permitLifetimeMs(charges: readonly Charge[]): number {
  let lifetimeMs = LONGEST_MS;
  for (const { limit } of charges) {
    const guardMs = guardMsOf(limit);
    if (guardMs > 0) lifetimeMs = Math.min(lifetimeMs, guardMs / 2);
  }
  return Math.max(SHORTEST_MS, lifetimeMs);
}

/** What of a grant's counted lateness holds for all limits of the call, in milliseconds. */
export function allowedLateMs(charges: readonly Charge[], lateMs: number): number {
  return Math.min(lateMs, ...charges.map(({ limit }) => mostLateMs(limit)));
}

/** True while the call may still be sent. Check right before sending; else report `not-sent` and acquire again. */
export function isFresh(permit: Permit): boolean {
  return performance.now() < permit.expiresAt;
}
