/**
 * The store's clock was set back: every time that the law remembers moves with it. Pure. Used by: `limiter/adaptive/step.ts`.
 * Next: back to `limiter/adaptive/step.ts`.
 */
import type { LawState } from './state.ts';
import { forgetSpans } from './windows/detect-sliding-window.ts';
import { setFewBack } from './windows/few-calls.ts';

export function setBack(s: LawState, backMs: number): void {
  shift(s, backMs, ['phaseAtMs', 'lastRefusalMs']);
  shift(s.estimate, backMs, ['surpriseAtMs']);
  shift(s.mark, backMs, ['loMs', 'hiMs']);
  shift(s.held, backMs, ['atMs', 'probeAtMs', 'openFromMs', 'openToMs']);
  shift(s.climb, backMs, ['nextAtMs']);
  shift(s.chance.evidence, backMs, ['sinceMs']);
  shift(s.chance.trial, backMs, ['atMs']);
  shift(s.window, backMs, ['drainUntilMs']);
  shift(s.opening, backMs, ['loMs', 'hiMs']);
  shift(s.recent, backMs, ['atMs', 'fromMs']);
  setFewBack(s, backMs);
  forgetSpans(s);
}

/** 0 stays "not known". */
function shift<K extends string>(part: Record<K, number>, backMs: number, names: readonly K[]): void {
  for (const name of names) if (part[name] !== 0) part[name] -= backMs;
}
