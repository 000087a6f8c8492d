/**
 * Closed after a refusal: when the next single call may find out whether the server opened, and what its success says.
 * Next stop: `limiter/law-window.ts` (a long closure shows a window), then `limiter/adapt.ts`.
 */
import { clamp, enter, measured, setMark } from './law-state.ts';
import type { LawEvent, LawState } from './law-state.ts';
import { recognise, windowCalls } from './law-window.ts';

/** A closure longer than this many milliseconds is the server's window or a slow refill, not just a full bucket. */
function longClosureMs(s: LawState): number {
  return Math.max(2000, 8000 / s.heldRate, 3 * s.rttMs);
}

/** Closes the bucket because of a refusal now. */
export function hold(s: LawState, retryAfterMs: number | undefined): void {
  s.heldFrom = s.phase;
  s.heldAtMs = s.nowMs;
  s.heldRate = s.rate;
  s.probeNo = 0;
  s.openFromMs = 0;
  s.openToMs = 0;
  enter(s, 'hold');
  nextProbe(s, retryAfterMs);
}

/** Closes the bucket although nothing was refused: the window is used up and its next opening is to be measured. */
export function holdUntilOpening(s: LawState, fromMs: number, toMs: number): void {
  s.heldFrom = s.phase;
  s.heldAtMs = s.nowMs;
  s.heldRate = s.rate;
  s.probeNo = 0;
  s.openFromMs = fromMs;
  s.openToMs = toMs;
  s.lastRefusalMs = Math.max(s.nowMs, fromMs);
  s.probeAtMs = Math.max(s.nowMs, fromMs + (toMs - fromMs) / 6);
  enter(s, 'hold');
}

/**
 * The time of the next probe. Gaps grow with the square of the number of probes, so that fifteen minutes take 17 and an
 * hour 27; where an opening is expected they divide the span in six.
 */
export function nextProbe(s: LawState, retryAfterMs: number | undefined): void {
  if (retryAfterMs !== undefined) {
    s.probeAtMs = s.nowMs + clamp(retryAfterMs, 0, 86_400_000) + 50;
    s.probeNo += 1;
    return;
  }
  const expected = s.openToMs > s.nowMs;
  const gapMs = expected ? Math.max(250, (s.openToMs - s.openFromMs) / 6) : 500 * (s.probeNo + 1) ** 2;
  s.probeAtMs = Math.max(s.nowMs + gapMs, expected ? s.openFromMs : 0);
  if (!expected) s.probeNo += 1;
}

/** A probe succeeded. Updates the estimate and returns the change in words. */
export function opened(s: LawState, event: LawEvent): string {
  const answerMs = s.nowMs - s.probeAtMs;
  const punctual = answerMs < 5000 + 3 * s.rttMs;
  if (punctual) s.rttMs += 0.3 * (clamp(answerMs, 20, 10_000) - s.rttMs);
  const hiMs = s.nowMs - s.rttMs / 2;
  const loMs = Math.min(hiMs, Math.max(s.lastRefusalMs - s.rttMs / 2, s.markHiMs));
  const isLong = hiMs - s.heldAtMs > longClosureMs(s);
  const before = s.limit;
  const ok = s.okSinceMark;
  const sample = measured(s, hiMs);
  let next: 'cruise' | 'settle' | 'fill' = 'cruise';
  if (!punctual) {
    // Nobody called for a while: the opening is not known.
  } else if (s.heldFrom === 'start') {
    s.limit = isLong && sample > 0 ? sample : 0.7 * s.heldRate;
    if (isLong && ok >= windowCalls) {
      recognise(s, ok, loMs - s.markHiMs, hiMs - s.markHiMs);
      s.measuring = 5;
      next = 'settle';
    }
  } else if (isLong && sample > 0) {
    next = fromLongClosure(s, sample, ok, loMs, hiMs);
  } else if (sample > 0) {
    s.limit =
      s.heldFrom === 'cruise' ? clamp(sample, 0.2 * s.limit, s.limit) : clamp(sample, 0.5 * s.limit, 1.02 * s.limit);
    s.confirmed = 1;
  }
  setMark(s, punctual ? loMs : 0, punctual ? hiMs : 0, event.ok);
  enter(s, next);
  return `open again after ${((hiMs - s.heldAtMs) / 1000).toFixed(1)} s, ${describe(before)} → ${describe(s.limit)}`;
}

/** A closure of seconds to an hour: what was accepted between two openings is what the window holds. */
function fromLongClosure(s: LawState, sample: number, ok: number, loMs: number, hiMs: number): 'cruise' | 'fill' {
  s.limit = clamp(sample, 0.2 * s.limit, Math.max(s.limit, 1.25 * s.limit));
  s.confirmed = 1;
  if (ok < windowCalls) {
    s.windowMax = 0;
    s.measuring = 0;
    return 'cruise';
  }
  recognise(s, ok, loMs - s.markHiMs, hiMs - s.markLoMs);
  s.limit = (s.windowMax * 1000) / s.windowHiMs;
  s.measuring = Math.max(0, s.measuring - 1);
  return s.measuring > 0 && s.windowHiMs - s.windowLoMs > 0.03 * s.windowHiMs ? 'fill' : 'cruise';
}

export function describe(rate: number): string {
  return rate >= 1
    ? `${rate.toFixed(1)}/s`
    : rate * 60 >= 1
      ? `${(rate * 60).toFixed(1)}/min`
      : `${(rate * 3600).toFixed(1)}/h`;
}
