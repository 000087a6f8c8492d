/**
 * Whether this machine's clock is to blame where a signature is refused. Third parties take those of some minutes
 * around their own time, which they tell by `Date`. Used by: calls whose auth is timed, and service accounts.
 * @see RFC 9110 §6.6.1 (Date), RFC 9111 §5.1 (Age: the answer of a cache is older than it looks)
 */
import type { Answer } from '../answers/answer.ts';
import { httpDateMs } from './reset-time.ts';

/** AWS takes 5 minutes, Google and GitHub one; `Date` has whole seconds and the answer was on its way. */
const LARGEST_SKEW_MS = 55_000;

/** @returns what is wrong, in words; undefined when the clocks agree, or nothing tells the other one. */
export function clockSkew({ headers, elapsedMs }: Answer, nowMs: number): string | undefined {
  const theirs = headers['age'] === undefined ? httpDateMs(headers['date']) : undefined;
  if (theirs === undefined) return undefined;
  const aheadMs = nowMs - theirs;
  if (Math.abs(aheadMs) <= LARGEST_SKEW_MS + elapsedMs) return undefined;
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return `this machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the third party's, and what it signs is timed: set it by NTP`;
}
