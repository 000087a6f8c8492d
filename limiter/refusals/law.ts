/**
 * What it means when a third party refuses a call although a known limit had room for it. Others use the same quota,
 * the declaration is wrong, or refusals come now and then whatever the rate. Pure: no clock, no chance, no I/O; the
 * state is JSON in the bucket's row. Called by `limiter/adaptive/controller.ts`; limits that nobody knows have a law of
 * their own, `limiter/adaptive/step.ts`.
 *
 * 1. Wait. As long as the third party says; else a quarter of a second, and twice as long after each further refusal. Where nearly
 *    all calls were answered since the last one, the wait is halved instead, down to a sixteenth of a second. A wait that was told and
 *    kept makes none longer, unless most calls are refused all the same, or nothing is answered between two of them. At most as long as the limit is, and longer only where nothing
 *    was answered for longer than that.
 * 2. Give out evenly. So many calls at once may have been too many, whatever the limit, and fewer are on their way at
 *    the next refusal. And less. Where the limit was in use, what was used when it refused is what it has left for us,
 *    less the share that was refused.
 * 3. Give out more again, in small steps, once enough calls were granted without a refusal. A step that is refused is
 *    taken back, and the next one comes later.
 * 4. The same small share of calls refused, after less and less was given out. That does not depend on it, and all is
 *    given out again.
 */

import { closed, counting, isLongLimit, repaced, slowed } from './pace.ts';
import type { Lately, RefusalEvent, RefusalOutput, RefusalState, Run } from './state.ts';

export type { RefusalEvent, RefusalOutput, RefusalState } from './state.ts';

const FIRST_WAIT_MS = 250;
/** A sixteenth of a second, where refusals come singly. */
const LEAST_LEVEL = -2;
const MOST_LEVEL = 20;
/** The longest wait that nobody told, however long it has been closed. */
const LONGEST_OVERDUE_MS = 900_000;
/** One refusal in so many calls, or fewer, is no reason to wait longer. */
const RARE = 8;
/** Where a larger part of the calls is refused, a wait that was told has not helped. */
const MOST_REFUSED = 0.5;
/** So many refusals together, or so long a wait, are no chance: what is given out goes evenly. */
const CROWD = 3;
const LONG_LEVEL = 2;
/** So long after a refusal nothing is left of it but the share. */
const FORGET_MS = 60_000;
/** Below that part in use a refusal says nothing about the limit. */
const IN_USE = 0.5;
const LEAST_CUT = 0.04;
const MOST_CUT = 0.5;
const FIRST_STEP = 0.03;
const MOST_STEP = 0.25;
/** Steps up cost a refusal or two each: so these stay below one in a hundred of the calls. */
const FIRST_PATIENCE = 200;
const MOST_PATIENCE = 1_600;
/** Of a small limit so much time is enough, too. */
const LONG_MS = 300_000;
const LONG_LENGTHS = 10;
/** After so many decreases, to this part, refusals that are not much rarer come whatever is given out. */
const DECREASES = 6;
const FELL_TO = 0.85;
const NOT_RARER = 0.6;
/** So many refusals in a row are a limit that is used up: single ones are not. */
const CLOSED_AFTER = 2;
/** A larger share of refusals is a limit, too. */
const MOST_SPORADIC = 0.05;
/** So many times as many refusals are more than those. */
const MANY_MORE = 4;
/** Without a refusal in so many calls, and so many lengths, it is given out as soon as there is room again. */
const CALM_CALLS = 1_000;

const initial: RefusalState = {
  level: 0,
  isAnswered: true,
  refusedAtMs: 0,
  sent: 0,
  late: 0,
  inARow: 0,
  share: 1,
  shareBefore: 1,
  isPaced: false,
  loweredAtMs: 0,
  runs: [],
  sporadic: 0,
  raisedFrom: 1,
  raisedAtMs: 0,
  stepUp: FIRST_STEP,
  patience: FIRST_PATIENCE,
};

/** After so many waits, each longer than the one before, calls without a declared limit have one. */
const LIMIT_LEVEL = 5;
/** So have calls of which so many were refused lately, and more than this part, however well each wait was told and kept. */
const MANY = 120;
const LARGE = 0.1;

/** So have calls of which several were refused together, so many times in a row with answers in between: as at the end of each window. */
const CROWDS = 4;

/** Refusals of calls that no limit applies to are too many to be chance. */
export function isLimit({ level, inARow, lately, crowds = 0 }: RefusalState): boolean {
  const isOften =
    inARow === 0 && lately !== undefined && lately.refused >= MANY && lately.refused > LARGE * lately.sent;
  return level >= LIMIT_LEVEL || crowds >= CROWDS || isOften;
}

/** One step: a refusal, an answer after one, or only time. */
export function stepRefusals(before: RefusalState | undefined, event: RefusalEvent): RefusalOutput {
  const known = fit(before ?? initial, event.atMs);
  const state = {
    ...known,
    ...counting(known.pace, event),
    lately: addTo(known.lately, event),
    sent: known.sent + event.sent,
    late: known.late + event.late,
    isAnswered: known.isAnswered || event.isAnswered,
  };
  if (event.refused > 0) return refused(state, event, before === undefined);
  if (isRaiseDue(state, event)) return raised(state, event);
  const other = repaced(known, state, event);
  if (other) return { state: other, ...dueOf(other, event) };
  if (isCalm(state, event))
    return { state: { ...state, isPaced: false }, event: 'not refused for long, given out as soon as there is room' };
  return { state, ...dueOf(state, event) };
}

/** Whether time alone changes something. For a while after a refusal it also has to be known how much is granted. */
function dueOf({ share, isPaced, refusedAtMs }: RefusalState, event: RefusalEvent): Pick<RefusalOutput, 'dueAtMs'> {
  const { atMs, lengthMs } = event;
  const isWatched = share < 1 || isPaced || atMs - refusedAtMs < Math.max(FORGET_MS, 2 * lengthMs);
  return isWatched ? { dueAtMs: atMs + clamp(lengthMs, 1_000, 60_000) } : {};
}

function refused(before: RefusalState, event: RefusalEvent, isFirst: boolean): RefusalOutput {
  const { atMs, lengthMs, closedMs = lengthMs, toldMs } = event;
  const isOld = isFirst || atMs - before.refusedAtMs > Math.max(FORGET_MS, 2 * lengthMs, 2 * overdueMs(before.inARow));
  const isInARow = !isOld && !before.isAnswered;
  const isRare = before.isAnswered && before.sent >= RARE * (event.refused + before.late);
  const isLong = isLongLimit(event);
  const isMostRefused = (before.lately?.refused ?? 0) > MOST_REFUSED * (before.lately?.sent ?? 0);
  const level = isOld
    ? 0
    : isRare
      ? Math.max(LEAST_LEVEL, Math.min(1, before.level) - 1)
      : (toldMs !== undefined && !isMostRefused) || (isLong && before.isAnswered)
        ? before.level
        : Math.min(MOST_LEVEL, before.level + 1);
  const inARow = isInARow ? before.inARow + 1 : 0;
  const untoldMs = Math.max(Math.min(Math.max(1_000, closedMs), FIRST_WAIT_MS * 2 ** level), overdueMs(inARow));
  // A wait that was kept again and again, and after which it refuses all the same, was too short.
  const blockMs = inARow >= CLOSED_AFTER ? Math.max(toldMs ?? 0, untoldMs) : (toldMs ?? untoldMs);
  const isTooMuch = !isRare && (event.refused + before.late >= CROWD || level >= LONG_LEVEL);
  const isPaced = before.isPaced || (isTooMuch && !isLong);
  const noted = { ...before, level, isAnswered: false, refusedAtMs: atMs, isPaced };
  // One that follows another without an answer in between says the same as that.
  if (isInARow) return { state: undoubted({ ...noted, inARow }, event), blockMs, ...dueOf(noted, event) };
  const crowds = isCrowdOf(event.refused + before.late, before.sent) ? (before.crowds ?? 0) + 1 : 0;
  const counted = { ...noted, sent: 0, late: 0, inARow: 0, crowds, refusedFromMs: atMs };
  const ofLaw = (): RefusalState =>
    isLong ? slowed(before, counted, event, isTooMuch) : lowered(before, counted, event);
  const state = event.isCounted ? { ...counted, doubtedUse: 0 } : ofLaw();
  const change = state.share === before.share ? '' : `, giving out ${percent(state.share)} of it`;
  const why = state.sporadic > 0 ? `, as ${percent(state.sporadic)} of all calls are whatever is given out` : '';
  return { state, blockMs, ...dueOf(state, event), event: `refused with room${why}${change}` };
}

/**
 * A third party that refuses for longer than its limit is long has closed for another reason. It may be that each call
 * that comes too early makes it longer. So the wait goes on growing, with three calls more than it takes to reach the
 * limit's length.
 */
function overdueMs(inARow: number): number {
  return inARow === 0 ? 0 : Math.min(LONGEST_OVERDUE_MS, FIRST_WAIT_MS * 2 ** (inARow - 3));
}

function lowered(before: RefusalState, counted: RefusalState, event: RefusalEvent): RefusalState {
  const refusals = event.refused + before.late;
  const run = { refused: refusals, sent: Math.max(refusals, before.sent) };
  const refusedShare = refusedShareOf([run]);
  // Hardly in use, it may have been closed for a reason of its own; or the limit is far smaller than it was declared.
  if (event.used < IN_USE && !isCrowdOf(refusals, before.sent)) return { ...counted, doubtedUse: IN_USE };
  const used = Math.max(IN_USE, event.used);
  const wasClosed = before.inARow >= CLOSED_AFTER;
  const known = wasClosed ? [] : before.runs;
  const runs = [run, ...known].slice(0, DECREASES);
  if (before.sporadic > 0) {
    const isMore = wasClosed || (runs.length >= 3 && refusedShareOf(runs.slice(0, 3)) > MANY_MORE * before.sporadic);
    return isMore ? { ...counted, sporadic: 0, runs: [] } : { ...counted, runs };
  }
  // What was granted before the last decrease is in use still: it says what that has said.
  if (event.atMs - before.loweredAtMs < event.lengthMs) return { ...counted, runs };
  const wasRaised = before.raisedAtMs > 0 && event.atMs - before.raisedAtMs < 2 * event.lengthMs + 2_000;
  const isDoubted = refusedShare <= MOST_SPORADIC && !wasClosed;
  const found = before.share * (isDoubted ? 1 : used) * (1 - clamp(refusedShare, LEAST_CUT, MOST_CUT));
  const share = Math.max(1 / event.units, wasRaised ? before.raisedFrom : found);
  const shareBefore = known.length === 0 ? before.share : before.shareBefore;
  if (isSporadic(runs) && share < FELL_TO * shareBefore)
    return { ...counted, share: shareBefore, isPaced: false, sporadic: refusedShareOf(runs), runs: [] };
  return {
    ...counted,
    share,
    doubtedUse: isDoubted && !wasRaised ? used : 0,
    isPaced: true,
    shareBefore,
    loweredAtMs: event.atMs,
    runs,
    raisedAtMs: 0,
    stepUp: FIRST_STEP,
    patience: wasRaised ? Math.min(MOST_PATIENCE, 2 * before.patience) : before.patience,
  };
}

/**
 * One that may have been chance is none where others follow it before a call is answered. What was in use then is what
 * there is.
 */
function undoubted(state: RefusalState, event: RefusalEvent): RefusalState {
  const { doubtedUse = 0, inARow, share } = state;
  if (isLongLimit(event)) return closed(state, event);
  if (doubtedUse === 0 || inARow < CLOSED_AFTER) return state;
  return {
    ...state,
    doubtedUse: 0,
    isPaced: true,
    share: Math.max(1 / event.units, share * doubtedUse),
    loweredAtMs: event.atMs,
  };
}

/** So many together, and of so few calls, that they are no chance. */
function isCrowdOf(refusals: number, sent: number): boolean {
  return refusals >= CROWD && refusals > MOST_SPORADIC * sent;
}

function addTo(lately: Lately | undefined, { atMs, refused, late, sent }: RefusalEvent): Lately {
  const kept = lately === undefined ? 0 : 0.5 ** (Math.max(0, atMs - lately.atMs) / FORGET_MS);
  return { atMs, refused: kept * (lately?.refused ?? 0) + refused + late, sent: kept * (lately?.sent ?? 0) + sent };
}

/** Giving out less has not made them rarer. */
function isSporadic(runs: readonly Run[]): boolean {
  if (runs.length < DECREASES) return false;
  const latest = refusedShareOf(runs.slice(0, DECREASES / 2));
  const first = refusedShareOf(runs.slice(DECREASES / 2));
  return first <= MOST_SPORADIC && latest <= MOST_SPORADIC && latest >= NOT_RARER * first;
}

function refusedShareOf(runs: readonly Run[]): number {
  const sum = (pick: (run: Run) => number): number => runs.reduce((total, run) => total + pick(run), 0);
  return sum(({ refused: count }) => count) / sum(({ sent }) => sent);
}

function isCalm({ isPaced, share, sent, refusedAtMs }: RefusalState, event: RefusalEvent): boolean {
  const isLong = event.atMs - refusedAtMs >= Math.max(LONG_MS, LONG_LENGTHS * event.lengthMs);
  return isPaced && share >= 1 && isLong && sent >= CALM_CALLS;
}

function isRaiseDue({ share, refusedAtMs, raisedAtMs, sent, patience }: RefusalState, event: RefusalEvent): boolean {
  const { atMs, lengthMs, used } = event;
  if (share >= 1 || used < 0.9 || atMs - raisedAtMs < lengthMs) return false;
  const isLong = atMs - refusedAtMs >= Math.max(LONG_MS, LONG_LENGTHS * lengthMs);
  return raisedAtMs > refusedAtMs || isLong || sent >= patience;
}

function raised(before: RefusalState, event: RefusalEvent): RefusalOutput {
  const share = Math.min(1, Math.max(before.share + 1 / event.units, before.share * (1 + before.stepUp)));
  const isWhole = share >= 1;
  const state: RefusalState = {
    ...before,
    share,
    runs: [],
    raisedFrom: before.share,
    raisedAtMs: event.atMs,
    stepUp: Math.min(MOST_STEP, 2 * before.stepUp),
    patience: isWhole ? FIRST_PATIENCE : before.patience,
  };
  return { state, ...dueOf(state, event), event: `not refused for a while, giving out ${percent(share)} of it` };
}

/** The store's clock may be set back: nothing lies ahead of it. */
function fit(state: RefusalState, atMs: number): RefusalState {
  const { refusedAtMs, raisedAtMs, loweredAtMs } = state;
  if (Math.max(refusedAtMs, raisedAtMs, loweredAtMs) <= atMs) return state;
  return {
    ...state,
    refusedAtMs: Math.min(refusedAtMs, atMs),
    raisedAtMs: Math.min(raisedAtMs, atMs),
    loweredAtMs: Math.min(loweredAtMs, atMs),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
