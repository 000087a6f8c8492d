/**
 * The control law for unknown limits: from what was accepted, refused and failed to the rate that is given out.
 * Pure: no clock, no chance, no I/O; the state is JSON in the bucket's row. `docs/internals/learned-limits.md` explains it with plots.
 * Called by `limiter/adaptive/controller.ts`; what the phases do is in the files beside this one. Next: back to
 * `limiter/acquire/acquire.ts`.
 */
import type { LearnedLimit } from '../../contracts/limits/limit.ts';
import { clear, mayTry, suspect, tryMore, withoutChance } from './chance.ts';
import { noChance } from './chance-state.ts';
import { climb, climbed, climbMs, earn, mayClimb, pay, countPace, remember, settleCost, stayBelow } from './climb.ts';
import { decrease } from './decrease.ts';
import { holdUntilOpening, nextProbe } from './probe.ts';
import { opened } from './reopened.ts';
import { breakOff, countOutcomes, isOutage, nextOutageProbe, recover } from './outage.ts';
import { countRecent } from './windows/recent-accepted.ts';
import { countSpans } from './windows/detect-sliding-window.ts';
import { setBack } from './set-back.ts';
import { bounds, clamp, copyOf, describe, enter, setMark } from './state.ts';
import type { LawEvent, LawState } from './state.ts';
import { measuredOpenings, noOpening } from './windows/detect-window.ts';
import { countFew, passFew } from './windows/few-calls.ts';
import { isSearched } from './windows/few-state.ts';
import { output, rateOf, type LawOutput } from './output.ts';

export type { LawOutput } from './output.ts';
export type { LawEvent, LawState } from './state.ts';

/** Callers who are there have made a step of the ramp by now. */
const LATE_MS = 1_200;
/** Seconds of the rate that may be on their way: answers come in some tenths of one, and are told in batches. */
const UNANSWERED_S = 0.3;

/**
 * The law at the first call of a bucket.
 * @param learned what a sibling key (same limit, another account) has learned: the ramp starts there.
 * @param isInUse calls went out before, so nothing says that the quota is whole now.
 */
export function initialLaw(
  spec: LearnedLimit,
  nowMs: number,
  learned?: { ratePerSecond: number },
  isInUse = learned !== undefined,
): LawOutput {
  const { start, floor, ceiling } = bounds(spec);
  const rate = learned ? clamp(learned.ratePerSecond, floor, ceiling) : start;
  // The first call marks the beginning of the first quota, unless the quota is in use already.
  const markMs = isInUse ? 0 : Math.max(1, nowMs);
  const state: LawState = {
    phase: learned ? 'cruise' : 'start',
    nowMs,
    phaseAtMs: nowMs,
    epoch: 0,
    rate,
    limit: rate,
    rttMs: 300,
    demand: 1,
    lastRefusalMs: 0,
    clean: 0,
    estimate: {
      sure: 0,
      margin: 0.012,
      streak: 0,
      surpriseAtMs: 0,
      former: 0,
      restless: 0,
      pace: 0,
      best: 0,
      refusedRate: 0,
      isShallow: false,
    },
    mark: { loMs: markMs, hiMs: markMs, isOpening: !isInUse, ok: 0, unused: 0 },
    ramp: { unanswered: 0, lastedMs: 0 },
    held: {
      from: 'start',
      atMs: 0,
      rate,
      ok: 0,
      limit: rate,
      probes: 0,
      refused: 0,
      probeAtMs: 0,
      openFromMs: 0,
      openToMs: 0,
      settleMs: 0,
    },
    climb: {
      stepUp: 0.06,
      steps: 0,
      credit: 2,
      cost: 1,
      refused: 0,
      isCosting: false,
      proven: 0,
      from: 0,
      fineStep: 0.03,
      tries: 0,
      depth: 0,
      saved: 0,
      above: 0,
      nextAtMs: nowMs + 4000,
    },
    window: { max: 0, loMs: 0, hiMs: 0, measuring: 0, fillRate: 0, drainUntilMs: 0 },
    opening: noOpening(),
    recent: { bins: [], binMs: 0, atMs: 0, fromMs: 0 },
    sliding: { spans: [], fromMs: 0, ok: 0, same: [], bucketLeast: 0, bucketMost: Number.MAX_VALUE, notedMs: 0 },
    outcomes: { ok: 0, failed: 0 },
    chance: noChance(),
  };
  return output(state, spec);
}

/**
 * One step: also with zero counts, when only time has passed. Any order and any number of steps is safe; a time before
 * the last one shifts the law's memory instead of freezing it.
 */
export function stepLaw(state: LawState, event: LawEvent, spec: LearnedLimit): LawOutput {
  const s = copyOf(state);
  advanceTo(s, event);
  const text = react(s, withoutChance(s, event), spec) ?? passTime(s, spec);
  if (s.phase === 'fill' && state.phase !== 'fill') setFillRate(s);
  s.rate = rateOf(s, spec);
  return output(s, spec, text);
}

function advanceTo(s: LawState, { atMs, demand, ok, sent }: LawEvent): void {
  const backMs = s.nowMs - atMs;
  if (backMs > 1000) {
    setBack(s, backMs);
    s.nowMs = atMs;
  }
  const passedMs = Math.max(0, atMs - s.nowMs);
  s.nowMs += passedMs;
  countRecent(s, ok);
  countSpans(s, ok);
  countFew(s, ok);
  s.clean += ok;
  s.opening.ok += ok;
  const below = (passedMs * s.limit) / 1000 - ok;
  // One per cent more, because the estimate may be that much too low.
  s.climb.saved = clamp(
    s.climb.saved + below + (passedMs * s.limit) / 100_000,
    0,
    s.climb.depth > 0 ? s.climb.depth : 3 + 3 * s.limit,
  );
  // A ring that is still full holds a climb back; it starts when calls flow.
  if (s.phase === 'climb') s.climb.above = Math.max(-3, s.climb.above - below);
  const offered = (passedMs * s.rate) / 1000;
  const taken = sent ?? offered;
  if (s.phase === 'start') {
    s.climb.above += ok;
    s.ramp.unanswered = Math.max(0, s.ramp.unanswered + taken - ok);
  }
  remember(s, passedMs);
  countPace(s, passedMs, ok);
  s.demand += (1 - Math.exp(-passedMs / (s.phase === 'start' ? 2000 : 5000))) * (clamp(demand, 0, 1) - s.demand);
  // We did not ask for all there was, so what was accepted says nothing about the limit.
  const isOpen = s.phase === 'cruise' || s.phase === 'climb' || s.phase === 'ease' || s.phase === 'recover';
  if (isOpen) s.mark.unused = Math.max(0, s.mark.unused + offered - taken);
  if (s.demand < 0.6 && isOpen) setMark(s, 0, 0, 0);
}

/** What the reported answers change; undefined when they change nothing. */
function react(s: LawState, event: LawEvent, spec: LearnedLimit): string | undefined {
  countOutcomes(s, event.ok + event.refused + event.stale, event.failed);
  earn(s, event.ok);

  if (event.refused + event.stale > 0) pay(s, event.refused + event.stale);
  const wasHeld = s.phase === 'hold' || s.phase === 'settle';
  if (event.refused > 0) {
    s.mark.ok += event.ok;
    s.lastRefusalMs = s.nowMs;
    if (wasHeld) clear(s);
    else suspect(s, event);
    s.clean = 0;
    if (!wasHeld) return decrease(s, event, spec);
    s.held.refused += 1;
    nextProbe(s, event.retryAfterMs);
    if (s.phase === 'settle') enter(s, 'hold');
    return undefined;
  }
  const fresh = event.fresh ?? (s.nowMs >= s.held.probeAtMs && event.stale === 0 ? event.ok : 0);
  if (s.phase === 'hold' && fresh > 0) return opened(s, event);
  if (s.phase === 'outage') {
    if (fresh > 0) return recover(s);
    if (event.failed > 0 && s.nowMs >= s.held.probeAtMs) nextOutageProbe(s);
    return undefined;
  }
  s.mark.ok += event.ok;
  if (event.stale === 0 && event.retryAfterMs !== undefined) stayBelow(s, event.retryAfterMs);
  if (s.phase === 'hold' && event.failed > 0 && s.nowMs >= s.held.probeAtMs) nextProbe(s, undefined);
  return isOutage(s) ? breakOff(s) : undefined;
}

/** What passing time changes. */
function passTime(s: LawState, spec: LearnedLimit): string | undefined {
  const inPhaseMs = s.nowMs - s.phaseAtMs;
  const { ceiling } = bounds(spec);
  switch (s.phase) {
    case 'start':
      if (inPhaseMs >= 700 && s.demand > 0.5 && isAccepted(s, inPhaseMs)) {
        s.limit = Math.min(ceiling, s.limit * 2);
        startAgain(s);
      } else if (inPhaseMs >= 5000) {
        // A moment without callers must not count for ever.
        startAgain(s);
      }
      return undefined;
    case 'ease':
      if (inPhaseMs >= easeMs(s)) {
        settleCost(s);
        enter(s, 'cruise');
      }
      return undefined;
    case 'settle':
      if (s.nowMs >= s.held.probeAtMs) enter(s, s.window.measuring > 0 ? 'fill' : 'cruise');
      return undefined;
    case 'fill':
      return passFill(s);
    case 'cruise':
      if (s.window.few !== undefined && isSearched(s.window)) return passFew(s, s.window.few);
      if (mayTry(s) && s.limit < ceiling) return tryMore(s, ceiling);
      if (s.chance.trial.from === 0 && mayClimb(s) && s.limit < ceiling) climb(s);
      return undefined;
    case 'climb':
      if (s.demand < 0.5) enter(s, 'cruise');
      else if (inPhaseMs >= climbMs(s) && s.climb.above > 0.5 * s.climb.stepUp * s.limit * (climbMs(s) / 1000)) {
        climbed(s);
        s.limit = Math.min(ceiling, s.limit);
        return `clean at ${describe(s.limit)}`;
      }
      return undefined;
    case 'recover':
      if (inPhaseMs >= 2000 + 2 * s.rttMs) enter(s, 'cruise');
      return undefined;
    case 'hold':
    case 'outage':
      return undefined;
    default:
      return s.phase satisfies never;
  }
}

/**
 * Whether what was given out in this step of the ramp has been accepted: slow answers slow the ramp down. Callers who were
 * sent away come back some tenths of a second late and leave a part unused. Where hardly anything is on its way, that
 * stops the ramp only when it is nearly two thirds.
 */
function isAccepted(s: LawState, inPhaseMs: number): boolean {
  const givenOut = (s.limit * inPhaseMs) / 1000;
  const isAnswered = inPhaseMs >= LATE_MS && s.ramp.unanswered <= 0.5 + UNANSWERED_S * s.limit;
  return s.climb.above >= (isAnswered ? 0.35 : 0.7) * givenOut;
}

function startAgain(s: LawState): void {
  s.climb.above = 0;
  enter(s, 'start');
}

/** Until the server has saved up a few calls again, so that their different travel times do no harm. */
function easeMs(s: LawState): number {
  const calls = 0.3 + 3 * Math.sqrt((s.limit * s.rttMs) / 4000);
  return Math.max(s.rttMs, (calls * 1000) / (0.5 * s.limit));
}

/** A window that is being used up for measurement: closed as soon as all its calls were accepted. */
function passFill(s: LawState): string | undefined {
  const fromMs = s.mark.loMs + s.window.loMs;
  const toMs = s.mark.hiMs + s.window.hiMs;
  if (s.window.measuring < measuredOpenings && s.mark.ok >= s.window.max && s.nowMs < (fromMs + toMs) / 2) {
    s.epoch += 1;
    holdUntilOpening(s, fromMs, toMs);
    return `window of ${s.window.max} calls is used up: measuring when it opens`;
  }
  if (s.nowMs > s.mark.hiMs + 2 * Math.max(s.window.hiMs, 30_000)) {
    s.window.measuring = 0;
    enter(s, 'cruise');
  }
  return undefined;
}

/** A third of its length uses up a window, half of it while its calls are not known. A sliding one lets go of calls only as fast as they were made before. */
function setFillRate(s: LawState): void {
  if (s.window.max === 0) return;
  const isFree = s.window.measuring === measuredOpenings;
  const rate = (s.window.max * (isFree ? 2500 : 3000)) / s.window.loMs;
  s.window.fillRate = s.window.fillRate > 0 ? Math.min(rate, 0.95 * s.window.fillRate) : rate;
}
