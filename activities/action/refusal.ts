/**
 * What a refusal of credentials costs an action, and how long it waits after one. Pure. Used by: `settle-write.ts`, `look-up.ts`.
 */
import type { Renewed } from '../call/make-call.ts';

/** A wait for new credentials costs nothing; that new ones are refused does. */
export function refusalCosts(renewed: Renewed | undefined, costs: 0 | 1): 0 | 1 {
  return renewed?.state === 'busy' && !renewed.wasNew ? 0 : costs;
}

/** Milliseconds until the call may be made with new credentials; undefined when there are none to wait for. */
export function pauseAfter(renewed: Renewed | undefined): number | undefined {
  if (renewed?.state === 'ready') return 0;
  return renewed?.state === 'busy' ? renewed.retryAfterMs : undefined;
}
