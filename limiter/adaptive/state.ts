/**
 * What the control law for unknown limits remembers, hears and answers. Plain JSON, kept in the bucket's row.
 * Next stop: `limiter/adaptive/step.ts`, which steps the law.
 */
import type { LearnedLimit } from '../../contracts/limit.ts';

/**
 * start: doubling until the first refusal. cruise: just below the estimate. climb: just above it, for a while, to see
 * whether the limit is higher. ease: slow for a moment after a refusal. hold: closed, one call at a time finds out when
 * it opens. settle: waits once so that a sliding window has let go of the first ramp. fill: uses up one whole window to
 * measure it. outage: the server fails, one call at a time. recover: back from an outage.
 */
export type LawPhase = 'start' | 'cruise' | 'climb' | 'ease' | 'hold' | 'settle' | 'fill' | 'outage' | 'recover';

/** What happened since the last step, over all workers. */
export interface LawEvent {
  /** The store's clock, milliseconds. May step back. */
  readonly atMs: number;
  /** Calls that were accepted. */
  readonly ok: number;
  /** Of `ok`: calls whose permit has the current epoch. Without it they are guessed while the bucket is held. */
  readonly fresh?: number;
  /** Refused calls (429) whose permit has the current epoch. */
  readonly refused: number;
  /** Refused calls whose permit is older than the last decrease: counted, but they decrease nothing. */
  readonly stale: number;
  /** Calls that failed for another reason (5xx, timeouts, connection errors). */
  readonly failed: number;
  /** How long the server asked to wait, if it did. */
  readonly retryAfterMs?: number;
  /** Share of the time since the last step in which callers waited for a permit, 0 … 1. */
  readonly demand: number;
  /** Permits given out since the last step; absent: as many as the rate allows. */
  readonly sent?: number;
}

/** The law's memory. All `…Ms` are on the store's clock or lengths; 0 means "not known". */
export interface LawState {
  phase: LawPhase;
  /** Latest time heard; time never runs back inside the law. */
  nowMs: number;
  phaseAtMs: number;
  /** Raised by one at every decrease. */
  epoch: number;
  /** Permits a second that are given out now. */
  rate: number;
  /** The estimate of the limit, calls a second. */
  limit: number;
  /** 0: nothing was measured yet. 1: the limit has risen and is being searched. 2: the estimate was measured. */
  sure: number;
  /** Cruising is this share below the estimate. */
  margin: number;
  /** Smoothed time from a probe's permit to its answer. */
  rttMs: number;
  /** Smoothed share of time in which callers waited. */
  demand: number;
  /** Since this mark (between the two times) the server was saturated by us; 0 when it was not. */
  markLoMs: number;
  markHiMs: number;
  /** 1: the mark is the end of a long closure (or the first call). 0: it is a refusal. */
  markIsOpening: number;
  /** Accepted since the mark. */
  okSinceMark: number;
  /** Permits that the rate would have given out since the mark, and nobody took. */
  unused: number;
  lastRefusalMs: number;
  /** Unexpected refusals in a row, each soon after the one before. */
  streak: number;
  surpriseAtMs: number;
  /** Hold: why, since when, which probe is next and when, and the span in which it is expected to open. */
  heldFrom: LawPhase;
  heldAtMs: number;
  heldRate: number;
  heldOk: number;
  /** The estimate before the refusal that led to the hold. */
  heldLimit: number;
  probeNo: number;
  probesRefused: number;
  probeAtMs: number;
  openFromMs: number;
  openToMs: number;
  /** Climbing: next step up (share), steps done, refusals that can be afforded, cost of one climb, of this climb. */
  stepUp: number;
  climbs: number;
  credit: number;
  cost: number;
  refusedInClimb: number;
  /** 1: refusals that come now were caused by a climb. */
  isCosting: number;
  /** The rate of this climb's first clean step. */
  proven: number;
  /** The measured estimate from which a climb started; 0 when it was not measured. */
  climbFrom: number;
  /** 1: the limit has just moved, fading to 0 over some minutes. */
  restless: number;
  /** The rate that was right before it fell, fading to the estimate; 0 when none was measured. */
  former: number;
  /** The first step of the next climb: smaller after each one that was refused at once. */
  fineStep: number;
  /** Climbs in a row that did not settle the estimate. */
  tries: number;
  /** The rate at which the last climb was refused; 0 when higher rates were fine since. */
  refusedRate: number;
  /** How many calls the server saves up for us while we stay below its limit; 0 when not known. */
  depth: number;
  /** Calls it has saved up by now, as far as we can tell. */
  saved: number;
  /** Calls above the estimate that this climb got through. */
  above: number;
  /** 1: the latest closure was short, the server refills all the time; a refusal needs no closing. */
  shallow: number;
  nextClimbMs: number;
  /** Recognised window: calls, and its length between two bounds; 0 when none is known. */
  windowMax: number;
  windowLoMs: number;
  windowHiMs: number;
  /** Openings still to be measured. */
  measuring: number;
  /** How long the first ramp took, and the wait after each opening that lets go of it (sliding windows). */
  rampMs: number;
  settleMs: number;
  /** The rate at which windows are used up for measurement: never faster than the time before. */
  fillRate: number;
  /** Accepted calls of the last one and a half windows, latest bin first, and where the bins lie. */
  recent: readonly number[];
  recentBinMs: number;
  recentAtMs: number;
  recentFromMs: number;
  /** Accepted calls in bins of several sizes, latest bin first, its beginning, and since when. */
  spans: readonly { readonly atMs: number; readonly counts: readonly number[] }[];
  spansFromMs: number;
  /** Accepted and not in the bins yet. */
  spanOk: number;
  /** Bounds of the rate that a token bucket would have, and the refusal before. */
  bucketLeast: number;
  bucketMost: number;
  notedMs: number;
  /** Until a window that was recognised in the middle of its use has passed, its past counts against it. */
  drainUntilMs: number;
  /** Ramp: permits given out of which nobody has said yet that they were accepted. */
  unanswered: number;
  /** Accepted since the last refusal. */
  clean: number;
  /** By length: accepted in it at a refusal, how many refusals in a row found the same, between which bounds the
   * share of its recent half was, and since when. */
  same: readonly (readonly [count: number, times: number, least: number, most: number, fromMs: number])[];
  /** Outcomes of the latest calls, each call worth 0.9 of the next. */
  recentOk: number;
  recentFailed: number;
}

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

/** The limit's options with their defaults. */
export function bounds(spec: LearnedLimit): { start: number; floor: number; ceiling: number } {
  const floor = spec.floorPerSecond ?? 1 / 3600;
  const ceiling = Math.max(floor, spec.ceilingPerSecond ?? 1000);
  return { floor, ceiling, start: clamp(spec.startPerSecond ?? 1, floor, ceiling) };
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Starts a phase. */
export function enter(s: LawState, phase: LawPhase): void {
  s.phase = phase;
  s.phaseAtMs = s.nowMs;
}

/** From now on accepted calls are counted against a server that is known to be used up at `hiMs`. */
export function setMark(s: LawState, loMs: number, hiMs: number, ok: number): void {
  s.markLoMs = loMs;
  s.markHiMs = hiMs;
  s.okSinceMark = ok;
  s.unused = 0;
  s.markIsOpening = 0;
}

/** Whether enough was counted since the mark for the estimate to be called measured. */
export function isWellMeasured(s: LawState): boolean {
  return s.markHiMs > 0 && s.okSinceMark >= 20 && s.nowMs - s.markHiMs >= (s.markIsOpening === 1 ? 5000 : 10_000);
}

/** Calls a second between the mark and `untilMs`; 0 when we did not saturate the server all the time. */
export function measured(s: LawState, untilMs: number): number {
  const spanMs = untilMs - s.markHiMs;
  return s.markHiMs > 0 && spanMs >= 400 && s.okSinceMark > 0 ? (s.okSinceMark * 1000) / spanMs : 0;
}

/** The same up to a refusal now: between two refusals there was room for those calls and a part of one more. */
export function measuredNow(s: LawState): number {
  const rest = s.markIsOpening === 0 && s.okSinceMark > 0 ? 0.5 / s.okSinceMark : 0;
  return measured(s, s.nowMs) * (1 + rest);
}

/** A rate in words. */
export function describe(rate: number): string {
  return rate >= 1
    ? `${rate.toFixed(1)}/s`
    : rate * 60 >= 1
      ? `${(rate * 60).toFixed(1)}/min`
      : `${(rate * 3600).toFixed(1)}/h`;
}
