/**
 * What a refusal with room says of a limit of days. To give such a limit out evenly over its length would make an afternoon of what takes
 * a minute; and most refusals are none of it, but of a shorter limit that nobody declared. So it is given out slowly at first, and faster
 * by and by. Its number is smaller only where it stayed closed for a good part of its length. Pure. Used by: `limiter/refusals/law.ts`.
 */
import type { Pace, RefusalEvent, RefusalState } from './state.ts';

/** A shorter limit is given out evenly over its length. */
const LONG_MS = 3_600_000;
const GOOD_PART = 1 / 8;
/** What was used is never taken for less. */
const LEAST_USE = 0.5;
/** So many refusals in a row are a limit that is used up: single ones are not. */
const CLOSED_AFTER = 2;
/** A larger share of refusals is a limit. */
const MOST_REFUSED = 0.05;
/** Twice as fast each time, until it is refused for that. */
const FIRST: Omit<Pace, 'sinceMs'> = { perSecond: 1, step: 1, patience: 50, sent: 0, refused: 0 };
const LATER_STEP = 0.25;
const FEW = 100;
const MOST_PATIENCE = 1_600;
/** It is never given out faster than all of it in a minute. */
const FASTEST_MS = 60_000;
const PATIENCE_MS = 60_000;

export function isLongLimit({ lengthMs }: Pick<RefusalEvent, 'lengthMs'>): boolean {
  return lengthMs > LONG_MS;
}

/** The state after a refusal that follows no other. @param before with the calls up to it. @param counted as it stands otherwise. */
export function slowed(
  before: RefusalState,
  counted: RefusalState,
  event: RefusalEvent,
  isMuch: boolean,
): RefusalState {
  const { pace, inARow } = before;
  // If it stays closed, that is what there was.
  const state = { ...counted, doubtedUse: Math.max(LEAST_USE, event.used) };
  if (pace === undefined)
    return isMuch || inARow >= CLOSED_AFTER ? withPace(state, { ...FIRST, sinceMs: event.atMs }) : state;
  return isMuch || isRefusedOften(pace) ? withPace(state, slower(pace, event)) : state;
}

/** What an answer, or time, changes. @param known before the event. @param state with it. @returns undefined: nothing. */
export function repaced(known: RefusalState, state: RefusalState, event: RefusalEvent): RefusalState | undefined {
  return afterClosing(known, state, event) ?? quickened(state, event);
}

/** After enough calls, or enough time, without too many refusals: faster. */
function quickened(state: RefusalState, event: RefusalEvent): RefusalState | undefined {
  const { pace } = state;
  if (pace === undefined) return undefined;
  const isLong = event.atMs - pace.sinceMs >= (PATIENCE_MS * pace.patience) / FIRST.patience;
  if (pace.sent < pace.patience && !isLong) return undefined;
  const perSecond = Math.min((1_000 * event.units) / FASTEST_MS, pace.perSecond * (1 + pace.step));
  if (perSecond === pace.perSecond) return undefined;
  return withPace(state, { ...pace, perSecond, before: pace.perSecond, sinceMs: event.atMs, sent: 0, refused: 0 });
}

function isRefusedOften({ refused, sent }: Pace): boolean {
  return refused > MOST_REFUSED * Math.max(FEW, sent);
}

/** Refused again and again: one call after the other, until it is open. */
export function closed(state: RefusalState, event: RefusalEvent): RefusalState {
  const { pace, inARow } = state;
  if (inARow !== CLOSED_AFTER) return state;
  const next = pace === undefined ? { ...FIRST, sinceMs: event.atMs } : slower(pace, event);
  return withPace(state, { ...next, perSecond: Math.min(FIRST.perSecond, next.perSecond) });
}

/** As it was before the last step up, or half as fast. */
function slower({ before, perSecond, patience }: Pace, { atMs }: RefusalEvent): Pace {
  const isTakenBack = before !== undefined;
  return {
    perSecond: before ?? perSecond / 2,
    step: LATER_STEP,
    patience: isTakenBack ? Math.min(MOST_PATIENCE, 2 * patience) : patience,
    sinceMs: atMs,
    sent: 0,
    refused: 0,
  };
}

function withPace(state: RefusalState, pace: Pace): RefusalState {
  return { ...state, pace, isPaced: true };
}

/** What has happened since it was given out so fast. */
export function counting(pace: Pace | undefined, { sent, refused, late }: RefusalEvent): { readonly pace?: Pace } {
  if (pace === undefined) return {};
  return { pace: { ...pace, sent: pace.sent + sent, refused: pace.refused + refused + late } };
}

/** At the first call that is answered again after so long a time: what was used before is what there is, unless that was a step up. */
function afterClosing(known: RefusalState, state: RefusalState, event: RefusalEvent): RefusalState | undefined {
  const { atMs, isAnswered, lengthMs, units } = event;
  const { doubtedUse = 0, refusedAtMs, refusedFromMs = atMs, raisedAtMs, raisedFrom } = known;
  const isLong = isLongLimit(event) && atMs - refusedFromMs >= GOOD_PART * lengthMs;
  if (!isAnswered || known.isAnswered || doubtedUse === 0 || !isLong) return undefined;
  const wasRaised = raisedAtMs > 0 && refusedAtMs - raisedAtMs < 2 * lengthMs;
  const share = Math.max(1 / units, wasRaised ? raisedFrom : state.share * doubtedUse);
  return withPace({ ...state, share, doubtedUse: 0, raisedAtMs: 0 }, { ...FIRST, sinceMs: atMs });
}
