/**
 * Why a call waits, in words.
 */
import type { Charge } from '../../contracts/limit.ts';
import type { Decision } from './encode-batch.ts';
import { gateKey } from '../buckets/bucket-row.ts';
import type { WaitCause, WaitReason } from '../types.ts';

/** @param chargeIndex the charge that has no room; -1 = the provider's gate. */
export function describeWait(charges: readonly Charge[], chargeIndex: number, decision: Decision): WaitReason {
  const charge = charges[chargeIndex];
  const key = charge?.key ?? gateKey(charges[0]?.key ?? '');
  const limit = charge?.limit.name ?? '*';
  if (decision.granted) return { key, limit, cause: 'queue', detail: 'the wait was ended by its caller' };
  // A gate that is shut and does not fail is paused.
  const cause = decision.cause === 'gate' ? 'paused' : decision.cause;
  return {
    key,
    limit,
    cause,
    detail: `${decision.detail ?? DETAILS[cause](key, decision.ahead)}, next try in ${(decision.waitMs / 1_000).toFixed(1)} s`,
    ...(decision.untilMs === undefined ? {} : { untilMs: Math.max(0, Math.ceil(decision.untilMs)) }),
    ahead: decision.ahead,
  };
}

const DETAILS: Readonly<Record<WaitCause, (key: string, ahead: number) => string>> = {
  full: (key, ahead) => `${key} is used up, ${ahead} calls ahead`,
  blocked: (key) => `${key} is blocked by an answer of the third party`,
  paused: (key) => `${key} is paused by an operator`,
  queue: (key, ahead) => `${key} has room that ${ahead} earlier calls have a claim on`,
  probing: (key) => `${key} refused; one call at a time finds out when it accepts calls again`,
  failing: (key) => `${key.slice(0, -2)} is failing`,
};
