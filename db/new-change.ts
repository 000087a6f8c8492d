/**
 * The number of one change of a row, drawn before its first try. Where the answer to a try was lost, nobody knows whether it was
 * done: the change is sent again, with the same number, and the row tells that it has it. Used by: `activities/sync/attempt.ts` for
 * units, and by `activities/action/perform-action.ts`, `activities/action/look-up.ts` and `activities/action/attempt.ts` for actions.
 */
import { randomInt } from 'node:crypto';

const MOST = 2 ** 48 - 1;

export function newChange(): number {
  return randomInt(MOST);
}
