/**
 * Recognises refusals that come now and then whatever the rate: several single ones, although the rate was lowered after each.
 * Then half the rate is tried for a while. A limit refuses nothing there. If something is refused nevertheless, the rate goes
 * back, and as many refusals change nothing from then on. Known limits have the same idea in `limiter/refusals/law.ts`.
 * Next stop: `limiter/adaptive/step.ts`.
 */
import { climbMs } from './climb.ts';
import { clamp, describe, enter, setMark } from './state.ts';
import type { LawEvent, LawState } from './state.ts';

/** So many refusals are doubted, if they come after so many calls on the average, and hardly any soon after another. */
const firstWanted = 4;
const mostWanted = 16;
const leastMeanGap = 20;
const mostMeanGap = 125;
const leastGap = 5;
/** At half the rate: so many times the mean gap, and so many refusals. */
const doubtGaps = 3;
const doubtRefusals = 2;
/** Weight of a call against the next one: about the last sixty count. */
const memory = 60;
/** The share is a mean over about so many calls. */
const keptCalls = 200;
/** Without a refusal in so many times the usual distance they have ended: or they had to do with the rate after all. */
const ended = 5;

export const newChance = {
  share: 0,
  sent: 0,
  gap: 0,
  gaps: [],
  wanted: firstWanted,
  recentSent: 0,
  recentRefused: 0,
  doubtCalls: 0,
  doubtRefused: 0,
};

/** Counts all answers. */
export function countChance(s: LawState, { ok, refused, stale }: LawEvent): void {
  const { chance } = s;
  const refusals = refused + stale;
  const keep = (1 - 1 / memory) ** Math.min(2_000, ok + refusals);
  chance.recentSent = chance.recentSent * keep + Math.min(ok + refusals, memory);
  chance.recentRefused = chance.recentRefused * keep + Math.min(refusals, memory);
  chance.sent += ok;
  if (process.env.ADAPT === '1' && chance.share > 0 && s.phase === 'cruise')
    chance.share = clamp(chance.share + (refusals - chance.share * (ok + refusals)) / keptCalls, 0.002, 0.05);
  if (chance.share > 0 && chance.sent > ended / chance.share) chance.share = 0;
  if (s.phase === 'doubt') chance.doubtCalls -= ok;
  if (refusals === 0) return;
  chance.gap = chance.sent;
  chance.sent = 0;
  chance.gaps = [chance.gap, ...chance.gaps].slice(0, chance.wanted);
}

/** Whether this refusal changes nothing: no more of them than come by chance, or a single one while nothing was measured. */
export function isChance(s: LawState, event: LawEvent): boolean {
  const { chance, estimate, phase } = s;
  // This climb should have ended by now: it does not get more calls through.
  if (phase === 'climb' && s.nowMs - s.phaseAtMs > LATE * climbMs(s)) return false;
  const { share, recentSent, recentRefused, gap } = chance;
  const expected = share * recentSent;
  // Three standard deviations above it, and one.
  if (share > 0) return recentRefused <= expected + Number(process.env.SIG ?? 3) * Math.sqrt(expected) + 1;
  const isSingle = event.refused + event.stale === 1 && event.retryAfterMs === undefined && gap >= leastMeanGap;
  return isSingle && estimate.sure < IGNORE && (phase === 'start' || phase === 'climb' || phase === 'cruise');
}
const LATE = Number(process.env.LATE ?? 1.1);
const IGNORE = Number(process.env.IGNORE ?? 1);

/** Whether the latest refusals look as if they came whatever the rate. */
export function isDoubtful({ chance }: LawState): boolean {
  const { gaps, wanted } = chance;
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / wanted;
  const close = gaps.filter((gap) => gap < leastGap).length;
  return gaps.length === wanted && close <= wanted / 4 && mean >= leastMeanGap && mean <= mostMeanGap;
}

/** Tries half the rate. */
export function doubt(s: LawState): void {
  const { chance } = s;
  chance.doubtCalls = (doubtGaps * chance.gaps.reduce((sum, gap) => sum + gap, 0)) / chance.wanted;
  chance.doubtRefused = 0;
  setMark(s, 0, 0, 0);
  enter(s, 'doubt');
}

/** A refusal at half the rate. @returns what it says, in words; undefined when it has to do with the rate after all. */
export function doubted(s: LawState, event: LawEvent): string | undefined {
  const { chance } = s;
  if (event.refused + event.stale > 1 || event.retryAfterMs !== undefined || chance.gap < leastGap) return undefined;
  chance.doubtRefused += 1;
  if (chance.doubtRefused < doubtRefusals) return '';
  chance.share = (chance.gaps.length) / chance.gaps.reduce((sum, gap) => sum + gap, 0);
  chance.gaps = [];
  // It is where it was, and is searched for: it may be higher.
  s.limit = Math.max(s.limit, s.estimate.former);
  s.estimate.sure = 1;
  s.estimate.isShallow = true;
  s.estimate.refusedRate = 0;
  s.climb.credit = Math.max(0, s.climb.credit);
  s.climb.nextAtMs = s.nowMs;
  enter(s, 'cruise');
  return `${(100 * chance.share).toFixed(1)} % of the calls are refused whatever the rate: ${describe(s.limit)}`;
}

/** Nothing was refused at half the rate: it is a limit, and more is wanted next time. */
export function passDoubt(s: LawState): void {
  if (s.chance.doubtCalls > 0) return;
  s.chance.gaps = [];
  s.chance.wanted = Math.min(mostWanted, 2 * s.chance.wanted);
  enter(s, 'cruise');
}
