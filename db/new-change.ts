/**
 * The number of one change of a row, drawn before its first try. Where the answer to a try was lost, nobody knows whether it was
 * done: the change is sent again, with the same number, and the row tells that it has it. Used by: `activities/sync/attempt.ts` for
 * units, and by `activities/action/perform-action.ts`, `activities/action/look-up.ts` and `activities/action/attempt.ts` for actions.
 */
import { randomInt } from 'node:crypto';

/** Below 2^48 in all, so that it is exact in JSON. */
const MOST = 2 ** 24;
const PROCESS = randomInt(1, MOST);
let last = randomInt(MOST);

/** @param process whose it is: of several changes of one, a row may know the latest ones alone. */
export function newChange(process = PROCESS): number {
  last = (last + 1) % MOST;
  return process * MOST + last;
}
