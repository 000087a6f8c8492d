/**
 * From a run to numbers: utilisation, refused share, reaction times, probes. Next: `bench/learned.ts`.
 */
import type { Run } from './world.ts';

export function total(counts: Uint32Array, fromS: number, toS: number): number {
  let sum = 0;
  for (let i = Math.max(0, Math.floor(fromS)); i < Math.min(counts.length, Math.floor(toS)); i += 1)
    sum += counts[i] ?? 0;
  return sum;
}

/** Refused calls as a share of those that were answered with yes or no. */
export function refusedShare(run: Run, fromS: number, toS: number): number {
  const refused = total(run.refused, fromS, toS);
  const accepted = total(run.accepted, fromS, toS);
  return refused === 0 ? 0 : refused / (refused + accepted);
}

/** What is left of the limit after others took their share, in calls. */
export function leftOver(run: Run, fromS: number, toS: number, askedPerSecond?: (nowMs: number) => number): number {
  let sum = 0;
  for (let s = Math.floor(fromS); s < Math.floor(toS); s += 1) {
    const nowMs = s * 1000 + 500;
    const left = run.server.limitAt(nowMs) * (1 - run.server.foreignShareAt(nowMs));
    sum += Math.min(left, askedPerSecond ? askedPerSecond(nowMs) : Number.POSITIVE_INFINITY);
  }
  return sum;
}

/**
 * Seconds after a change until a whole span of `spanS` seconds is good. Up: the span that ends there has 90 % of the new
 * limit. Down: the span that begins there has 85 % of the new limit and at most 2 % refused.
 */
export function reactionS(
  run: Run,
  changeS: number,
  perSecond: number,
  spanS: number,
  direction: 'up' | 'down',
): number {
  const last = run.accepted.length - 1;
  for (let t = changeS; t < last; t += 1) {
    const fromS = direction === 'up' ? t - spanS : t;
    if (fromS < changeS || fromS + spanS > last) continue;
    const accepted = total(run.accepted, fromS, fromS + spanS);
    const isEnough = accepted >= (direction === 'up' ? 0.9 : 0.85) * perSecond * spanS;
    if (isEnough && (direction === 'up' || refusedShare(run, fromS, fromS + spanS) <= 0.02)) return t - changeS;
  }
  return Number.POSITIVE_INFINITY;
}
