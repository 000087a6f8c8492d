/**
 * What the control law for unknown limits remembers and hears. Plain JSON, kept in the bucket's row.
 * Next: `limiter/adaptive/step.ts`, which steps the law.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { copyOfChance, type Chance } from './chance-state.ts';
import type { FewCalls } from './windows/few-state.ts';

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

/**
 * The law's memory, by what it is for; each part says in which phases it is used. All `…Ms` are on the store's clock or lengths in
 * milliseconds, rates are calls a second, shares 0 … 1; 0 means "not known".
 */
export interface LawState {
  // ── All phases ───────────────────────────────────────────────────────────────────────────────────────────────────────
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
  /** Smoothed time from a probe's permit to its answer. */
  rttMs: number;
  /** Smoothed share of time in which callers waited. */
  demand: number;
  lastRefusalMs: number;
  /** Accepted since the last refusal, calls. */
  clean: number;
  readonly estimate: Estimate;
  readonly mark: Mark;
  readonly ramp: Ramp;
  readonly held: Held;
  readonly climb: Climb;
  readonly window: KnownWindow;
  opening: LastOpening;
  readonly recent: Recent;
  readonly sliding: SlidingEvidence;
  readonly outcomes: Outcomes;
  readonly chance: Chance;
}

/** How the estimate was come by, and how far it is trusted. Changed by every refusal; `cruise`, `climb`, `ease`. */
export interface Estimate {
  /** 0: nothing was measured yet. 1: the limit has risen and is being searched. 2: the estimate was measured. */
  sure: number;
  /** Cruising is this share below the estimate. */
  margin: number;
  /** Unexpected refusals in a row, each soon after the one before, and when the last was. */
  streak: number;
  surpriseAtMs: number;
  /** The rate that was right before it fell, fading to the estimate; 0 when none was measured. */
  former: number;
  /** 1: the limit has just moved, fading to 0 over some minutes. */
  restless: number;
  /** What is accepted a second, over some minutes, and the most that it has been, fading over hours. */
  pace: number;
  best: number;
  /** The rate at which the last climb was refused; 0 when higher rates were fine since. */
  refusedRate: number;
  /** The latest closure was short, the server refills all the time; a refusal needs no closing. */
  isShallow: boolean;
}

/** What is counted against a server that was known to be used up: two such moments measure the limit. All phases but `outage`. */
export interface Mark {
  /** Since then (between the two times) the server was saturated by us; 0 when it was not. */
  loMs: number;
  hiMs: number;
  /** It is the end of a long closure (or the first call), and not a refusal. */
  isOpening: boolean;
  /** Accepted since, and permits that the rate would have given out since and nobody took; calls. */
  ok: number;
  unused: number;
}

/** `start`: doubling. */
export interface Ramp {
  /** Permits given out of which nobody has said yet that they were accepted. */
  unanswered: number;
  /** How long the first ramp took, milliseconds; kept for `fill` and `settle`. */
  lastedMs: number;
}

/** `hold`, `settle`, `outage`: one call at a time. */
export interface Held {
  /** Why and since when, and rate, count and estimate at that time. */
  from: LawPhase;
  atMs: number;
  rate: number;
  ok: number;
  limit: number;
  /** Probes planned so far, and refused ones. */
  probes: number;
  refused: number;
  /** When the next probe is due, and the span in which the server is expected to open. */
  probeAtMs: number;
  openFromMs: number;
  openToMs: number;
  /** When it opens, as the last refusal has told it; 0 when it has told no time, or the wait that it always tells. */
  toldMs?: number;
  /** The wait that was told last, milliseconds, and whether it is the one that is always told. */
  toldWaitMs?: number;
  isHabit?: boolean;
  /** `settle`: the wait after each opening that lets a sliding window forget the first ramp. */
  settleMs: number;
}

/** `climb`: looking upward, and what that may cost. Earned in all phases. */
export interface Climb {
  /** Next step up (share), and steps done. */
  stepUp: number;
  steps: number;
  /** Refusals that can be afforded, that one climb costs, and that this one has cost. */
  credit: number;
  cost: number;
  refused: number;
  /** Refusals that come now were caused by a climb. */
  isCosting: boolean;
  /** The rate of this climb's first clean step, and the measured estimate from which it started; 0 when it was not measured. */
  proven: number;
  from: number;
  /** The first step of the next climb: smaller after each one that was refused at once. */
  fineStep: number;
  /** Climbs in a row that did not settle the estimate. */
  tries: number;
  /** How many calls the server saves up for us while we stay below its limit, and has saved up by now; calls. */
  depth: number;
  saved: number;
  /** Calls above the estimate that this climb got through; in `start`: accepted in this step. */
  above: number;
  nextAtMs: number;
}

/** A window that was recognised; `fill` measures it, and all phases keep to it. */
export interface KnownWindow {
  /** Calls, and its length between two bounds; 0 when none is known. */
  max: number;
  loMs: number;
  hiMs: number;
  /** Openings still to be measured. */
  measuring: number;
  /** `fill`: the rate at which it is used up for measurement, never faster than the time before. */
  fillRate: number;
  /** Until a window that was recognised in the middle of its use has passed, its past counts against it. */
  drainUntilMs: number;
  /** Its answers tell it, and what is refused comes at its border. */
  isTold?: boolean;
  /** It holds few calls, and its length is searched. */
  few?: FewCalls;
}

/** When it opened last after a long closure, and what became of the closure before. `windows/detect-window.ts`, all phases. */
export interface LastOpening {
  /** It opened between the two; 0 when that is not known. */
  loMs: number;
  hiMs: number;
  /** Accepted since, whatever was asked for. */
  ok: number;
  /** Accepted between the two openings before, and how far these lay apart, between two bounds; 0 when not known. */
  calls: number;
  leastMs: number;
  mostMs: number;
}

/** Accepted calls of the last one and a half windows, latest bin first, and where the bins lie. `windows/detect-window.ts`, all phases. */
export interface Recent {
  bins: readonly number[];
  binMs: number;
  atMs: number;
  fromMs: number;
}

/** What tells a sliding window that is used unevenly. `windows/detect-sliding-window.ts`, all phases. */
export interface SlidingEvidence {
  /** Accepted calls in bins of several sizes, latest bin first, its beginning, and since when; and those not in the bins yet. */
  spans: readonly { readonly atMs: number; readonly counts: readonly number[] }[];
  fromMs: number;
  ok: number;
  /**
   * By length: accepted in it at a refusal, and how many refusals in a row found the same. Also between which bounds
   * the share of its recent half was, and since when.
   */
  same: readonly (readonly [count: number, times: number, least: number, most: number, fromMs: number])[];
  /** Bounds of the rate that a token bucket would have, and the refusal before. */
  bucketLeast: number;
  bucketMost: number;
  notedMs: number;
}

/** Outcomes of the latest calls, each call worth 0.9 of the next. `outage.ts`, all phases. */
export interface Outcomes {
  ok: number;
  failed: number;
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
  s.mark.loMs = loMs;
  s.mark.hiMs = hiMs;
  s.mark.ok = ok;
  s.mark.unused = 0;
  s.mark.isOpening = false;
}

/** Whether enough was counted since the mark for the estimate to be called measured. */
export function isWellMeasured(s: LawState): boolean {
  return s.mark.hiMs > 0 && s.mark.ok >= 20 && s.nowMs - s.mark.hiMs >= (s.mark.isOpening ? 5000 : 10_000);
}

/** Calls a second between the mark and `untilMs`; 0 when we did not saturate the server all the time. */
export function measured(s: LawState, untilMs: number): number {
  const spanMs = untilMs - s.mark.hiMs;
  return s.mark.hiMs > 0 && spanMs >= 400 && s.mark.ok > 0 ? (s.mark.ok * 1000) / spanMs : 0;
}

/** The same up to a refusal now: between two refusals there was room for those calls and a part of one more. */
export function measuredNow(s: LawState): number {
  const rest = !s.mark.isOpening && s.mark.ok > 0 ? 0.5 / s.mark.ok : 0;
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

/** A copy that a step may change: the parts are copied, what they hold is never changed in place. */
export function copyOf(s: LawState): LawState {
  const { estimate, mark, ramp, held, climb, window, opening, recent, sliding, outcomes, chance } = s;
  return {
    ...s,
    estimate: { ...estimate },
    mark: { ...mark },
    ramp: { ...ramp },
    held: { ...held },
    climb: { ...climb },
    window: { ...window },
    opening: { ...opening },
    recent: { ...recent },
    sliding: { ...sliding },
    outcomes: { ...outcomes },
    chance: copyOfChance(chance),
  };
}
