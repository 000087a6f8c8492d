/**
 * Recognises that the server counts in windows: so many calls, then closed until a window's end.
 * The window gives permission to burst after a pause and makes probing cheap. Next: `limiter/adaptive/step.ts`.
 */
import { clamp } from '../state.ts';
import type { LastOpening, LawState } from '../state.ts';

/** Fewer calls than this between two openings are a slow refill; a rate says all there is to say. */
export const windowCalls = 5;

/** Two counts of a window differ by this share at most: by calls that were on their way. */
const SAME = 0.03;

/** Openings that are measured at most until the window's length is known well enough. */
export const measuredOpenings = 6;

/** Adds a measured window: `calls` between two openings that lie `loMs` … `hiMs` apart. */
export function recognise(s: LawState, calls: number, loMs: number, hiMs: number): void {
  // Others took part of this one: its opening may have been theirs.
  if (s.window.measuring > 0 && s.window.measuring < measuredOpenings && calls < 0.97 * s.window.max - 1) return;
  // Longer than the one before and hardly more calls: the end of one window was missed.
  if (
    s.window.measuring > 0 &&
    s.window.measuring < measuredOpenings &&
    loMs > 1.2 * s.window.hiMs &&
    calls < 1.5 * s.window.max
  )
    return;
  // What the first ramp said holds for sliding windows only, so the first measured pair of openings replaces it.
  const same =
    s.window.measuring > 0 &&
    s.window.measuring < measuredOpenings &&
    Math.abs(calls - s.window.max) <= Math.max(1, 0.02 * calls) &&
    loMs <= s.window.hiMs &&
    hiMs >= s.window.loMs;
  // A bracket that is empty (answers out of order, a clock set back) must still be a length.
  hiMs = Math.max(hiMs, 1000);
  loMs = clamp(loMs, 0.05 * hiMs, hiMs);
  s.window.loMs = same ? Math.max(loMs, s.window.loMs) : loMs;
  s.window.hiMs = same ? Math.min(hiMs, s.window.hiMs) : hiMs;
  s.window.max = same ? Math.min(calls, s.window.max) : calls;
}

export function noOpening(): LastOpening {
  return { loMs: 0, hiMs: 0, ok: 0, calls: 0, leastMs: 0, mostMs: 0 };
}

/**
 * It has opened after a long closure. What was accepted since the opening before is all that a window holds, whatever was asked for, if
 * it was used up in one: then it is the same number twice, and the openings lie as far apart.
 * @param fresh accepted since it has opened.
 * @param mayBeKnown no window is being measured.
 * @returns whether a window was recognised.
 */
export function noteOpening(s: LawState, loMs: number, hiMs: number, fresh: number, mayBeKnown: boolean): boolean {
  const before = s.opening;
  const isKnown = before.hiMs > 0;
  const calls = before.ok - fresh;
  const [leastMs, mostMs] = [loMs - before.hiMs, hiMs - before.loMs];
  const next = { loMs, hiMs, ok: fresh };
  s.opening = isKnown ? { ...next, calls, leastMs, mostMs } : { ...noOpening(), ...next };
  const isSame =
    isKnown &&
    Math.min(calls, before.calls) >= windowCalls &&
    Math.abs(calls - before.calls) <= SAME * calls &&
    leastMs <= before.mostMs &&
    mostMs >= before.leastMs;
  if (!isSame || !mayBeKnown || s.window.max > 0) return false;
  s.window.max = Math.min(calls, before.calls);
  s.window.loMs = Math.max(leastMs, before.leastMs, 1000);
  s.window.hiMs = Math.max(Math.min(mostMs, before.mostMs), s.window.loMs);
  s.window.measuring = 0;
  s.limit = (s.window.max * 1000) / s.window.hiMs;
  s.estimate.sure = 2;
  return true;
}

/** The window to be kept exactly: longer by what calls differ in travel time. */
export function keptWindow(s: LawState): { max: number; perMs: number } | undefined {
  const isFree = s.phase === 'start' || s.window.measuring === measuredOpenings;
  if (s.window.max < windowCalls || isFree) return undefined;
  const perMs = (s.window.measuring > 0 ? s.window.loMs : s.window.hiMs) + Math.max(50, s.rttMs / 2);
  // After the limit was learned anew at another rate the length stays and the number follows.
  // A climb must get above the estimate, also where the ring is longer than the window, and in whole calls.
  const calls =
    s.phase === 'climb'
      ? Math.ceil((s.limit * (1 + s.climb.stepUp) * perMs) / 1000)
      : Math.round((s.limit * s.window.hiMs) / 1000);
  return { max: Math.max(1, calls), perMs: Math.ceil(perMs) };
}

/** The window turned out to slide: the first ramp measured it, what is left of the error is climbed up. */
export function slidingKnown(s: LawState): void {
  s.window.measuring = 0;
  s.limit = (s.window.max * 1000) / s.window.hiMs;
  s.estimate.sure = 1;
  s.climb.credit = 0;
  // The length lies between two bounds and the longer one was taken.
  s.climb.stepUp = clamp((s.window.hiMs / s.window.loMs - 1) / 3, 0.06, 0.25);
}
