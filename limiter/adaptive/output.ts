/** What the law's state means for callers: rate, burst, and whether one call at a time finds out. Pure. Used by: `step.ts`. */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { leavingRate } from './windows/detect-sliding-window.ts';
import { keptWindow } from './windows/detect-window.ts';
import { isSearched } from './windows/few-state.ts';
import { bounds, clamp } from './state.ts';
import type { LawState } from './state.ts';

/** What the bucket does from now on. */
export interface LawOutput {
  readonly state: LawState;
  readonly ratePerSecond: number;
  /** Permits that may be given out at once after a pause, ≥ 1. */
  readonly burst: number;
  /** hold: one call at a time in the whole system, not before `probeAtMs`, the next one after its answer was reported. */
  readonly mode: 'open' | 'hold';
  readonly probeAtMs?: number;
  readonly epoch: number;
  /** A window the law recognised: to be kept exactly, on top of the rate. */
  readonly window?: { readonly max: number; readonly perMs: number };
  /** The change in words, for the bucket's event log. */
  readonly event?: string;
}

export function rateOf(s: LawState, spec: LearnedLimit): number {
  const { floor, ceiling } = bounds(spec);
  const share = { start: 1, cruise: 1 - s.estimate.margin, climb: 1 + s.climb.stepUp, ease: 0.5, hold: 1, settle: 1, fill: 2, outage: 1, recover: 0.5 }; // prettier-ignore
  // The call that saw it open is not in the ring: the first window takes one less.
  const isFirst = isSearched(s.window) && s.clean <= s.window.max;
  if (isFirst) return clamp(s.limit * Math.max(0.5, 1 - 1.5 / s.window.max), floor, ceiling);
  const filling = s.phase === 'fill' ? s.window.fillRate : 0;
  const rate = Math.max(filling, s.limit * share[s.phase]);
  return clamp(s.nowMs < s.window.drainUntilMs ? Math.min(rate, leavingRate(s)) : rate, floor, ceiling);
}

export function output(s: LawState, spec: LearnedLimit, event?: string): LawOutput {
  const held = s.phase === 'hold' || s.phase === 'outage' || s.phase === 'settle';
  const window = keptWindow(s);
  const rate = rateOf(s, spec);
  // Callers who were sent away come back some tenths of a second late. When the search stands still because of that, what they
  // were late for is kept for them.
  const isUnused = s.phase === 'start' && s.nowMs - s.phaseAtMs > 1500 && s.climb.above < 0.5 * s.limit;
  return {
    state: s,
    ratePerSecond: rate,
    burst: Math.max(
      window ? Math.max(1, 0.05 * rate) : 1 + (isUnused ? 0.4 : 0.1) * rate,
      s.demand < 0.5 && window ? window.max : 0,
      // Callers who are late for one that is told find a part of it: its count is exact, whatever the pace.
      s.window.isTold ? 1 + 0.1 * s.window.max : 0,
    ),
    mode: held ? 'hold' : 'open',
    ...(held ? { probeAtMs: s.held.probeAtMs } : {}),
    epoch: s.epoch,
    ...(window ? { window } : {}),
    ...(event === undefined ? {} : { event }),
  };
}
