/**
 * The one decrease of an epoch: what a refusal says depends on what was going on. Above the estimate it was expected,
 * below it the limit has fallen, or others came. Next: `limiter/adaptive/probe.ts` or easing in `limiter/adaptive/step.ts`.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { touched } from './climb.ts';
import { hold } from './probe.ts';
import { noteRefusal } from './windows/detect-sliding-window.ts';
import { bounds, clamp, describe, enter, isWellMeasured, measuredNow, setMark } from './state.ts';
import type { LawEvent, LawState } from './state.ts';
import { slidingKnown } from './windows/detect-window.ts';
import { refusedFew } from './windows/few-calls.ts';

/** Lowers what is given out, and begins a new epoch: refusals of older permits change nothing any more. */
export function decrease(s: LawState, event: LawEvent, spec: LearnedLimit): string {
  const before = s.rate;
  const sample = measuredNow(s);
  const wasSure = s.estimate.sure === 2;
  s.epoch += 1;
  s.held.limit = s.limit;
  // What is refused now and then lies at the border of a window that is told. Without a time, or soon after it waited, it does not.
  s.window.isTold &&= event.retryAfterMs !== undefined && s.nowMs - s.held.atMs > 0.5 * s.window.hiMs;
  if (s.window.isTold) {
    hold(s, event.retryAfterMs);
    return `refused at ${describe(before)}: waiting as it tells`;
  }
  if (refusedFew(s)) {
    hold(s, event.retryAfterMs);
    return `refused at ${describe(before)}: more than ${s.window.max} calls in ${(s.window.hiMs / 1000).toFixed(1)} s`;
  }
  let goesOn = false;
  if (s.phase === 'climb') goesOn = touched(s);
  else if (s.phase === 'cruise' || s.phase === 'recover') surprised(s, sample);
  else if (s.phase === 'ease') eased(s, sample);
  const isWindow = (s.phase === 'climb' || s.phase === 'cruise' || s.phase === 'ease') && noteRefusal(s);
  if (s.limit < 0.8 * s.held.limit && wasSure) s.estimate.restless = 1;
  s.limit = clamp(s.limit, bounds(spec).floor, bounds(spec).ceiling);
  if (s.phase === 'ease') s.estimate.isShallow = false;
  const inMs = s.nowMs - s.mark.hiMs;
  const soon =
    s.window.max > 0 ? s.mark.ok < 0.5 * s.window.max && inMs < 0.5 * s.window.hiMs : inMs < 0.25 * s.ramp.lastedMs;
  const isSliding = s.phase === 'fill' && s.ramp.lastedMs > 0 && s.held.settleMs === 0 && soon;
  if (isSliding) {
    s.held.settleMs = s.ramp.lastedMs + 1000;
    // In a sliding window the first call leaves one length after it was made, so the length is known already.
    if (s.window.max > 0) slidingKnown(s);
    s.held.probeAtMs = s.nowMs + s.held.settleMs;
    enter(s, 'settle');
    return `refused at ${describe(before)} soon after it opened: waiting until the first calls have left the window`;
  }
  if (isWindow) {
    hold(s, event.retryAfterMs);
    return `refused at ${describe(before)}: a sliding window of ${s.window.max} calls in ${(s.window.hiMs / 1000).toFixed(0)} s`;
  }
  const gentle =
    event.retryAfterMs === undefined && (s.phase === 'climb' || s.phase === 'cruise') && s.estimate.isShallow;
  if (!gentle) {
    hold(s, event.retryAfterMs);
    return `refused at ${describe(before)}: one call at a time until one is accepted`;
  }
  if (!goesOn) setMark(s, s.nowMs, s.nowMs, 0);
  enter(s, 'ease');
  return `refused at ${describe(before)}: ${describe(s.limit)}`;
}

/** Refused again although we eased: one such refusal may be chance, several show that much less is let through now. */
function eased(s: LawState, sample: number): void {
  const isMeasured = sample > 0 && s.nowMs - s.mark.hiMs > 2500;
  if (isMeasured) s.limit = clamp(1.1 * sample, 0.3 * s.limit, s.limit);
  else if (s.estimate.sure < 2) s.limit *= 0.7;
}

/** Refused although we were below the estimate: what was accepted lately says more than what was believed. */
function surprised(s: LawState, counted: number): void {
  // What callers who came back late left unused may have been lost in a full bucket: the limit is higher than the count then.
  const isUsed = s.window.max > 0 || s.mark.unused <= 0.1 * (s.mark.ok + s.mark.unused);
  const sample = isUsed || counted === 0 ? counted : Math.max(counted, 0.9 * s.limit);
  s.climb.saved = 0;
  s.estimate.refusedRate = s.rate;
  // Windows close for a while, so only a span of a whole window measures them.
  const leastMs = s.window.max > 0 ? s.window.hiMs : 1000 + 2 * s.rttMs;
  const isMeasured = sample > 0 && s.mark.ok >= 3 && s.nowMs - s.mark.hiMs > leastMs;
  if (s.estimate.sure < 2) {
    s.limit = isMeasured ? clamp(sample, 0.2 * s.limit, 0.995 * s.limit) : 0.8 * s.limit;
    s.estimate.sure = isWellMeasured(s) ? 2 : 1;
    return;
  }
  const soonMs = Math.max(20_000, 2 * s.window.hiMs, 20_000 / s.limit);
  s.estimate.streak =
    s.estimate.surpriseAtMs > 0 && s.nowMs - s.estimate.surpriseAtMs < soonMs ? s.estimate.streak + 1 : 1;
  s.estimate.surpriseAtMs = s.nowMs;
  s.estimate.margin = Math.min(0.1, s.estimate.margin * 1.25);
  const ratchet = s.limit * Math.max(0.3, 1 - 0.05 * s.estimate.streak ** 1.5);
  s.limit = isMeasured ? clamp(sample, 0.2 * s.limit, 0.995 * s.limit) : ratchet;
  s.estimate.sure = isWellMeasured(s) ? 2 : 1;
}
