/**
 * The search of a window that holds few calls, where each refusal is a large share. After two short probes single calls look only where
 * windows usually end. Then as many calls as were accepted go out in that length, evenly. Shorter lengths are tried while the window
 * may be much shorter. Whenever it refuses and opens again, one length has passed since the first of its last calls.
 * Next: `limiter/adaptive/windows/detect-window.ts`, by which it is kept from then on.
 */
import { forgive } from '../climb.ts';
import { clamp, setMark } from '../state.ts';
import type { LawState } from '../state.ts';
import { windowCalls } from './detect-window.ts';
import { isSearched } from './few-state.ts';
import type { FewCalls } from './few-state.ts';

/** Of more calls a refusal is a small share, and measuring the end pays. */
export const MOST_FEW_CALLS = 99;
/** Of faster ones several are on their way at each refusal. */
const MOST_PER_SECOND = 3;
/** Windows end so many seconds after their first call. */
const USUAL_S = [10, 20, 60, 150, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
/** The first probes come early: a bucket that refills all the time is open again by then. */
export const FIRST_PROBES = 2;
/** Shorter windows are met by them. */
const SHORTEST_MS = 8_000;
/** A window lasts so many times as long as a call: else too many are on their way. */
const TRAVELS = 16;
/** Between two bounds that lie so close a length is known. */
const KNOWN = 1.08;
/** A length that was refused is too short by this share, at least; and after the search by this one. */
const LONGER = 1.01;
const LONGER_LATER = 1.03;
/** Calls that are sent evenly take a little more than the length. */
const USED_UP = 1.03;
/** Shorter lengths are tried so often at most. */
const MOST_TRIES = 6;
/** Clocks, travel and reports differ by so much. */
const SLACK_MS = 500;

/** Whether the first closure is of few calls, so that its end is looked for only where windows usually end. */
export function mayBeFew(s: LawState): boolean {
  const { from, ok, atMs } = s.held;
  const isSlow = ok * 1_000 <= MOST_PER_SECOND * (s.nowMs - firstCallMs(s));
  const isWhole = s.mark.isOpening && atMs - s.mark.hiMs < 60_000 && ok >= windowCalls;
  return from === 'start' && isSlow && (isWhole || !s.mark.isOpening) && ok <= MOST_FEW_CALLS;
}

/**
 * It was refused: its number or its length is another one.
 * @returns whether that is all that the refusal says.
 */
export function refusedFew(s: LawState): boolean {
  const { few } = s.window;
  if (few === undefined || s.window.max < windowCalls) return false;
  if (!isSearched(s.window)) return s.phase === 'cruise' && isUsedUp(s, few);
  // The ramp may have gone through the end of a window, and have counted calls of two. All that came since it opened are of one.
  const since = few.times.filter((atMs) => atMs > s.phaseAtMs - s.rttMs).length;
  if (since >= Math.max(windowCalls, 0.5 * s.window.max)) s.window.max = Math.min(since, s.window.max);
  return true;
}

/** Was all of it used up in its known length? Then climbs have made its number too large; or else its length is too short. */
function isUsedUp(s: LawState, few: FewCalls): boolean {
  const { hiMs } = s.window;
  const climbedTo = Math.min(Math.round((s.limit * hiMs) / 1_000), few.times.length);
  const used = few.times.filter((atMs) => atMs > s.nowMs - USED_UP * hiMs - SLACK_MS).length;
  if (used < Math.min(climbedTo, s.window.max)) return false;
  const isLonger = used >= climbedTo;
  const maySearch = isLonger && few.tries < MOST_TRIES;
  s.window.max = used;
  if (maySearch) s.window.few = { ...few, isKnown: false, tries: few.tries + 1 };
  keep(s, isLonger && !maySearch ? LONGER_LATER * hiMs : hiMs);
  return true;
}

/** The store's clock was set back. */
export function setFewBack(s: LawState, backMs: number): void {
  const { few } = s.window;
  if (few === undefined) return;
  s.window.few = { ...few, times: few.times.map((atMs) => atMs - backMs), triedAtMs: few.triedAtMs - backMs };
}

/** Counts accepted calls. */
export function countFew(s: LawState, ok: number): void {
  const { few } = s.window;
  if (few === undefined || ok === 0) return;
  const fresh = Array.from({ length: Math.min(ok, s.window.max + 1) }, () => s.nowMs - s.rttMs / 2);
  s.window.few = { ...few, times: [...few.times, ...fresh].slice(-s.window.max - 1) };
}

/** The first call of the ramp; where others had gone out before, the first that was refused. */
function firstCallMs(s: LawState): number {
  return s.mark.isOpening ? s.mark.hiMs : s.held.atMs;
}

/** When the next probe of the first closure, or of a later one, is due. */
export function nextFewProbe(s: LawState): number {
  const { few, hiMs } = s.window;
  const firstMs = few?.times.at(-s.window.max) ?? firstCallMs(s);
  const next = (lengths: readonly number[]): number | undefined =>
    lengths.map((ms) => firstMs + 1.01 * ms + SLACK_MS).find((atMs) => atMs > s.nowMs + 2 * SLACK_MS);
  const ends = USUAL_S.map((seconds) => 1_000 * seconds);
  // A length that was narrowed before is hardly a usual one: a little longer, and a little more.
  const longer = [1.05, 1.15, 1.35, 1.75].map((share) => share * hiMs);
  if (few === undefined || few.wasMs === 0)
    return (few && few.tries > 0 ? next(longer) : undefined) ?? next(ends) ?? s.nowMs + 86_400_000;
  // A shorter length was refused: one call before the end, then one behind it.
  const isUsual = ends.some((ms) => Math.abs(ms / few.wasMs - 1) < 0.02);
  const before = isUsual ? 0.95 * few.wasMs : Math.sqrt(hiMs * few.wasMs);
  const within = s.held.probes === 0 ? [before, few.wasMs] : [few.wasMs];
  return next(within) ?? next(ends) ?? s.nowMs + 86_400_000;
}

/** The first closure has opened: what was accepted before it is what the window holds. */
export function beginFew(s: LawState, loMs: number, hiMs: number, fresh: number): boolean {
  const max = s.mark.ok;
  const firstMs = s.mark.hiMs;
  const lengthMs = snapped(loMs - firstMs, hiMs - firstMs);
  if (!s.mark.isOpening || !mayBeFew(s) || hiMs - firstMs < Math.max(SHORTEST_MS, TRAVELS * s.rttMs)) return false;
  // Of the calls of the ramp only the first is known by its time; the others were made by its end.
  const times = [firstMs, ...Array.from({ length: max - 1 }, () => s.held.atMs)];
  for (let call = 0; call < fresh; call += 1) times.push(hiMs);
  s.window.max = max;
  s.window.loMs = clamp(loMs - firstMs, 1_000, lengthMs);
  s.window.measuring = 0;
  s.window.few = { times, wasMs: 0, triedAtMs: 0, tries: 0, isKnown: false };
  keep(s, lengthMs);
  s.estimate.sure = 1;
  return true;
}

/** It was refused, and has opened again between the two times: one length after the first of the last calls. */
export function openedFew(s: LawState, few: FewCalls, closedToMs: number, hiMs: number): void {
  const { max } = s.window;
  const firstMs = few.times.at(-max) ?? s.mark.hiMs;
  const beforeMs = few.times.at(-max - 1) ?? firstMs;
  const leastMs = closedToMs - firstMs - SLACK_MS;
  const mostMs = hiMs - beforeMs;
  // All its calls were never sent in less than the length that was kept.
  s.window.loMs = Math.max(leastMs, s.window.loMs, (few.wasMs > 0 ? 1 : LONGER) * s.window.hiMs);
  const isTry = s.window.loMs < few.wasMs;
  const lengthMs = Math.max(s.window.loMs, snapped(s.window.loMs, isTry ? Math.min(few.wasMs, mostMs) : mostMs));
  s.window.few = { ...few, wasMs: 0 };
  keep(s, lengthMs);
}

/** Shorter lengths are tried while callers wait; the search ends when its length is known. */
export function passFew(s: LawState, few: FewCalls): string | undefined {
  const { loMs, hiMs, max } = s.window;
  if (few.wasMs > 0) {
    if (s.demand < 0.6) {
      // Nobody asks for all there is, so nothing is seen of the shorter one.
      s.window.few = { ...few, wasMs: 0 };
      keep(s, few.wasMs);
      return undefined;
    }
    if (s.nowMs - few.triedAtMs < 1.05 * few.wasMs + SLACK_MS) return undefined;
    s.window.few = { ...few, wasMs: 0 };
    return `${max} calls in ${(hiMs / 1_000).toFixed(1)} s are accepted`;
  }
  if (s.demand < 0.8 || s.clean < max + 1) return undefined;
  if (hiMs < KNOWN * loMs || few.tries >= MOST_TRIES) {
    s.window.few = { ...few, isKnown: true };
    s.estimate.sure = 2;
    forgive(s);
    return undefined;
  }
  s.window.few = { ...few, wasMs: hiMs, triedAtMs: s.nowMs, tries: few.tries + 1 };
  keep(s, Math.sqrt(Math.max(loMs, 0.1 * hiMs) * hiMs));
  return undefined;
}

function keep(s: LawState, lengthMs: number): void {
  s.window.hiMs = lengthMs;
  s.limit = (s.window.max * 1_000) / lengthMs;
  setMark(s, 0, 0, 0);
}

/** The longest usual length between two bounds; without one, the upper. */
function snapped(leastMs: number, mostMs: number): number {
  const usual = USUAL_S.map((seconds) => 1_000 * seconds).findLast((ms) => ms <= mostMs && ms >= 0.99 * leastMs);
  return Math.max(1_000, usual ?? mostMs);
}
