/**
 * Looking upward: now and then the rate goes a little above the estimate until something is refused. Every refusal is
 * paid from a credit that accepted calls earn, so refusals stay a fixed small share. Next stop: `limiter/adapt.ts`.
 */
import { clamp, enter } from './law-state.ts';
import type { LawState } from './law-state.ts';
import { windowCalls } from './law-window.ts';

/** Refusals that may be spent on climbing, as a share of accepted calls. */
const refusalShare = 0.003;
/** Between two climbs, at least. */
const gapMs = 12_000;

/** Accepted calls earn credit; it does not pile up beyond two climbs. */
export function earn(s: LawState, ok: number): void {
  s.credit = Math.min(2 * s.cost, s.credit + refusalShare * ok);
}

/** Refusals outside a climb are paid too, but never delay the next climb by more than two. */
export function pay(s: LawState, refused: number): void {
  s.credit = Math.max(-s.cost, s.credit - refused);
  if (s.nowMs - s.nextClimbMs < 30_000) s.refusedInClimb += refused;
}

export function mayClimb(s: LawState): boolean {
  if (s.demand < 0.8 || s.nowMs < s.nextClimbMs) return false;
  return s.confirmed === 0 || s.credit >= s.cost;
}

/** Starts a climb, or its next step. */
export function climb(s: LawState): void {
  if (s.phase !== 'climb') {
    s.climbs = 0;
    s.refusedInClimb = 0;
    s.stepUp = s.confirmed === 0 ? 0.2 : Math.max(0.03, s.stepUp / 2);
    s.nextClimbMs = s.nowMs;
  }
  enter(s, 'climb');
}

/** How long a step lasts: long enough to empty what the server saved up while we were below the limit. */
export function climbMs(s: LawState): number {
  const rate = s.limit * (1 + s.stepUp);
  const drainMs = Math.min(15_000, (1300 * s.depth) / (s.stepUp * s.limit));
  const windowMs = s.windowMax >= windowCalls && s.climbs === 0 ? 1.1 * s.windowHiMs : 0;
  return Math.max(s.climbs === 0 ? 4000 : 2000, 10_000 / rate, 2.5 * s.rttMs, drainMs, windowMs);
}

/** The step was clean: the limit is at least that high. */
export function climbed(s: LawState): void {
  s.limit *= 1 + s.stepUp;
  s.climbs += 1;
  s.stepUp = Math.min(1, 2 * s.stepUp);
  climb(s);
}

/** The climb ended in a refusal. */
export function climbRefused(s: LawState): void {
  const seconds = (s.nowMs - s.phaseAtMs) / 1000;
  const above = clamp(seconds * s.limit * (s.stepUp + s.margin), 0, 1000);
  s.depth += 0.3 * (above - s.depth);
}

/** After a climb: how many refusals it took, counted late because answers of calls in flight come late. */
export function settleCost(s: LawState): void {
  if (s.refusedInClimb > 0) s.cost += 0.3 * (clamp(s.refusedInClimb, 1, 10_000) - s.cost);
  s.refusedInClimb = 0;
  s.nextClimbMs = s.nowMs + gapMs;
}
