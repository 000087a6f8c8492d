/**
 * Looking upward: now and then the rate goes a little above the estimate until something is refused. Every refusal is
 * paid from a credit that accepted calls earn, so refusals stay a fixed small share. Next stop: `limiter/adaptive/step.ts`.
 */
import { clamp, enter, isWellMeasured, measuredNow } from './state.ts';
import type { LawState } from './state.ts';
import { windowCalls } from './detect-window.ts';

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
/** The first step where the server counts in windows. */
const windowStep = 0.05;

/** Accepted calls earn credit; it does not pile up beyond two climbs. */
export function earn(s: LawState, ok: number): void {
  // What a climb cost at a far higher rate says nothing about one from here, with fewer calls in flight.
  s.cost = Math.min(s.cost, 2 + (3 * s.limit * s.rttMs) / 1000);
  const share = s.windowMax > 0 ? windowShare : refusalShare;
  // Where one climb takes many refusals (many calls in flight), it comes later than in proportion.
  const dear = clamp(6 / s.cost, 0.3, 1);
  s.credit = Math.min(2 * s.cost, s.credit + dear * (share + restlessShare * s.restless) * ok);
}

/** Refusals outside a climb are paid too, but never delay the next climb by more than four, or by two where the limit moves. */
export function pay(s: LawState, refused: number): void {
  // What the first search costs is not charged, nor what was on its way when it ended: nothing was known yet.
  if (s.sure === 0 || s.measuring > 0 || s.phase === 'settle') return;
  s.credit = Math.max((s.restless > 0.5 ? -1 : -3) * s.cost, s.credit - refused);
  if (s.isCosting === 1) s.refusedInClimb += refused;
}

/** The end of the first search: from here on refusals are counted. */
export function forgive(s: LawState): void {
  // In a small window a refusal is a large share, so the first climb comes late.
  s.cost = clamp(1 + (s.limit * s.rttMs) / 1000, 1, 3);
  s.credit = s.windowMax < 200 ? -1 : 0;
  s.refusedInClimb = 0;
}

/** The rate that was right not long ago: where the limit may be again when others have gone. It fades to the estimate. */
export function remember(s: LawState, passedMs: number): void {
  const takenMs = Math.max(20_000, 100_000 / s.limit);
  if (s.sure === 2 && s.limit >= s.former && s.phase === 'cruise')
    s.former += (s.limit - s.former) * (1 - Math.exp(-passedMs / takenMs));
  const fadeMs = Math.max(900_000, 500_000 / s.limit);
  if (s.former > s.limit) s.former = s.limit + (s.former - s.limit) * Math.exp(-passedMs / fadeMs);
  // It is where it was: nothing moved, or it is over.
  const isBack = s.sure === 2 && Math.abs(s.limit / s.former - 1) < 0.08;
  const restless = s.restless * Math.exp(-passedMs / (isBack ? 60_000 : 400_000));
  s.restless = Math.max(restless, Math.min(1, (s.former / s.limit - 1.06) / 0.12));
}

export function mayClimb(s: LawState): boolean {
  if (s.demand < 0.8 || s.nowMs < s.nextClimbMs) return false;
  // After a long time without a refusal the debt is an old story: a limit that is far higher must not stay unseen.
  const isLong = s.credit < 0 && s.clean >= 1000 && s.nowMs - s.lastRefusalMs >= Math.max(300_000, 3 * s.windowHiMs);
  if (s.sure === 2) return s.credit >= s.cost || isLong;
  // In a small window every refusal is a large share.
  return s.windowMax === 0 || s.windowMax >= 100 || s.credit >= 0;
}

/** Starts a climb. */
export function climb(s: LawState): void {
  s.climbs = 0;
  s.isCosting = 1;
  s.climbFrom = s.sure === 2 ? s.limit : 0;
  s.above = 0;
  s.refusedInClimb = 0;
  // What the server saved up is drained in ten seconds or so, and then the limit shows.
  const isWindow = s.windowMax >= windowCalls;
  const drain = isWindow ? Math.max(windowStep, 1.2 / s.windowMax) : s.saved / (s.limit * 10);
  s.stepUp =
    s.sure === 2
      ? clamp(Math.max(drain, s.fineStep), leastStep, 0.15)
      : clamp(Math.max(s.stepUp, drain), firstStep, largestStep);
  capStep(s);
  s.tries = s.sure === 2 ? 0 : s.tries + 1;
  enter(s, 'climb');
}

/** Not at once above a rate that was refused: half the way there. */
function capStep(s: LawState): void {
  if (s.former > 1.01 * s.limit) s.stepUp = Math.min(s.stepUp, Math.max(firstStep, s.former / s.limit - 1));
  if (s.refusedRate > s.limit) s.stepUp = Math.min(s.stepUp, Math.max(firstStep, (s.refusedRate / s.limit - 1) / 2));
}

/** How long a step lasts: long enough to empty what the server saved up while we were below the limit. */
export function climbMs(s: LawState): number {
  const isWindow = s.windowMax >= windowCalls;
  const drainMs = s.climbs === 0 && !isWindow ? (1300 * s.saved) / (s.stepUp * s.limit) : 0;
  const windowMs = isWindow ? (s.climbs === 0 ? (s.restless > 0.3 ? 0.75 : 1.1) : 0.3) * s.windowHiMs : 0;
  const callsMs = 10_000 / (s.limit * (1 + s.stepUp));
  return Math.max(s.climbs === 0 ? 4000 : 2500, callsMs, 2.5 * s.rttMs, Math.min(30_000, drainMs), windowMs);
}

/** The step was clean: the limit is at least that high. The next step is two or three times as large. */
export function climbed(s: LawState): void {
  s.limit *= 1 + s.stepUp;
  if (s.climbs === 0) s.proven = s.limit;
  s.climbs += 1;
  s.above = 0;
  if (s.limit > s.refusedRate) s.refusedRate = 0;
  s.fineStep = Math.min(firstStep, 2 * s.fineStep);
  if (s.climbFrom > 0 && s.limit > 1.2 * s.climbFrom) s.restless = 1;
  // So much more than it was said to hold was accepted in its length: it was no window.
  if (s.limit * s.windowHiMs > 5000 * s.windowMax) s.windowMax = 0;
  const isWindow = s.windowMax >= windowCalls;
  s.stepUp = Math.min(isWindow ? 2 * largestStep : largestStep, (isWindow ? 3 : 2) * s.stepUp);
  capStep(s);
  enter(s, 'climb');
}

/**
 * The climb ended in a refusal: the limit lies between the last clean step and this one.
 * Returns whether the count since the mark goes on: it was too short to measure anything.
 */
export function touched(s: LawState): boolean {
  const sample = measuredNow(s);
  if (s.sure === 2 && s.climbs === 0) {
    if (s.above < 0.7 * s.saved) s.depth = Math.max(1, 1.3 * s.above, 0.7 * s.saved);
    else if (s.depth > 0) s.depth = Math.max(s.depth, 1.5 * s.above);
  }
  s.saved = 0;
  s.refusedRate = s.limit * (1 + s.stepUp);
  s.streak = 0;
  s.margin = Math.max(0.008, 0.9 * s.margin);
  if (s.climbs === 0) {
    // All we gave out before was accepted, so a lower measurement only means that the server threw away what it saved.
    if (s.okSinceMark >= 20 && sample > 0) s.limit = clamp(sample, s.limit, (1 + s.stepUp) * s.limit);
    s.sure = (isWellMeasured(s) && s.stepUp <= 0.1) || s.tries >= 4 ? 2 : 1;
    s.stepUp = Math.max(firstStep, s.stepUp / 3);
    s.fineStep = Math.max(leastStep, 0.7 * s.fineStep);
  } else if (s.climbFrom > 0 && s.limit < 1.12 * s.climbFrom) {
    // Hardly higher than what was measured before: the server had more saved up than we thought.
    // Only a window can't have: the first step lasted longer than it, so its rate is one that the server lets through.
    const least = s.windowMax >= windowCalls ? s.proven : s.climbFrom;
    s.limit = sample > 0 ? clamp(sample, least, Math.max(least, s.limit)) : least;
    if (s.depth > 0) s.depth *= 1.5;
    s.stepUp = firstStep;
    s.sure = 2;
  } else {
    s.stepUp /= 3;
    s.sure = s.stepUp <= 0.1 || s.tries >= 4 ? 2 : 1;
    return false;
  }
  return s.sure < 2 && s.markHiMs > 0;
}

/** After a climb: how many refusals it took, counted late because answers of calls in flight come late. */
export function settleCost(s: LawState): void {
  if (s.refusedInClimb > 0) s.cost += 0.3 * (clamp(s.refusedInClimb, 1, 10_000) - s.cost);
  s.refusedInClimb = 0;
  s.isCosting = 0;
  s.nextClimbMs = s.nowMs + (s.sure === 2 ? gapMs : 5000);
}
