/**
 * A probe succeeded, the server is open again: how long it was closed and what was accepted between two openings tell a
 * bucket that refills from a window, and what the window holds.
 * Next stop: `limiter/adaptive/detect-window.ts`, then `limiter/adaptive/step.ts`.
 */
import { forgive, settleCost } from './climb.ts';
import { acceptedSince, watch } from './recent-accepted.ts';
import { clamp, describe, enter, measured, setMark } from './state.ts';
import type { LawEvent, LawPhase, LawState } from './state.ts';
import { measuredOpenings, recognise, slidingKnown, windowCalls } from './detect-window.ts';

/** A closure longer than this many milliseconds is the server's window or a slow refill, not just a full bucket. */
function longClosureMs(s: LawState): number {
  return Math.max(2000, 8000 / s.heldRate, 3 * s.rttMs);
}

/** A probe succeeded. Updates the estimate and returns the change in words. */
export function opened(s: LawState, event: LawEvent): string {
  const answerMs = s.nowMs - s.probeAtMs;
  const punctual = answerMs < 5000 + 3 * s.rttMs;
  // Fast up, slow down: what matters is how late bad news may come.
  if (punctual) s.rttMs = Math.max(clamp(answerMs, 20, 10_000), 0.9 * s.rttMs);
  const hiMs = s.nowMs - s.rttMs / 2;
  const loMs = Math.min(hiMs, Math.max(s.lastRefusalMs - s.rttMs / 2, s.markHiMs));
  const closedMs = hiMs - s.heldAtMs;
  const isLong = closedMs > longClosureMs(s) || endsFill(s, closedMs);
  const before = s.limit;
  const ok = s.okSinceMark;
  let next: LawPhase = 'cruise';
  const held =
    s.windowMax > 0 && s.measuring === 0 && punctual ? acceptedSince(s, (loMs + hiMs) / 2 - s.windowHiMs) : undefined;
  if (!punctual) {
    // Nobody called for a while: when it opened is not known.
    setMark(s, 0, 0, 0);
    s.measuring = 0;
  } else if (s.heldFrom === 'fill' && s.openToMs > 0 && hiMs < s.openFromMs) {
    // It had not closed: others left it more than we thought, and nothing is known of when it opened.
    setMark(s, 0, 0, 0);
    const isVague = s.windowHiMs - s.windowLoMs > 0.25 * s.windowHiMs;
    s.measuring = isVague ? measuredOpenings : 0;
    next = isVague ? 'fill' : 'cruise';
  } else if (isLong) {
    next = s.heldFrom === 'start' ? firstOpening(s, loMs, hiMs) : fromLongClosure(s, loMs, hiMs);
    if (next === 'fill' && s.settleMs > 0) {
      next = 'settle';
      s.probeAtMs = s.nowMs + s.settleMs;
    }
    setMark(s, loMs, hiMs, event.ok);
    s.markIsOpening = 1;
  } else {
    // Nothing the server refilled in a short closure is lost, so the refusal stays the mark.
    if (s.heldFrom === 'start') s.limit = 0.7 * s.heldRate;
    if (s.heldFrom === 'fill') s.measuring = 0;
    if (s.heldFrom === 'ease' && s.markIsOpening === 0) s.okSinceMark += event.ok;
    else setMark(s, s.heldAtMs, s.heldAtMs, ok - s.heldOk + event.ok);
    next = 'ease';
  }
  if (held !== undefined && held > 0 && s.measuring === 0) {
    s.limit = clamp((held * 1000) / s.windowHiMs, 0.2 * before, Math.max(before, s.heldRate, s.heldLimit));
    s.refusedRate = 0;
    s.sure = hiMs - loMs < 0.1 * s.windowHiMs ? 2 : 1;
  }
  if (s.windowMax > 0 && s.measuring === 0) watch(s, s.windowHiMs);
  // A few calls' worth of closure is a refill, not a window.
  s.shallow = closedMs < 1000 + s.rttMs || (closedMs * s.limit) / 1000 < 3 ? 1 : 0;
  if (next === 'cruise') settleCost(s);
  s.saved = 0;
  enter(s, next);
  const window = s.windowMax > 0 ? `, ${s.windowMax} calls in ${(s.windowHiMs / 1000).toFixed(1)} s` : '';
  return `open again after ${(closedMs / 1000).toFixed(1)} s, ${describe(before)} → ${describe(s.limit)}${window}`;
}

/** A window that was used up on purpose: its end counts, however short the rest of it was. */
function endsFill(s: LawState, closedMs: number): boolean {
  if (s.heldFrom !== 'fill') return false;
  if (s.openToMs > 0) return true;
  if (s.measuring < measuredOpenings && s.nowMs - s.markHiMs < 0.8 * s.windowLoMs) return false;
  return s.windowMax > 0
    ? s.okSinceMark >= 0.5 * s.windowMax
    : s.okSinceMark >= windowCalls && closedMs > 2000 + s.rttMs;
}

/** The first ramp ended in a long closure: everything accepted so far was one quota. */
function firstOpening(s: LawState, loMs: number, hiMs: number): 'cruise' | 'fill' {
  const ok = s.okSinceMark;
  const sample = measured(s, hiMs);
  const rampMs = s.heldAtMs - s.markHiMs;
  if (s.markIsOpening === 0 || rampMs > 1.5 * (hiMs - s.heldAtMs)) {
    // So long a ramp may have gone through several windows: what it got says nothing.
    s.limit = 0.5 * s.heldRate;
    s.measuring = measuredOpenings;
    s.rampMs = Math.min(60_000, hiMs - s.heldAtMs);
    s.fillRate = 0;
    s.settleMs = 0;
    return 'fill';
  }
  s.limit = sample > 0 ? sample : 0.7 * s.heldRate;
  if (ok < windowCalls) return 'cruise';
  recognise(s, ok, loMs - s.markHiMs, hiMs - s.markHiMs);
  s.measuring = measuredOpenings;
  s.rampMs = Math.min(rampMs, 0.5 * s.windowHiMs);
  s.settleMs = 0;
  return 'fill';
}

/** A closure of seconds to an hour: what was accepted between two openings is what the window holds. */
function fromLongClosure(s: LawState, loMs: number, hiMs: number): 'cruise' | 'fill' {
  const ok = s.okSinceMark;
  const sample = measured(s, hiMs);
  // Between a refusal and an opening lies a closure: that measures nothing. Two openings do.
  const isMeasured = sample > 0 && s.markIsOpening === 1;
  if (!isMeasured && (s.windowMax === 0 || s.measuring > 0)) return s.measuring > 0 ? 'fill' : 'cruise';
  if (isMeasured && ok < windowCalls && s.windowMax > 0 && hiMs - s.markHiMs < 0.5 * s.windowLoMs) return 'cruise';
  if (isMeasured && ok < windowCalls) {
    s.limit = clamp(sample, s.sure === 0 ? 0 : 0.5 * s.limit, 1.25 * s.limit);
    s.sure = 1;
    s.windowMax = 0;
    s.measuring = 0;
    return 'cruise';
  }
  if (s.windowMax > 0 && s.measuring === 0) {
    // A known window, used up too early. Usually the length stays and the number follows.
    const spanMs = hiMs - s.markHiMs;
    if (
      s.markIsOpening === 1 &&
      spanMs > 1.3 * s.windowHiMs &&
      hiMs - s.heldAtMs > 0.15 * s.windowHiMs &&
      ok < 1.1 * s.windowMax
    ) {
      recognise(s, ok, loMs - s.markHiMs, hiMs - s.markLoMs);
      s.limit = (ok * 1000) / s.windowHiMs;
      s.measuring = 3;
      s.fillRate = 0;
      return 'fill';
    }
    return 'cruise';
  }
  if (s.windowMax === 0 && s.measuring === 0) {
    // The server closes for a while, so perhaps it counts in windows: use up a whole one to see.
    s.measuring = measuredOpenings;
    s.settleMs = 0;
    s.rampMs = 0;
    s.fillRate = 0;
    s.limit = clamp(sample, 0.2 * s.limit, 1.25 * s.limit);
    return 'fill';
  }
  // The first ramp got more and it was not closed for long: no whole window, but what a sliding one had let go of.
  const isRest =
    s.measuring === measuredOpenings && ok < 0.6 * s.windowMax && hiMs - s.heldAtMs < 0.3 * (hiMs - s.markHiMs);
  if (!isRest) recognise(s, ok, loMs - s.markHiMs, hiMs - s.markLoMs);
  if (s.settleMs > 0) {
    // It slides: one measurement is all it takes, see `slidingKnown`.
    slidingKnown(s);
    return 'fill';
  }
  s.limit = (s.windowMax * 1000) / s.windowHiMs;
  s.sure = 2;
  s.measuring -= 1;
  if (s.windowHiMs - s.windowLoMs < 0.04 * s.windowHiMs) s.measuring = 0;
  if (s.measuring === 0) {
    forgive(s);
    // Openings are met late rather than early, so the end of the bracket is too long by a part of it.
    s.windowHiMs -= 0.25 * Math.min(s.windowHiMs - s.windowLoMs, 0.08 * s.windowHiMs);
    s.limit = (s.windowMax * 1000) / s.windowHiMs;
  }
  return s.measuring > 0 ? 'fill' : 'cruise';
}
