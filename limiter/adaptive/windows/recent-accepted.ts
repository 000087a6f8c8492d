/**
 * What was accepted lately, in bins over one and a half windows. When a closed window opens, the calls accepted in the
 * window's length before the opening are exactly what it holds. That holds whether the server counts in fixed or
 * sliding windows.
 * Next: `limiter/adaptive/probe.ts`.
 */
import type { LawState } from '../state.ts';

const bins = 24;

/** Watches a window of this length; a different one starts anew. */
export function watch(s: LawState, lengthMs: number): void {
  const binMs = (1.5 * lengthMs) / bins;
  if (Math.abs(binMs - s.recent.binMs) < 0.01 * binMs) return;
  s.recent.binMs = binMs;
  s.recent.atMs = s.nowMs;
  s.recent.fromMs = s.nowMs;
  s.recent.bins = Array.from({ length: bins }, () => 0);
}

/** Watches a window whose past is known: `acceptedIn` says how much was accepted in the last so many milliseconds. */
export function refill(s: LawState, lengthMs: number, acceptedIn: (ms: number) => number): void {
  watch(s, lengthMs);
  const until = (index: number): number => acceptedIn(index * s.recent.binMs);
  s.recent.bins = s.recent.bins.map((_, index) => (index === 0 ? 0 : Math.max(0, until(index) - until(index - 1))));
  s.recent.fromMs = s.nowMs - (bins - 1) * s.recent.binMs;
}

/** Adds accepted calls now. */
export function countRecent(s: LawState, ok: number): void {
  if (s.recent.binMs === 0) return;
  const passed = Math.floor((s.nowMs - s.recent.atMs) / s.recent.binMs);
  if (passed > 0) {
    const fresh = Array.from({ length: Math.min(bins, passed) }, () => 0);
    s.recent.bins = [...fresh, ...s.recent.bins].slice(0, bins);
    s.recent.atMs += passed * s.recent.binMs;
  }
  if (ok > 0) s.recent.bins = [(s.recent.bins[0] ?? 0) + ok, ...s.recent.bins.slice(1)];
}

/** Accepted since `fromMs`; undefined when the bins do not reach back so far. */
export function acceptedSince(s: LawState, fromMs: number): number | undefined {
  const reachMs = Math.max(s.recent.fromMs, s.recent.atMs - (bins - 1) * s.recent.binMs);
  if (s.recent.binMs === 0 || fromMs < reachMs) return undefined;
  let sum = 0;
  for (const [index, count] of s.recent.bins.entries()) {
    const startMs = s.recent.atMs - index * s.recent.binMs;
    const lengthMs = index === 0 ? Math.max(1, s.nowMs - s.recent.atMs) : s.recent.binMs;
    sum += count * Math.min(1, Math.max(0, (startMs + lengthMs - fromMs) / lengthMs));
  }
  return sum;
}
