/**
 * One page of one list: exactly one third-party call. Permit, call, outcome, then rows, child units and next position in
 * one transaction. It is a step of the unit's own row, so running it twice stores the same rows and at worst repeats one
 * call. Next stop: `activities/call/make-call.ts`, then `store-page.ts`.
 */
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import { shrinkPageSize } from '../../db/stores/sync/page-size-store.ts';
import { countAttempt, endUnit, loadUnit, type LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { CompiledSync } from '../../providers/define/define-sync.ts';
import { ended, endOfPermanent, finish, notNow, pageSizeKey, tryAgain, type Attempt } from './attempt.ts';
import type { ActivityDeps } from '../deps.ts';
import { isMaybeItsOwn } from '../http/to-observation.ts';
import { makeCall, type MadeCall } from '../call/make-call.ts';
import { advance } from '../paginate/advance.ts';
import { pageRequest, withSize } from '../paginate/page-request.ts';
import { refusedAtCap } from '../paginate/result-cap.ts';
import { goOnWith, pausedFor, pauseForUser } from './auth-refused.ts';
import { standingOf, storePage, storeStep } from './store-page.ts';
import { createUnitMemory, type UnitMemory } from './unit-cache.ts';
import { userCode, UserCodeError } from './user-code.ts';
import { askFrom } from './watermark.ts';
import { WAIT_IN_PLACE_MS } from '../call/with-permit.ts';

/** In a workflow task nothing may wait: longer than this and the call is made durably instead. */
const FAST_WAIT_MS = 50;
/** A durable call that waited longer is followed by durable ones. Less is what a busy process needs to ask. */
const LONG_WAIT_MS = 250;
/** A call slower than this should not hold a workflow task, which lasts 10 seconds. A busy process alone is not slow. */
const SLOW_CALL_MS = 2_500;

const TIMEOUTS: ReadonlySet<string> = new Set(['headers-timeout', 'body-timeout', 'total-timeout']);

/**
 * Makes the unit's next call.
 * @param memory what this process remembers of its units; without it each call reads its unit.
 * @throws ApplicationFailure `Waiting` (benign) while its turn has not come and `ThirdPartyFailed` while it may still
 *   succeed, both with the delay to the next attempt; in mode `now` it answers `later` instead.
 */
export async function fetchPage(
  deps: ActivityDeps,
  request: FetchPageInput,
  signal?: AbortSignal,
  memory: UnitMemory = createUnitMemory(),
): Promise<PageFact> {
  const call = (): Promise<PageFact> => fetchNext(deps, memory, request, signal);
  return request.mode === 'now' ? memory.turns.inTurn(request.unit, call) : call();
}

async function fetchNext(
  deps: ActivityDeps,
  memory: UnitMemory,
  request: FetchPageInput,
  signal: AbortSignal | undefined,
): Promise<PageFact> {
  const sync = deps.syncNamed(request.context.sync);
  await memory.stored(request.unit);
  // One call inside a workflow task would be followed by the next in the same worker; a durable one goes to any worker.
  if (request.mode === 'now' && deps.isStopping())
    return request.ahead ? { unit: request.unit, state: 'idle' } : notNow(request, 'this worker is ending', 0);
  try {
    return await nextCall(deps, memory, request, sync, signal);
  } catch (error) {
    if (!(error instanceof UserCodeError)) throw error;
    deps.log.error({ sync: sync.name, node: request.node, unit: request.unit, error: error.cause }, error.message);
    return tryAgain({ deps, request, sync }, error.message, undefined, error.calls);
  }
}

async function nextCall(
  deps: ActivityDeps,
  memory: UnitMemory,
  request: FetchPageInput,
  sync: CompiledSync,
  signal: AbortSignal | undefined,
): Promise<PageFact> {
  const node = sync.nodes.get(request.node);
  if (!node) throw new Error(`This worker's sync "${sync.name}" has no node "${request.node}" any more.`);
  const parent =
    node.parent === null ? null : sync.nodes.get(typeof node.parent === 'string' ? node.parent : node.parent.name);
  const { endpoint, options } = node;
  const remembered = memory.take(request.unit, request.pages);
  // Whoever else has moved the list, or it has ended: that is for the workflow to hear of first.
  if (!remembered && request.ahead) return { unit: request.unit, state: 'idle' };
  const readAt = remembered?.readAt ?? performance.now();
  const unit =
    remembered?.standing ??
    (await loadUnit(deps.pool, request.unit, {
      parentResource: parent?.resource ?? null,
      resource: node.resource,
      endpoint: endpoint.name,
    }));
  if (!unit) throw new Error(`Unknown unit ${request.unit}: its run was deleted.`);
  if (unit.runState === 'paused') return pausedFor(request, unit.pausedReason);
  if (unit.state !== 'running' && unit.state !== 'waiting') return ended(deps, request);
  if (unit.retryInMs > 0) return notNow(request, 'its last call failed, and it waits before the next', unit.retryInMs);
  if (isPastTheEnd(unit)) {
    await endUnit(deps.pool, request.unit, 'complete', '', 0);
    return ended(deps, request);
  }
  const { start, min, max } = endpoint.paginate.pageSize;
  const pageSize = Math.min(max, Math.max(min, unit.pageSize ?? start));
  const since =
    options.incremental && unit.mode === 'incremental' && unit.watermark !== null
      ? askFrom(unit.watermark, options.incremental.lookbackMs)
      : undefined;
  const input = userCode(`\`input\` of node "${node.name}"`, () =>
    endpoint.parseInput(options.input(node.parent === null ? unit.runInput : unit.parentRow, { watermark: since })),
  );
  const range = unit.range ?? endpoint.paginate.range?.whole(input);
  const asked = pageRequest(endpoint.paginate, unit.position, pageSize, range);
  return callOnce({ deps, request, sync, node, unit, input, pageSize, asked, since, readAt, memory }, signal);
}

async function callOnce(attempt: Attempt, signal: AbortSignal | undefined): Promise<PageFact> {
  const { deps, request, sync, node, unit, input, asked } = attempt;
  const { endpoint } = node;
  const { provider } = sync;
  const { context, mode } = request;
  const call = await makeCall(deps, {
    provider,
    account: context.account,
    callKey: `unit/${request.unit}`,
    endpoint: endpoint.name,
    charges: userCode(`a limit of provider "${provider.id}"`, () =>
      endpoint.charges({
        account: context.account,
        tenant: unit.tenant ?? context.account,
        ip: deps.egress,
        input,
        pageSize: asked.size,
      }),
    ),
    weight: context.weight,
    priority: context.priority,
    maxWaitMs: mode === 'now' ? FAST_WAIT_MS : WAIT_IN_PLACE_MS,
    spec:
      asked.url === undefined
        ? userCode(`\`request\` of endpoint "${endpoint.name}"`, () => endpoint.request(input, asked))
        : {
            method: 'GET',
            path: withSize(asked.url, endpoint.paginate.sizeParam, asked.size),
          },
    decide: endpoint.decide,
    totalMs: endpoint.totalTimeoutMs,
    ...(signal ? { signal } : {}),
  });
  if (!call.sent) return call.needsReconnect ? pauseForUser(attempt) : notNow(request, call.because, call.retryAfterMs);
  const hadToWait = mode === 'durable' && call.waitedMs > LONG_WAIT_MS;
  const wantsDurable = hadToWait || call.value.answer.elapsedMs > SLOW_CALL_MS;
  // An outage must cost nobody attempts, but a page that always fails must not be what finds out whether it is over, for ever.
  const isProbe = call.isProbe === true && !isMaybeItsOwn(call.value.answer);
  return settle(isProbe ? { ...attempt, isProbe } : attempt, call.value, wantsDurable);
}

/** What the outcome means for the unit. The union is closed: a new outcome does not compile until it is handled here. */
async function settle(attempt: Attempt, made: MadeCall, wantsDurable: boolean): Promise<PageFact> {
  const { outcome, answer } = made;
  const { request, node } = attempt;
  const { paginate } = node.endpoint;
  switch (outcome.kind) {
    case 'ok':
      return storePage(attempt, answer, wantsDurable);
    case 'limited':
      await countAttempt(attempt.deps.pool, request.unit, false);
      // The key is blocked for everybody now; the limiter says at the next attempt until when.
      return notNow(request, outcome.reason, outcome.afterMs ?? 1_000);
    case 'retry':
      // Interrupted by our own side: the worker ended or the run was cancelled. Nobody's fault, so no attempt.
      if (answer.error?.code === 'cancelled') {
        await countAttempt(attempt.deps.pool, request.unit, false);
        return notNow(request, 'the call was interrupted because its worker ended', 0);
      }
      // A page that took too long may be too large, though not again and again: then it is an outage.
      if (answer.error && TIMEOUTS.has(answer.error.code) && !attempt.isProbe && attempt.unit.attempts < 3)
        await shrink(attempt);
      return tryAgain(attempt, outcome.reason, outcome.afterMs);
    case 'unknown-write':
      return tryAgain(attempt, outcome.reason, undefined);
    case 'refresh-auth':
      return goOnWith(made.renewed, attempt, outcome.reason);
    case 'shrink-page':
      if (!(await shrink(attempt)))
        return finish(attempt, 'failed', `${outcome.reason} (already at the smallest page, ${attempt.asked.size})`, 1);
      await countAttempt(attempt.deps.pool, request.unit, false);
      return { unit: request.unit, state: 'more', ...(wantsDurable ? { wantsDurable } : {}) };
    case 'end-of-data': {
      const nothing = { response: undefined, headers: {}, itemCount: 0, keys: [], isEnd: true };
      return storeStep(attempt, advance(paginate, standingOf(attempt), nothing), wantsDurable);
    }
    case 'skip':
      return finish(attempt, 'skipped', outcome.reason, 1);
    case 'permanent': {
      const atCap =
        outcome.cause === 'bug' || outcome.cause === 'gone'
          ? refusedAtCap(paginate, standingOf(attempt), outcome.reason)
          : undefined;
      if (atCap) return storeStep(attempt, atCap, wantsDurable);
      return finish(attempt, endOfPermanent(attempt, outcome.cause), outcome.reason, 1);
    }
  }
}

/** Asks for half as much from now on, at this very position too. @returns false when it can't be less. */
async function shrink(attempt: Attempt): Promise<boolean> {
  const { deps, node, unit, asked } = attempt;
  const { paginate } = node.endpoint;
  const { pageSize, kind } = paginate;
  const half = Math.max(pageSize.min, Math.floor(asked.size / 2));
  const next = pageRequest(paginate, unit.position, half, asked.range);
  const isFixed = kind === 'single' || (asked.url !== undefined && paginate.sizeParam === undefined);
  if (isFixed || next.size >= asked.size) return false;
  await shrinkPageSize(deps.pool, pageSizeKey(attempt), asked.size, half);
  return true;
}

/** A lane whose position lies past the end that another lane has found meanwhile. */
function isPastTheEnd(unit: LoadedUnit): boolean {
  return unit.isLaned && unit.endPosition !== null && (unit.position?.index ?? 0) >= unit.endPosition;
}
