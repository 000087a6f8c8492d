/**
 * Takes a permit: asks, waits in place while the estimate is short, otherwise says when to come back.
 * Called by `activities/call/with-permit.ts`, which makes the call then. Next: `limiter/circuit-breaker/breaker.ts`, which may refuse by
 * itself, then `batcher.ts`.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import type { Buckets, PreparedBuckets } from '../buckets/registry.ts';
import { gridCost, mostCost } from '../buckets/bucket-row.ts';
import type { PreparedCall, TimedDecision } from './encode-batch.ts';
import { allowedLateMs, permitLifetimeMs } from './permit.ts';
import type { Sleepers } from './local-waiters.ts';
import type { AcquireRequest, AcquireResult, Permit } from '../types.ts';
import { describeWait } from './wait-reason.ts';

export interface AcquireDeps {
  readonly buckets: Buckets;
  /** The breaker's answer, or that of the store, which is asked for many calls at once. */
  readonly decide: (lane: string, call: PreparedCall) => Promise<TimedDecision>;
  readonly wasLate: (lane: string, ageMs: number) => void;
  readonly sleepers: Sleepers;
  /** Takes back what a permit that was never used had taken. */
  readonly giveBack: (permit: Permit) => Promise<void>;
  /** The longest time that a caller is sent away for, in milliseconds: limits change, so it looks in again. */
  readonly maxRetryAfterMs: number;
}

const defaults = { weight: 1, priority: 'bulk', maxWaitMs: 1_000 } as const satisfies Partial<AcquireRequest>;
const LEAST_RETRY_AFTER_MS = 100;
/**
 * A caller that is sent away comes back so long before its turn and waits the rest in place. Timers and queues are
 * late, by tenths of a second on a busy machine, and a paced limit does not keep what nobody took.
 */
const LONGEST_LEAD_MS = 600;
const SHORTEST_LEAD_MS = 150;
/** Calls of a limit that wait in place like that, unless even the shortest lead makes them more. */
const CALLS_IN_PLACE = 10;
const MOST_RENEWALS = 5;

/**
 * @throws LimiterUnavailable when the store can't be asked; no permit was given.
 * @throws TypeError for a charge that can never be granted.
 */
export async function acquire(deps: AcquireDeps, request: AcquireRequest): Promise<AcquireResult> {
  const { maxWaitMs = defaults.maxWaitMs, signal } = request;
  const startedAt = performance.now();
  const buckets = await deps.buckets.prepare(request.charges, request.endpoint);
  const lane = buckets.gates[0]!.key;
  let call = prepareCall(request, buckets);
  let expired: Permit | undefined;
  let renewals = 0;
  for (;;) {
    const askedAt = performance.now();
    const decision = await deps.decide(lane, call);
    const now = performance.now();
    if (decision.granted) {
      const permit = makePermit(request, buckets, call, decision);
      const isWanted = signal?.aborted !== true;
      if (now < permit.expiresAt && isWanted) return { granted: true, permit, waitedMs: now - startedAt };
      // The process was too busy to use it in time.
      if (isWanted) deps.wasLate(lane, now - decision.decidedAt);
      if (!isWanted || ++renewals > MOST_RENEWALS) {
        await deps.giveBack(permit);
        return {
          granted: false,
          retryAfterMs: LEAST_RETRY_AFTER_MS,
          wait: describeWait(request.charges, buckets, buckets.ids[0], decision),
        };
      }
      call = { ...call, renews: decision.slots };
      expired = permit;
      continue;
    }
    if (expired !== undefined) {
      await deps.giveBack(expired);
      expired = undefined;
      const { renews: _, ...rest } = call;
      call = { ...rest, goesFirst: true };
      continue;
    }
    const bucketId = call.bucketIds[decision.bucket] ?? decision.gate ?? call.gates[0]!.id;
    const waitMs = Math.max(0, decision.waitMs - (now - decision.decidedAt));
    if (
      // Asking again will take about as long as it took now, and belongs to the wait.
      now + waitMs + (now - askedAt) > startedAt + maxWaitMs ||
      signal?.aborted === true ||
      !(await deps.sleepers.sleep(bucketId, waitMs, signal))
    ) {
      const leftMs = Math.max(0, waitMs - (performance.now() - now));
      // Who does not wait in place would be sent away again.
      const leadMs = maxWaitMs >= 2 * SHORTEST_LEAD_MS ? leadOf(waitMs, decision.ahead, maxWaitMs) : 0;
      const retryAfterMs = Math.ceil(Math.min(deps.maxRetryAfterMs, Math.max(LEAST_RETRY_AFTER_MS, leftMs - leadMs)));
      return { granted: false, retryAfterMs, wait: describeWait(request.charges, buckets, bucketId, decision) };
    }
  }
}

/**
 * How long before its turn a call that is sent away comes back, in milliseconds.
 * @param ahead calls that wait before this one: with its wait they tell how fast the limit is.
 */
export function leadOf(waitMs: number, ahead: number, maxWaitMs: number): number {
  const tenCallsMs = (CALLS_IN_PLACE * waitMs) / Math.max(1, ahead);
  return Math.max(SHORTEST_LEAD_MS, Math.min(LONGEST_LEAD_MS, maxWaitMs / 2, tenCallsMs));
}

function prepareCall(request: AcquireRequest, { ids, gates }: PreparedBuckets): PreparedCall {
  const bucketIds: number[] = [];
  const costs: number[] = [];
  for (const [index, charge] of request.charges.entries()) {
    checkCost(charge);
    const id = ids[index]!;
    const at = bucketIds.indexOf(id);
    if (at < 0) {
      bucketIds.push(id);
      costs.push(gridCost(charge.cost));
    } else costs[at]! += gridCost(charge.cost);
  }
  return {
    callKey: request.callKey,
    account: request.account,
    weight: request.weight ?? defaults.weight,
    priority: request.priority ?? defaults.priority,
    gates,
    ...(request.endpoint === undefined ? {} : { endpoint: request.endpoint }),
    bucketIds,
    costs,
  };
}

function checkCost({ key, cost, limit }: Charge): void {
  if (!Number.isFinite(cost) || cost < 0)
    throw new TypeError(`The cost of ${key} must be a number ≥ 0, but is ${cost}`);
  const most = mostCost(limit);
  if (cost > most)
    throw new TypeError(`A call that costs ${cost} can never be granted by ${key}, which allows ${most}`);
}

function makePermit(
  request: AcquireRequest,
  { ids, gates }: PreparedBuckets,
  call: PreparedCall,
  decision: TimedDecision & { readonly granted: true },
): Permit {
  // Mostly each charge has a bucket of its own.
  const isSame = ids.length === call.bucketIds.length;
  const at = isSame ? [] : ids.map((id) => call.bucketIds.indexOf(id));
  return {
    callKey: request.callKey,
    charges: request.charges,
    ...(request.endpoint === undefined ? {} : { endpoint: request.endpoint }),
    gates,
    slots: isSame ? decision.slots : at.map((index) => decision.slots[index]!),
    epochs: isSame ? decision.epochs : at.map((index) => decision.epochs[index]!),
    grantedAt: decision.decidedAt,
    expiresAt:
      decision.decidedAt +
      permitLifetimeMs(request.charges) +
      (decision.lateMs > 0 ? allowedLateMs(request.charges, decision.lateMs) : 0),
    ...(decision.probeOf === undefined ? {} : { isProbe: true, probeOf: decision.probeOf }),
  };
}
