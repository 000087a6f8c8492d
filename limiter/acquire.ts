/**
 * Takes a permit: asks, waits in place while the estimate is short, otherwise says when to come back.
 * Next stop: the caller makes its call, then `report.ts` hears how it went.
 */
import type { Charge } from '../contracts/limit.ts';
import type { Buckets } from './configure.ts';
import { gridCost } from './bucket.ts';
import type { PreparedCall } from './batch.ts';
import type { TimedDecision } from './group-commit.ts';
import { permitLifetimeMs } from './permit.ts';
import type { AcquireRequest, AcquireResult, Permit } from './types.ts';
import { describeWait } from './wait-reason.ts';

export interface AcquireDeps {
  readonly buckets: Buckets;
  readonly decide: (lane: string, call: PreparedCall) => Promise<TimedDecision>;
  /** Takes back what a permit that was never used had taken. */
  readonly giveBack: (permit: Permit) => Promise<void>;
  /** The longest time that a caller is sent away for, in milliseconds: limits change, so it looks in again. */
  readonly maxRetryAfterMs: number;
}

const defaults = { weight: 1, priority: 'bulk', maxWaitMs: 1_000 } as const satisfies Partial<AcquireRequest>;
const LEAST_RETRY_AFTER_MS = 100;

/**
 * @throws LimiterUnavailable when the store can't be asked; no permit was given.
 * @throws TypeError for a charge that can never be granted.
 */
export async function acquire(deps: AcquireDeps, request: AcquireRequest): Promise<AcquireResult> {
  const { maxWaitMs, signal } = { ...defaults, ...request };
  const startedAt = performance.now();
  const buckets = await deps.buckets.prepare(request.charges);
  let call = prepareCall(request, buckets.ids, buckets.gateId);
  for (;;) {
    const decision = await deps.decide(buckets.provider, call);
    const now = performance.now();
    if (decision.granted) {
      const permit = makePermit(request, buckets.ids, call, decision);
      if (now < permit.expiresAt && signal?.aborted !== true)
        return { granted: true, permit, waitedMs: now - startedAt };
      // The process was busy for too long (or nobody wants it any more): not sent, so it can be given back.
      await deps.giveBack(permit);
      call = { ...call, goesFirst: true };
      if (signal?.aborted !== true) continue;
      return { granted: false, retryAfterMs: LEAST_RETRY_AFTER_MS, wait: describeWait(request.charges, 0, decision) };
    }
    const waitMs = Math.max(0, decision.waitMs - (now - decision.decidedAt));
    if (now + waitMs > startedAt + maxWaitMs || signal?.aborted === true || !(await sleep(waitMs, signal))) {
      const leftMs = Math.max(0, waitMs - (performance.now() - now));
      const retryAfterMs = Math.ceil(Math.min(deps.maxRetryAfterMs, Math.max(LEAST_RETRY_AFTER_MS, leftMs)));
      const chargeIndex = decision.bucket < 0 ? -1 : buckets.ids.indexOf(call.bucketIds[decision.bucket]!);
      return { granted: false, retryAfterMs, wait: describeWait(request.charges, chargeIndex, decision) };
    }
  }
}

function prepareCall(request: AcquireRequest, ids: readonly number[], gateId: number): PreparedCall {
  const costById = new Map<number, number>();
  for (const [index, charge] of request.charges.entries()) {
    checkCost(charge);
    const id = ids[index]!;
    costById.set(id, (costById.get(id) ?? 0) + gridCost(charge.cost));
  }
  return {
    callKey: request.callKey,
    account: request.account,
    weight: request.weight ?? defaults.weight,
    priority: request.priority ?? defaults.priority,
    gateId,
    bucketIds: [...costById.keys()],
    costs: [...costById.values()],
  };
}

function checkCost({ key, cost, limit }: Charge): void {
  if (!Number.isFinite(cost) || cost < 0)
    throw new TypeError(`The cost of ${key} must be a number ≥ 0, but is ${cost}`);
  if (limit.kind === 'learned') return;
  const most = limit.kind === 'window' ? limit.max * (1 - (limit.reserve ?? 0)) : limit.max;
  if (cost > most + 1e-9)
    throw new TypeError(`A call that costs ${cost} can never be granted by ${key}, which allows ${most}`);
}

function makePermit(
  request: AcquireRequest,
  ids: readonly number[],
  call: PreparedCall,
  decision: TimedDecision & { readonly granted: true },
): Permit {
  const at = ids.map((id) => call.bucketIds.indexOf(id));
  return {
    callKey: request.callKey,
    charges: request.charges,
    slots: at.map((index) => decision.slots[index]!),
    epochs: at.map((index) => decision.epochs[index]!),
    grantedAt: decision.decidedAt,
    expiresAt: decision.decidedAt + permitLifetimeMs(request.charges),
  };
}

/** True when the time passed, false when the signal ended it. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (passed: boolean) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(passed);
    };
    const onAbort = () => end(false);
    // Timers may fire up to a millisecond early.
    const timer = setTimeout(() => end(true), Math.ceil(ms) + 1);
    signal?.addEventListener('abort', onAbort);
  });
}
