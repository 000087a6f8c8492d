/**
 * Recognises a sliding window that is used unevenly. Whenever it refuses, the calls accepted in its length are as many
 * as it holds. Those of any other length differ from refusal to refusal. So the length whose count stays the same over
 * several refusals is the window's, provided that shorter and longer ones did change. A rate alone can't follow such a
 * server: it lets through at any time what it let through one window ago. Next: `limiter/adaptive/decrease.ts`.
 */
import { acceptedSince, refill } from './recent-accepted.ts';
import type { LawState } from '../state.ts';

/** Lengths looked at: two seconds to two hours, each a tenth longer than the one before. */
const shortestMs = 2000;
const ratio = 1.1;
const lengths = 86;
/** Counted in bins of half a second, 1.5 s, …, six minutes, 40 of each. */
const levels = 7;
const firstBinMs = 500;
const binRatio = 3;
const bins = 40;
/** Fewer calls say nothing: one more or less is a large share. */
const leastCalls = 30;
/** Two counts are the same when they differ by this share, or by calls that were just on their way. */
const tolerance = 0.03;
/** Refusals in a row with the same count. */
const wanted = 4;
const wantedAlone = 12;
/** Lengths on each side that may share its count: within a quarter the length is not known better. */
const neighbours = 3;
/** So long before a refusal a bucket surely was not full. */
const drainedMs = 15_000;
/** A bucket's least possible rate must be so many times its most possible one, or else it may be a bucket. */
const contradiction = 1.6;
/** By so much the share of its calls that lies in its second half must have differed between refusals. */
const uneven = 0.22;

/** Adds accepted calls now. */
export function countSpans(s: LawState, ok: number): void {
  if (s.sliding.spans.length === 0) {
    if (ok === 0) return;
    s.sliding.fromMs = s.nowMs;
    s.sliding.spans = Array.from({ length: levels }, () => ({ atMs: s.nowMs, counts: [0] }));
  }
  s.sliding.ok += ok;
  if (s.nowMs - (s.sliding.spans[0]?.atMs ?? 0) < firstBinMs) return;
  s.sliding.spans = s.sliding.spans.map(({ atMs, counts }, level) => {
    const all = [(counts[0] ?? 0) + s.sliding.ok, ...counts.slice(1)];
    const passed = Math.floor((s.nowMs - atMs) / binMsOf(level));
    if (passed <= 0) return { atMs, counts: all };
    const fresh = Array.from({ length: Math.min(bins, passed) }, () => 0);
    return { atMs: atMs + passed * binMsOf(level), counts: [...fresh, ...all].slice(0, bins) };
  });
  s.sliding.ok = 0;
}

/** Nothing counts as seen any more. */
export function forgetSpans(s: LawState): void {
  s.sliding.spans = [];
  s.sliding.ok = 0;
  s.sliding.same = [];
  s.sliding.bucketLeast = 0;
  s.sliding.bucketMost = Number.MAX_VALUE;
  s.sliding.notedMs = 0;
}

/** Accepted in the last `lengthMs`; undefined when the counting began later. */
export function acceptedIn(s: LawState, lengthMs: number): number | undefined {
  const fromMs = s.nowMs - lengthMs;
  let level = 0;
  while (level < levels - 1 && (bins - 1) * binMsOf(level) < lengthMs) level += 1;
  const span = s.sliding.spans[level];
  if (span === undefined || fromMs < s.sliding.fromMs || lengthMs > (bins - 1) * binMsOf(level)) return undefined;
  let sum = s.sliding.ok;
  for (const [index, count] of span.counts.entries()) {
    const startMs = span.atMs - index * binMsOf(level);
    const length = index === 0 ? Math.max(1, s.nowMs - span.atMs) : binMsOf(level);
    if (startMs + length <= fromMs) break;
    sum += count * Math.min(1, (startMs + length - fromMs) / length);
  }
  return sum;
}

/** A refusal, and calls were accepted since the one before. Returns whether a window was recognised by it. */
export function noteRefusal(s: LawState): boolean {
  if (s.sliding.spans.length === 0) return false;
  s.sliding.same = Array.from({ length: lengths }, (_, index) => {
    const count = Math.round(acceptedIn(s, lengthMsOf(index)) ?? 0);
    if (count < leastCalls) return [0, 0, 0, 0, 0];
    const recent = Math.round((100 * (acceptedIn(s, lengthMsOf(index) / 2) ?? 0)) / count) / 100;
    const [anchor, times, least, most, fromMs] = s.sliding.same[index] ?? [0, 0, 0, 0, 0];
    return Math.abs(count - anchor) <= Math.max(1, tolerance * anchor)
      ? [anchor, times + 1, Math.min(least, recent), Math.max(most, recent), fromMs]
      : [count, 0, recent, recent, s.nowMs];
  });
  boundBucket(s);
  const most = Math.max(...s.sliding.same.map(([, times]) => times));
  if (most < wanted) return false;
  const first = s.sliding.same.findIndex(([, times]) => times === most);
  let last = first;
  while (s.sliding.same[last + 1]?.[1] === most) last += 1;
  // The counts of much shorter or longer lengths must have changed, and the calls must have moved about within it. At a
  // steady pace all counts stay the same, whatever the server counts.
  const changed = (index: number): boolean => (s.sliding.same[index]?.[1] ?? wanted) <= most - 2;
  const isUneven = s.sliding.same
    .slice(first, last + 1)
    .every(
      ([, , leastHalf, mostHalf, fromMs]) =>
        mostHalf - leastHalf >= uneven && s.nowMs - fromMs >= lengthMsOf(first) / 2,
    );
  // A bucket that has just let go of a burst could refill fast, for all that is seen of it: then the count must have been the same far
  // more often.
  const isContradicted = s.sliding.bucketLeast >= contradiction * s.sliding.bucketMost || most >= wantedAlone;
  if (!isContradicted) return false;
  if (last - first > neighbours || !changed(first - 2) || !changed(last + 2) || !isUneven) return false;
  const lengthMs = usual(lengthMsOf(first), lengthMsOf(last));
  // A window that is known is right about its length, unless what was taken for one was a short closure.
  if (s.window.max > 0 && lengthMs < 1.5 * s.window.hiMs) return false;
  const max = Math.round(acceptedIn(s, lengthMs) ?? 0);
  if (max < leastCalls) return false;
  s.window.max = max;
  s.window.loMs = lengthMs;
  s.window.hiMs = lengthMs;
  s.window.measuring = 0;
  s.limit = (max * 1000) / lengthMs;
  s.estimate.sure = 2;
  s.window.drainUntilMs = s.nowMs + lengthMs;
  refill(s, lengthMs, (ms) => acceptedIn(s, ms) ?? 0);
  forgetSpans(s);
  return true;
}

/** While calls from before it was recognised are in the window, as many may follow as leave it in the next moments. */
export function leavingRate(s: LawState): number {
  const aheadMs = Math.max(2000, s.rttMs);
  const used = acceptedSince(s, s.nowMs + aheadMs - s.window.hiMs) ?? 0;
  return (Math.max(0, 0.985 * s.window.max - used) * 1000) / aheadMs;
}

/**
 * What a token bucket's rate could be. It is empty at every refusal. So it refills by at most what was accepted just
 * before one, and by at least what was accepted between two. (Long before a refusal it may have been full, and what
 * flowed in was lost.)
 */
function boundBucket(s: LawState): void {
  for (const [index, [count]] of s.sliding.same.entries())
    if (count > 0 && lengthMsOf(index) <= drainedMs)
      s.sliding.bucketMost = Math.min(s.sliding.bucketMost, (count * 1000) / lengthMsOf(index));
  const sinceMs = s.nowMs - s.sliding.notedMs;
  if (s.sliding.notedMs > 0 && sinceMs >= shortestMs)
    s.sliding.bucketLeast = Math.max(s.sliding.bucketLeast, ((acceptedIn(s, sinceMs) ?? 0) * 1000) / sinceMs);
  s.sliding.notedMs = s.nowMs;
}

function binMsOf(level: number): number {
  return firstBinMs * binRatio ** level;
}

function lengthMsOf(index: number): number {
  return shortestMs * ratio ** index;
}

/** Windows are seconds, minutes or hours of a round number; without one within the bounds, their middle. */
function usual(fromMs: number, toMs: number): number {
  const middle = Math.sqrt(fromMs * toMs);
  const slack = Math.sqrt(ratio);
  for (const unit of [3_600_000, 60_000, 1000])
    for (const number of [1, 2, 5, 10, 15, 20, 30]) {
      const ms = number * unit;
      if (ms >= fromMs / slack && ms <= toMs * slack) return ms;
    }
  return middle;
}
