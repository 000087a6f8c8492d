/**
 * A probe succeeded, the server is open again. How long it was closed and what was accepted between two openings tell a
 * bucket that refills from a window, and what the window holds.
 * Next: `limiter/adaptive/windows/detect-window.ts`, then `limiter/adaptive/step.ts`.
 */
import { clear } from './chance.ts';
import { forgive, settleCost } from './climb.ts';
import { acceptedSince, watch } from './windows/recent-accepted.ts';
import { clamp, describe, enter, measured, setMark } from './state.ts';
import type { LawEvent, LawPhase, LawState } from './state.ts';
import { beginFew, MOST_FEW_CALLS, openedFew } from './windows/few-calls.ts';
import { isSearched } from './windows/few-state.ts';
import { measuredOpenings, noteOpening, recognise, slidingKnown, windowCalls } from './windows/detect-window.ts';

/** Where the ramp begins again, calls a second, at least. */
const START = 1;
/** Times are told in whole seconds, mostly rounded up. */
const TOLD_ROUNDED_MS = 1_000;

/** A closure longer than this many milliseconds is the server's window or a slow refill, not just a full bucket. */
function longClosureMs(s: LawState): number {
  return Math.max(2000, 8000 / s.held.rate, 3 * s.rttMs);
}

/** A probe succeeded. Updates the estimate and returns the change in words. */
export function opened(s: LawState, event: LawEvent): string {
  if (s.window.isTold) {
    enter(s, 'cruise');
    return `open again after ${((s.nowMs - s.held.atMs) / 1000).toFixed(1)} s`;
  }
  const answerMs = s.nowMs - s.held.probeAtMs;
  const punctual = answerMs < 5000 + 3 * s.rttMs;
  // Fast up, slow down: what matters is how late bad news may come.
  if (punctual) s.rttMs = Math.max(clamp(answerMs, 20, 10_000), 0.9 * s.rttMs);
  const hiMs = s.nowMs - s.rttMs / 2;
  // It was closed at the last refusal, and until the time that this has told.
  const closedToMs = Math.max(s.lastRefusalMs - s.rttMs / 2, (s.held.toldMs ?? 0) - TOLD_ROUNDED_MS - s.rttMs);
  const loMs = Math.min(hiMs, Math.max(closedToMs, s.mark.hiMs));
  const closedMs = hiMs - s.held.atMs;
  const isLong = closedMs > longClosureMs(s) || endsFill(s, closedMs);
  if (isLong) clear(s);
  const before = s.limit;
  const ok = s.mark.ok;
  const few = isSearched(s.window) ? s.window.few : undefined;
  let next: LawPhase = 'cruise';
  const held =
    few === undefined && s.window.max > 0 && s.window.measuring === 0 && punctual
      ? acceptedSince(s, (s.held.isHabit ? loMs : (loMs + hiMs) / 2) - s.window.hiMs)
      : undefined;
  // Of few calls the one that saw it open is a large share: it was accepted behind the opening.
  const whole = held === undefined || s.window.max > MOST_FEW_CALLS ? held : held - event.ok;
  if (few !== undefined) {
    if (punctual) openedFew(s, few, closedToMs, hiMs);
  } else if (!punctual) {
    // Nobody called for a while: when it opened is not known.
    setMark(s, 0, 0, 0);
    s.window.measuring = 0;
  } else if (s.held.from === 'fill' && s.held.openToMs > 0 && hiMs < s.held.openFromMs) {
    // It had not closed: others left it more than we thought, and nothing is known of when it opened.
    setMark(s, 0, 0, 0);
    const isVague = s.window.hiMs - s.window.loMs > 0.25 * s.window.hiMs;
    s.window.measuring = isVague ? measuredOpenings : 0;
    next = isVague ? 'fill' : 'cruise';
  } else if (isLong) {
    next = s.held.from === 'start' ? firstOpening(s, loMs, hiMs, event.ok) : fromLongClosure(s, loMs, hiMs);
    if (next === 'fill' && s.held.settleMs > 0) {
      next = 'settle';
      s.held.probeAtMs = s.nowMs + s.held.settleMs;
    }
    setMark(s, loMs, hiMs, event.ok);
    s.mark.isOpening = true;
    if (noteOpening(s, loMs, hiMs, event.ok, next === 'cruise')) next = knownByOpenings(s);
  } else {
    // Nothing the server refilled in a short closure is lost, so the refusal stays the mark.
    if (s.held.from === 'start') s.limit = 0.7 * s.held.rate;
    if (s.held.from === 'fill') s.window.measuring = 0;
    if (s.held.from === 'ease' && !s.mark.isOpening) s.mark.ok += event.ok;
    else setMark(s, s.held.atMs, s.held.atMs, ok - s.held.ok + event.ok);
    next = 'ease';
  }
  if (whole !== undefined && whole > 0 && s.window.measuring === 0) {
    s.limit = clamp((whole * 1000) / s.window.hiMs, 0.2 * before, Math.max(before, s.held.rate, s.held.limit));
    s.estimate.refusedRate = 0;
    s.estimate.sure = hiMs - loMs < 0.1 * s.window.hiMs ? 2 : 1;
  }
  if (s.window.max > 0 && s.window.measuring === 0) watch(s, s.window.hiMs);
  // A few calls' worth of closure is a refill, not a window.
  s.estimate.isShallow = closedMs < 1000 + s.rttMs || (closedMs * s.limit) / 1000 < 3;
  if (next === 'cruise') settleCost(s);
  s.climb.saved = 0;
  enter(s, next);
  const window = s.window.max > 0 ? `, ${s.window.max} calls in ${(s.window.hiMs / 1000).toFixed(1)} s` : '';
  return `open again after ${(closedMs / 1000).toFixed(1)} s, ${describe(before)} → ${describe(s.limit)}${window}`;
}

/** A window that was used up on purpose: its end counts, however short the rest of it was. */
function endsFill(s: LawState, closedMs: number): boolean {
  if (s.held.from !== 'fill') return false;
  if (s.held.openToMs > 0) return true;
  if (s.window.measuring < measuredOpenings && s.nowMs - s.mark.hiMs < 0.8 * s.window.loMs) return false;
  return s.window.max > 0 ? s.mark.ok >= 0.5 * s.window.max : s.mark.ok >= windowCalls && closedMs > 2000 + s.rttMs;
}

/** Its calls are known, its length between two bounds: it is measured where there is always somebody to use it up. */
function knownByOpenings(s: LawState): 'cruise' | 'fill' {
  forgive(s);
  if (s.demand < 0.9 || s.window.hiMs - s.window.loMs < 0.04 * s.window.hiMs) return 'cruise';
  s.window.measuring = 3;
  s.window.fillRate = 0;
  return 'fill';
}

/** The first ramp ended in a long closure: everything accepted so far was one quota. */
function firstOpening(s: LawState, loMs: number, hiMs: number, fresh: number): 'cruise' | 'fill' | 'start' {
  if (beginFew(s, loMs, hiMs, fresh)) return 'cruise';
  const ok = s.mark.ok;
  const sample = measured(s, hiMs);
  const rampMs = s.held.atMs - s.mark.hiMs;
  if (!s.mark.isOpening) {
    // Calls had gone out before the search, so nothing is known of what the quota holds. Now it is whole: the ramp begins again.
    s.limit = Math.max(0.125 * s.held.rate, START);
    s.climb.above = 0;
    s.ramp.unanswered = 0;
    return 'start';
  }
  if (rampMs > 1.5 * (hiMs - s.held.atMs)) {
    // So long a ramp may have gone through several windows: what it got says nothing.
    s.limit = 0.5 * s.held.rate;
    s.window.measuring = measuredOpenings;
    s.ramp.lastedMs = Math.min(60_000, hiMs - s.held.atMs);
    s.window.fillRate = 0;
    s.held.settleMs = 0;
    return 'fill';
  }
  s.limit = sample > 0 ? sample : 0.7 * s.held.rate;
  if (ok < windowCalls) return 'cruise';
  recognise(s, ok, loMs - s.mark.hiMs, hiMs - s.mark.hiMs);
  s.window.measuring = measuredOpenings;
  s.ramp.lastedMs = Math.min(rampMs, 0.5 * s.window.hiMs);
  s.held.settleMs = 0;
  return 'fill';
}

/** A closure of seconds to an hour: what was accepted between two openings is what the window holds. */
function fromLongClosure(s: LawState, loMs: number, hiMs: number): 'cruise' | 'fill' {
  const ok = s.mark.ok;
  const sample = measured(s, hiMs);
  // Between a refusal and an opening lies a closure: that measures nothing. Two openings do.
  const isMeasured = sample > 0 && s.mark.isOpening;
  if (!isMeasured && (s.window.max === 0 || s.window.measuring > 0)) return s.window.measuring > 0 ? 'fill' : 'cruise';
  if (isMeasured && ok < windowCalls && s.window.max > 0 && hiMs - s.mark.hiMs < 0.5 * s.window.loMs) return 'cruise';
  if (isMeasured && ok < windowCalls) {
    s.limit = clamp(sample, s.estimate.sure === 0 ? 0 : 0.5 * s.limit, 1.25 * s.limit);
    s.estimate.sure = 1;
    s.window.max = 0;
    s.window.measuring = 0;
    return 'cruise';
  }
  if (s.window.max > 0 && s.window.measuring === 0) {
    // A known window, used up too early. Usually the length stays and the number follows.
    const spanMs = hiMs - s.mark.hiMs;
    if (
      s.mark.isOpening &&
      !s.held.isHabit &&
      spanMs > 1.3 * s.window.hiMs &&
      hiMs - s.held.atMs > 0.15 * s.window.hiMs &&
      ok < 1.1 * s.window.max
    ) {
      recognise(s, ok, loMs - s.mark.hiMs, hiMs - s.mark.loMs);
      s.limit = (ok * 1000) / s.window.hiMs;
      s.window.measuring = 3;
      s.window.fillRate = 0;
      return 'fill';
    }
    return 'cruise';
  }
  if (s.window.max === 0 && s.window.measuring === 0) {
    // The server closes for a while, so perhaps it counts in windows: use up a whole one to see.
    s.window.measuring = measuredOpenings;
    s.held.settleMs = 0;
    s.ramp.lastedMs = 0;
    s.window.fillRate = 0;
    s.limit = clamp(sample, 0.2 * s.limit, 1.25 * s.limit);
    return 'fill';
  }
  // The first ramp got more and it was not closed for long: no whole window, but what a sliding one had let go of.
  const isRest =
    s.window.measuring === measuredOpenings &&
    ok < 0.6 * s.window.max &&
    hiMs - s.held.atMs < 0.3 * (hiMs - s.mark.hiMs);
  if (!isRest) recognise(s, ok, loMs - s.mark.hiMs, hiMs - (s.held.isHabit ? s.mark.hiMs : s.mark.loMs));
  if (s.held.settleMs > 0) {
    // It slides: one measurement is all it takes, see `slidingKnown`.
    slidingKnown(s);
    return 'fill';
  }
  s.limit = (s.window.max * 1000) / s.window.hiMs;
  s.estimate.sure = 2;
  s.window.measuring -= 1;
  if (s.window.hiMs - s.window.loMs < 0.04 * s.window.hiMs) s.window.measuring = 0;
  if (s.window.measuring === 0) {
    forgive(s);
    // Openings are met late rather than early, so the end of the bracket is too long by a part of it.
    s.window.hiMs -= 0.25 * Math.min(s.window.hiMs - s.window.loMs, 0.08 * s.window.hiMs);
    s.limit = (s.window.max * 1000) / s.window.hiMs;
  }
  return s.window.measuring > 0 ? 'fill' : 'cruise';
}
