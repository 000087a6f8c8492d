/**
 * Looking upward: now and then the rate goes a little above the estimate until something is refused. Every refusal is
 * paid from a credit that accepted calls earn, so refusals stay a fixed small share. Next: `limiter/adaptive/step.ts`.
 */
import { clamp, enter, isWellMeasured, measuredNow } from './state.ts';
import type { LawState } from './state.ts';
import { windowCalls } from './windows/detect-window.ts';
import { isSearched } from './windows/few-state.ts';

/** Refusals that may be spent on climbing, as a share of accepted calls: of a steady limit, and more of one that moves. */
const refusalShare = 0.0024;
const windowShare = 0.0033;
const restlessShare = 0.004;
/** Between two climbs, at least. */
const gapMs = 12_000;
const firstStep = 0.03;
const leastStep = 0.01;
/** Never more at once: a sliding window shows its end only when all of it is used up. */
const largestStep = 0.25;
/** So many lengths of a told limit pass without a word that it is empty, before a climb. */
const TOLD_LENGTHS = 3;
/** Over so long what is accepted is counted, at least; and the most that it was is forgotten. */
const PACE_MS = 300_000;
const BEST_FADES_MS = 6 * 3_600_000;
/** The first step where the server counts in windows. */
const windowStep = 0.05;

/** Accepted calls earn credit; it does not pile up beyond two climbs. */
export function earn(s: LawState, ok: number): void {
  // What a climb cost at a far higher rate says nothing about one from here, with fewer calls in flight.
  s.climb.cost = Math.min(s.climb.cost, 2 + (3 * s.limit * s.rttMs) / 1000);
  const share = s.window.max > 0 ? windowShare : refusalShare;
  // Where one climb takes many refusals (many calls in flight), it comes later than in proportion.
  const dear = clamp(6 / s.climb.cost, 0.3, 1);
  s.climb.credit = Math.min(
    2 * s.climb.cost,
    s.climb.credit + dear * (share + restlessShare * s.estimate.restless) * ok,
  );
}

/** Refusals outside a climb are paid too, but never delay the next climb by more than four, or by two where the limit moves. */
export function pay(s: LawState, refused: number): void {
  // What the first search costs is not charged, nor what was on its way when it ended: nothing was known yet.
  if (s.estimate.sure === 0 || s.window.measuring > 0 || isSearched(s.window) || s.phase === 'settle') return;
  s.climb.credit = Math.max((s.estimate.restless > 0.5 ? -1 : -3) * s.climb.cost, s.climb.credit - refused);
  if (s.climb.isCosting) s.climb.refused += refused;
}

/** The end of the first search: from here on refusals are counted. */
export function forgive(s: LawState): void {
  // In a small window a refusal is a large share, so the first climb comes late.
  s.climb.cost = clamp(1 + (s.limit * s.rttMs) / 1000, 1, 3);
  s.climb.credit = s.window.max < 200 ? -1 : 0;
  s.climb.refused = 0;
}

/** The rate that was right not long ago: where the limit may be again when others have gone. It fades to the estimate. */
export function remember(s: LawState, passedMs: number): void {
  const takenMs = Math.max(20_000, 100_000 / s.limit);
  if (s.estimate.sure === 2 && s.limit >= s.estimate.former && s.phase === 'cruise')
    s.estimate.former += (s.limit - s.estimate.former) * (1 - Math.exp(-passedMs / takenMs));
  const fadeMs = Math.max(900_000, 500_000 / s.limit);
  if (s.estimate.former > s.limit)
    s.estimate.former = s.limit + (s.estimate.former - s.limit) * Math.exp(-passedMs / fadeMs);
  // It is where it was: nothing moved, or it is over.
  const isBack = s.estimate.sure === 2 && Math.abs(s.limit / s.estimate.former - 1) < 0.08;
  const restless = s.estimate.restless * Math.exp(-passedMs / (isBack ? 60_000 : 400_000));
  s.estimate.restless = Math.max(restless, Math.min(1, (s.estimate.former / s.limit - 1.06) / 0.12));
}

/** What is accepted a second, whatever the estimate is. */
export function countPace(s: LawState, passedMs: number, ok: number): void {
  const spanMs = Math.max(PACE_MS, 3 * s.window.hiMs);
  s.estimate.pace = s.estimate.pace * Math.exp(-passedMs / spanMs) + (ok * 1000) / spanMs;
  s.estimate.best = Math.max(s.estimate.pace, s.estimate.best * Math.exp(-passedMs / BEST_FADES_MS));
}

export function mayClimb(s: LawState): boolean {
  if (s.demand < 0.8 || s.nowMs < s.climb.nextAtMs) return false;
  // After a long time without a refusal the debt is an old story: a limit that is far higher must not stay unseen.
  // So must one that let through far more before.
  const enough = clamp(1000 * (s.limit / s.estimate.best) ** 2, 20, 1000);
  const isLong =
    s.climb.credit < 0 && s.clean >= enough && s.nowMs - s.lastRefusalMs >= Math.max(300_000, 3 * s.window.hiMs);
  if (s.estimate.sure === 2) return s.climb.credit >= s.climb.cost || isLong;
  // In a small window every refusal is a large share.
  return s.window.max === 0 || s.window.max >= 100 || s.climb.credit >= 0;
}

/** Starts a climb. */
export function climb(s: LawState): void {
  s.climb.steps = 0;
  s.climb.isCosting = true;
  s.climb.from = s.estimate.sure === 2 ? s.limit : 0;
  s.climb.above = 0;
  s.climb.refused = 0;
  // What the server saved up is drained in ten seconds or so, and then the limit shows.
  const isWindow = s.window.max >= windowCalls;
  const drain = isWindow ? Math.max(windowStep, 1.2 / s.window.max) : s.climb.saved / (s.limit * 10);
  s.climb.stepUp =
    s.estimate.sure === 2
      ? clamp(Math.max(drain, s.climb.fineStep), leastStep, 0.15)
      : clamp(Math.max(s.climb.stepUp, drain), firstStep, largestStep);
  capStep(s);
  s.climb.tries = s.estimate.sure === 2 ? 0 : s.climb.tries + 1;
  enter(s, 'climb');
}

/** Not at once above a rate that was refused: half the way there. */
function capStep(s: LawState): void {
  if (s.estimate.former > 1.01 * s.limit)
    s.climb.stepUp = Math.min(s.climb.stepUp, Math.max(firstStep, s.estimate.former / s.limit - 1));
  if (s.estimate.refusedRate > s.limit)
    s.climb.stepUp = Math.min(s.climb.stepUp, Math.max(firstStep, (s.estimate.refusedRate / s.limit - 1) / 2));
}

/** How long a step lasts: long enough to empty what the server saved up while we were below the limit. */
export function climbMs(s: LawState): number {
  const isWindow = s.window.max >= windowCalls;
  const drainMs = s.climb.steps === 0 && !isWindow ? (1300 * s.climb.saved) / (s.climb.stepUp * s.limit) : 0;
  const windowMs = isWindow
    ? (s.climb.steps === 0 ? (s.estimate.restless > 0.3 ? 0.75 : 1.1) : 0.3) * s.window.hiMs
    : 0;
  const callsMs = 10_000 / (s.limit * (1 + s.climb.stepUp));
  return Math.max(s.climb.steps === 0 ? 4000 : 2500, callsMs, 2.5 * s.rttMs, Math.min(30_000, drainMs), windowMs);
}

/** The step was clean: the limit is at least that high. The next step is two or three times as large. */
export function climbed(s: LawState): void {
  s.limit *= 1 + s.climb.stepUp;
  if (s.climb.steps === 0) s.climb.proven = s.limit;
  s.climb.steps += 1;
  s.climb.above = 0;
  if (s.limit > s.estimate.refusedRate) s.estimate.refusedRate = 0;
  s.climb.fineStep = Math.min(firstStep, 2 * s.climb.fineStep);
  if (s.climb.from > 0 && s.limit > 1.2 * s.climb.from) s.estimate.restless = 1;
  // So much more than it was said to hold was accepted in its length: it was no window.
  if (s.limit * s.window.hiMs > 5000 * s.window.max) s.window.max = 0;
  const isWindow = s.window.max >= windowCalls;
  s.climb.stepUp = Math.min(isWindow ? 2 * largestStep : largestStep, (isWindow ? 3 : 2) * s.climb.stepUp);
  capStep(s);
  enter(s, 'climb');
}

/**
 * The climb ended in a refusal: the limit lies between the last clean step and this one.
 * Returns whether the count since the mark goes on: it was too short to measure anything.
 */
export function touched(s: LawState): boolean {
  const sample = measuredNow(s);
  if (s.estimate.sure === 2 && s.climb.steps === 0) {
    if (s.climb.above < 0.7 * s.climb.saved) s.climb.depth = Math.max(1, 1.3 * s.climb.above, 0.7 * s.climb.saved);
    else if (s.climb.depth > 0) s.climb.depth = Math.max(s.climb.depth, 1.5 * s.climb.above);
  }
  s.climb.saved = 0;
  // It has been seen that there is no more now.
  if (s.climb.steps === 0) s.estimate.best = Math.max(s.estimate.pace, (s.estimate.best + s.limit) / 2);
  s.estimate.refusedRate = s.limit * (1 + s.climb.stepUp);
  s.estimate.streak = 0;
  s.estimate.margin = Math.max(0.008, 0.9 * s.estimate.margin);
  if (s.climb.steps === 0) {
    // All we gave out before was accepted, so a lower measurement only means that the server threw away what it saved.
    if (s.mark.ok >= 20 && sample > 0) s.limit = clamp(sample, s.limit, (1 + s.climb.stepUp) * s.limit);
    s.estimate.sure = (isWellMeasured(s) && s.climb.stepUp <= 0.1) || s.climb.tries >= 4 ? 2 : 1;
    s.climb.stepUp = Math.max(firstStep, s.climb.stepUp / 3);
    s.climb.fineStep = Math.max(leastStep, 0.7 * s.climb.fineStep);
  } else if (s.climb.from > 0 && s.limit < 1.12 * s.climb.from) {
    // Hardly higher than what was measured before: the server had more saved up than we thought.
    // Only a window can't have: the first step lasted longer than it, so its rate is one that the server lets through.
    const least = s.window.max >= windowCalls ? s.climb.proven : s.climb.from;
    s.limit = sample > 0 ? clamp(sample, least, Math.max(least, s.limit)) : least;
    if (s.climb.depth > 0) s.climb.depth *= 1.5;
    s.climb.stepUp = firstStep;
    s.estimate.sure = 2;
  } else {
    s.climb.stepUp /= 3;
    s.estimate.sure = s.climb.stepUp <= 0.1 || s.climb.tries >= 4 ? 2 : 1;
    return false;
  }
  return s.estimate.sure < 2 && s.mark.hiMs > 0;
}

/**
 * Answers say that nothing is left, and when there is again. They would say if there were more: a climb finds nothing that they do
 * not, and would be clean at any rate, as what they say holds the calls back.
 */
export function stayBelow(s: LawState, toldMs: number): void {
  if (s.phase === 'climb') {
    if (s.climb.from > 0) s.limit = s.climb.from;
    enter(s, 'cruise');
  }
  s.climb.nextAtMs = Math.max(
    s.climb.nextAtMs,
    s.nowMs + Math.max(gapMs, TOLD_LENGTHS * Math.max(toldMs, s.window.hiMs)),
  );
}

/** After a climb: how many refusals it took, counted late because answers of calls in flight come late. */
export function settleCost(s: LawState): void {
  if (s.climb.refused > 0) s.climb.cost += 0.3 * (clamp(s.climb.refused, 1, 10_000) - s.climb.cost);
  s.climb.refused = 0;
  s.climb.isCosting = false;
  s.climb.nextAtMs = s.nowMs + (s.estimate.sure === 2 ? gapMs : 5000);
}
