/**
 * The server fails (5xx, timeouts): that is not a refusal, so the estimate is not touched. Single calls, at most one a
 * minute, find out when it is back; then half the old rate, and the whole a moment later. Next: `limiter/adaptive/step.ts`.
 */
import { enter, setMark } from './state.ts';
import type { LawState } from './state.ts';

/** Weight of a call against the next one. */
const fade = 0.9;
/** An hour of these gaps is 67 probes. */
const longestGapMs = 60_000;

/** Counts outcomes; the latest ten or so calls matter, whatever time they took. */
export function countOutcomes(s: LawState, alive: number, failed: number): void {
  const keep = fade ** Math.min(200, alive + failed);
  s.outcomes.ok = s.outcomes.ok * keep + Math.min(alive, 10);
  s.outcomes.failed = s.outcomes.failed * keep + Math.min(failed, 10);
}

export function isOutage(s: LawState): boolean {
  return s.outcomes.failed >= 4 && s.outcomes.failed >= s.outcomes.ok;
}

export function breakOff(s: LawState): string {
  s.held.probes = 0;
  s.held.atMs = s.nowMs;
  setMark(s, 0, 0, 0);
  enter(s, 'outage');
  nextOutageProbe(s);
  return 'the server fails: one call at a time, the learned limit is kept';
}

export function nextOutageProbe(s: LawState): void {
  s.held.probeAtMs = s.nowMs + Math.min(longestGapMs, 500 * (s.held.probes + 1) ** 2);
  s.held.probes += 1;
}

export function recover(s: LawState): string {
  s.outcomes.failed = 0;
  s.outcomes.ok = 1;
  enter(s, 'recover');
  return `the server answers again after ${Math.round((s.nowMs - s.held.atMs) / 1000)} s: half the learned rate, then all of it`;
}
