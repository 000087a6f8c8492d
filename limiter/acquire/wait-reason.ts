/**
 * Why a call waits, in words.
 */
import { counted, inTime } from '../../contracts/limits/limit-words.ts';
import type { Charge } from '../../contracts/limits/limit.ts';
import type { Decision } from './encode-batch.ts';
import type { PreparedBuckets } from '../buckets/registry.ts';
import type { WaitCause, WaitReason } from '../types.ts';

/** @param id the bucket that has no room, or the gate that is shut. */
export function describeWait(
  charges: readonly Charge[],
  { ids, gates }: PreparedBuckets,
  id: number | undefined,
  decision: Decision,
): WaitReason {
  const charge = charges[ids.indexOf(id ?? -1)];
  const key = charge?.key ?? (gates.find((gate) => gate.id === id) ?? gates[0])?.key ?? '';
  const limit = charge?.limit.name ?? '*';
  if (decision.granted) return { key, limit, cause: 'queue', detail: 'the wait was ended by its caller' };
  // A gate that is shut and does not fail is paused.
  const cause = decision.cause === 'gate' ? 'paused' : decision.cause;
  return {
    key,
    limit,
    cause,
    detail: `${decision.detail ?? DETAILS[cause](key, decision.ahead)}, next try ${inTime(decision.waitMs)}`,
    ...(decision.untilMs === undefined ? {} : { untilMs: Math.max(0, Math.ceil(decision.untilMs)) }),
    ahead: decision.ahead,
  };
}

const DETAILS: Readonly<Record<WaitCause, (key: string, ahead: number) => string>> = {
  full: (key, ahead) => `${key} is used up, ${counted(ahead, 'call')} ahead`,
  blocked: (key) => `${key} is blocked by an answer of the third party`,
  paused: (key) => `${key} is paused by an operator`,
  queue: (key, ahead) =>
    `${key} has room that ${counted(ahead, 'earlier call')} ${ahead === 1 ? 'has' : 'have'} a claim on`,
  probing: (key) => `${key} refused; one call at a time finds out when it accepts calls again`,
  failing: (key) => `${key.replace('/*', '')} is failing`,
};
