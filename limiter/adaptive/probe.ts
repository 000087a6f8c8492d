/**
 * Closed after a refusal: when the next single call may find out whether the server opened.
 * Next: `limiter/adaptive/reopened.ts`, what its success says.
 */
import { clamp, enter } from './state.ts';
import type { LawState } from './state.ts';
import { FIRST_PROBES, mayBeFew, nextFewProbe } from './windows/few-calls.ts';
import { isSearched } from './windows/few-state.ts';

/** Waits are told in whole seconds. */
const SAME_WAIT_MS = 1_500;

/** Probes over the span in which an opening is expected: a large window can spare more of them. */
function expectedProbes(s: LawState): number {
  return clamp(s.window.max / 20, 8, 24);
}

/** Closes the bucket because of a refusal now. */
export function hold(s: LawState, retryAfterMs: number | undefined): void {
  close(s, 0, 0);
  nextProbe(s, retryAfterMs);
}

/** Closes the bucket although nothing was refused: the window is used up and its next opening is to be measured. */
export function holdUntilOpening(s: LawState, fromMs: number, toMs: number): void {
  close(s, fromMs, toMs);
  s.lastRefusalMs = fromMs;
  // A little before it can open: this probe should be refused, or else the window was not used up at all.
  s.held.probeAtMs = Math.max(s.nowMs, fromMs - 0.03 * s.window.loMs);
}

function close(s: LawState, openFromMs: number, openToMs: number): void {
  s.held.from = s.phase;
  s.held.atMs = s.nowMs;
  s.held.rate = s.rate;
  s.held.ok = s.mark.ok;
  s.held.probes = 0;
  s.held.refused = 0;
  s.held.openFromMs = openFromMs;
  s.held.openToMs = openToMs;
  s.held.toldMs = 0;
  enter(s, 'hold');
}

/**
 * The time of the next probe. Gaps grow with the square of the number of probes, so that fifteen minutes take 17 and an
 * hour 27. Where an opening is expected they divide the span evenly.
 */
export function nextProbe(s: LawState, retryAfterMs: number | undefined): void {
  s.held.toldMs = 0;
  s.held.isHabit = false;
  if (retryAfterMs !== undefined) {
    // One that is always the same is a habit, and says nothing of when it opens.
    const { toldWaitMs } = s.held;
    s.held.isHabit = toldWaitMs !== undefined && Math.abs(retryAfterMs - toldWaitMs) <= SAME_WAIT_MS;
    if (toldWaitMs !== undefined && !s.held.isHabit) s.held.toldMs = s.nowMs + retryAfterMs;
    s.held.toldWaitMs = retryAfterMs;
    s.held.probeAtMs = s.nowMs + clamp(retryAfterMs, 0, 86_400_000) + 50;
    s.held.probes += 1;
    return;
  }
  if (isSearched(s.window) || (mayBeFew(s) && s.held.probes >= FIRST_PROBES)) {
    s.held.probeAtMs = nextFewProbe(s);
    s.held.probes += 1;
    return;
  }
  const expected = s.held.openToMs > s.nowMs;
  // A climb above a known window is refused just before the window's end.
  const isEnd = s.held.probes === 0 && s.held.from === 'climb' && s.window.max > 0;
  const gapMs = isEnd
    ? Math.max(500, 0.03 * s.window.hiMs)
    : expected
      ? Math.max(250, (s.held.openToMs - s.held.openFromMs) / expectedProbes(s))
      : Math.min(Math.max(500 * (s.held.probes + 1) ** 2, shortestGapMs(s)), longestGapMs(s));
  s.held.probeAtMs = Math.max(s.nowMs + gapMs, expected ? s.held.openFromMs : 0);
  if (!expected) s.held.probes += 1;
}

/** To know the end of a long window to a hundredth of its length is enough. */
function shortestGapMs(s: LawState): number {
  return s.window.max > 0 && s.window.measuring === 0 ? 0.01 * s.window.hiMs : 0;
}

/** Where the length of the window is known its end is met with an error of a twelfth. */
function longestGapMs(s: LawState): number {
  return s.window.max > 0 && s.window.measuring === 0 ? Math.max(500, s.window.hiMs / 12) : Number.POSITIVE_INFINITY;
}
