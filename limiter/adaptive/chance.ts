/**
 * Refusals that come now and then whatever the rate, as of a server whose machines are full singly. They say nothing of
 * the limit, and each one taken for a limit would lower the estimate and spoil the next climb.
 *
 * 1. Suspicion: several refusals below the estimate, after each of which calls were accepted at once, and a small share of the calls.
 * 2. Trial: a good deal more is given out, and refusals change nothing meanwhile. A limit refuses a quarter of the calls then, which
 *    shows within a dozen. Where no larger share is refused than before, they come by chance, and the next trial begins from there.
 * 3. From then on that share changes nothing. More than chance explains, several in a row, or a time that is told, are a limit as ever.
 *
 * Pure. Used by: `step.ts`.
 */
import { FIRST_SUSPICION, type Chance } from './chance-state.ts';
import { clamp, enter } from './state.ts';
import type { LawEvent, LawState } from './state.ts';

const MOST_SUSPICION = 64;
/** So long they must have come singly: a limit that has just been met is still being searched. */
const LEAST_SUSPICION_MS = 20_000;
/** A larger share of refusals is a limit. */
const MOST_SHARE = 0.05;
/** A smaller one does no harm, unless they come often: so many are refused of a limit that is looked for. */
const LEAST_SUSPICIOUS = 0.0025;
const OFTEN_MS = 6_000;
/** Hardly any: there is no chance any more. */
const LEAST_SHARE = 0.000_3;
/** Accepted calls between two refusals that are close; most are not where they come by chance. */
const CLOSE_CALLS = 8;
const TRIAL_STEP = 0.3;
/** A trial takes so many calls, so many seconds, and so many of the calls in which one refusal is expected. */
const TRIAL_CALLS = 20;
const TRIAL_S = 10;
const TRIAL_REFUSALS = 1.5;
/** What the server may have saved up is used up by it, or it shows nothing. */
const USED_UP = 1.3;
/** So many in a row, with no accepted call between, are no chance. */
const IN_A_ROW = 3;
/** More than chance makes likely, by so many deviations: in a trial or a climb, which look for the limit, and else. */
const LOOKING = 2;
const SURE = 4;
const MOST_EXCESSES = 12;
const ONE_EXCESS_MS = 5_000;
/** A span is so many times the calls in which one refusal is expected. */
const SPAN = 40;
/** Spans between two trials, at most. */
const MOST_PATIENCE = 3;
/** Share of the time in which callers wait: with fewer of them a trial shows nothing. */
const LEAST_DEMAND = 0.8;

/** What is left of an event for the law: without the refusals that come by chance. */
export function withoutChance(s: LawState, event: LawEvent): LawEvent {
  const { chance } = s;
  const refused = event.refused + event.stale;
  const calls = event.ok + refused;
  if (chance.trial.from > 0) return tried(s, event, refused, calls);
  const isOpen =
    s.phase === 'cruise' || s.phase === 'climb' || s.phase === 'ease' || s.phase === 'recover' || s.phase === 'start';
  if (chance.share === 0 || !isOpen) return event;
  const { evidence } = chance;
  evidence.calls += calls;
  evidence.refused += refused;
  evidence.inARow = event.ok > 0 ? 0 : evidence.inARow + refused;
  const isLooking = s.phase === 'climb';
  const isExcess =
    event.retryAfterMs !== undefined ||
    evidence.inARow >= IN_A_ROW ||
    isMore(evidence.refused, chance.share * evidence.calls, isLooking ? LOOKING : SURE);
  if (refused > 0 && isExcess) {
    // What is refused while a limit is met is one excess, however often.
    if (!isLooking && s.nowMs - evidence.sinceMs >= ONE_EXCESS_MS) {
      evidence.excesses += 1;
      evidence.sinceMs = s.nowMs;
    }
    restart(chance);
    // Where that comes again and again it may have been no chance: it has to be shown anew.
    if (evidence.excesses >= MOST_EXCESSES) forget(chance);
    return event;
  }
  endSpan(chance);
  return refused === 0 ? event : { ...event, refused: 0, stale: 0 };
}

/** A refusal that the law takes for a limit. */
export function suspect(s: LawState, event: LawEvent): void {
  const { share, evidence } = s.chance;
  if (share > 0) return;
  // A time that is told, and the first search, say nothing of chance.
  if (event.retryAfterMs !== undefined || s.estimate.sure === 0) return clear(s);
  // What was accepted before the first of them is not counted.
  if (evidence.singles > 0) evidence.calls += s.clean;
  // A climb looks for the limit.
  if (s.phase === 'climb') return;
  if (evidence.singles === 0) evidence.sinceMs = s.nowMs;
  else if (s.clean < CLOSE_CALLS) evidence.close += 1;
  evidence.singles += 1;
  evidence.refused += event.refused + event.stale;
}

/** It was closed for long, or a call was refused that was to find out: a limit. */
export function clear({ chance }: LawState): void {
  if (chance.share === 0) restart(chance);
}

/** Whether a trial may begin. */
export function mayTry(s: LawState): boolean {
  const { share, evidence, trial } = s.chance;
  if (trial.from > 0 || s.demand < LEAST_DEMAND) return false;
  if (share > 0) return trial.isWanted;
  const sinceMs = s.nowMs - evidence.sinceMs;
  const { singles } = evidence;
  if (singles < evidence.suspicion || 2 * evidence.close > singles || sinceMs < LEAST_SUSPICION_MS) return false;
  const found = evidence.refused / Math.max(1, evidence.calls);
  return found <= MOST_SHARE && (found >= LEAST_SUSPICIOUS || sinceMs / singles <= OFTEN_MS);
}

/** Begins a trial. */
export function tryMore(s: LawState, ceiling: number): string {
  const { share, evidence, trial } = s.chance;
  trial.expected = share > 0 ? share : clamp(evidence.refused / Math.max(1, evidence.calls), LEAST_SHARE, MOST_SHARE);
  trial.from = s.limit;
  trial.atMs = s.nowMs;
  trial.calls = 0;
  trial.refused = 0;
  trial.isWanted = false;
  trial.spans = 0;
  trial.needs = Math.max(
    TRIAL_CALLS,
    TRIAL_S * s.limit * (1 + TRIAL_STEP),
    TRIAL_REFUSALS / trial.expected,
    (USED_UP * s.climb.saved * (1 + TRIAL_STEP)) / TRIAL_STEP,
  );
  s.limit = Math.min(ceiling, s.limit * (1 + TRIAL_STEP));
  return `${(100 * trial.expected).toFixed(1)} % refused, singly: trying ${s.limit.toFixed(1)}/s to see whether it is chance`;
}

/** Counts what came of the trial, and ends it when that is known. */
function tried(s: LawState, event: LawEvent, refused: number, calls: number): LawEvent {
  const { chance } = s;
  const { evidence, trial } = chance;
  trial.calls += calls;
  trial.refused += refused;
  const isTold = event.retryAfterMs !== undefined && refused > 0;
  const isLimit = isTold || isMore(trial.refused, trial.expected * trial.calls, LOOKING);
  const rest = isTold ? event : { ...event, refused: 0, stale: 0 };
  if (!isLimit && trial.calls < trial.needs) return rest;
  if (isLimit || !isTaken(s)) s.limit = trial.from;
  else {
    evidence.calls += trial.calls;
    evidence.refused += trial.refused;
    // The trial alone may have met fewer: what was refused before it may have been the limit in part.
    const found = Math.min(evidence.refused / evidence.calls, (trial.refused + 1) / trial.calls);
    chance.share = clamp(found, LEAST_SHARE, MOST_SHARE);
    trial.isWanted = true;
    trial.patience = 1;
    evidence.excesses = 0;
    evidence.suspicion = FIRST_SUSPICION;
  }
  trial.from = 0;
  if (!isLimit) return rest;
  s.estimate.sure = Math.min(s.estimate.sure, 1);
  trial.patience = Math.min(MOST_PATIENCE, 2 * trial.patience);
  if (chance.share === 0) evidence.suspicion = Math.min(MOST_SUSPICION, 2 * evidence.suspicion);
  restart(chance);
  if (isTold) return rest;
  // What is on its way was sent at the rate of the trial: it changes nothing any more.
  s.epoch += 1;
  enter(s, 'ease');
  return rest;
}

/** Clearly more than before the trial was sent; else there were not so many callers, and it shows nothing. */
function isTaken({ chance: { trial }, nowMs }: LawState): boolean {
  return trial.calls * 1000 >= (1 + TRIAL_STEP / 2) * trial.from * (nowMs - trial.atMs);
}

function isMore(refused: number, expected: number, deviations: number): boolean {
  return refused >= IN_A_ROW && refused > expected + deviations * Math.sqrt(expected) + 1;
}

/** The share is that of the last span where that is smaller; where hardly any came there is none any more. */
function endSpan(chance: Chance): void {
  const { evidence, trial } = chance;
  if (evidence.calls * chance.share < SPAN) return;
  const share = evidence.refused / evidence.calls;
  if (share < LEAST_SHARE) return forget(chance);
  const expected = evidence.calls * chance.share;
  if (evidence.refused < expected - LOOKING * Math.sqrt(expected)) chance.share = share;
  evidence.calls /= 2;
  evidence.refused /= 2;
  evidence.excesses = 0;
  trial.spans += 1;
  // The last trial may have been refused by chance, too.
  if (trial.spans >= trial.patience) trial.isWanted = true;
}

function forget(chance: Chance): void {
  chance.share = 0;
  chance.evidence.suspicion = FIRST_SUSPICION;
  chance.evidence.excesses = 0;
  chance.trial.isWanted = false;
  restart(chance);
}

function restart({ evidence }: Chance): void {
  evidence.singles = 0;
  evidence.close = 0;
  evidence.calls = 0;
  evidence.refused = 0;
  evidence.inARow = 0;
}
