/**
 * Carries out what was decided about a unit: one change of its row, and the fact that its workflow hears. Every change
 * names the run, the node and the page that was seen. One that comes late changes nothing, and the unit's next call
 * reads anew.
 * Used by: `fetch-page.ts`. Next: `db/stores/sync/unit-store.ts`.
 */
import type { PageFact } from '../../contracts/messages.ts';
import { shrinkPageSize, takeBackPageSize } from '../../db/stores/sync/page-size-store.ts';
import { forgetCheckpoint, forgetWatermark, type ListNames } from '../../db/stores/sync/list-store.ts';
import { deferUnit, endUnit } from '../../db/stores/sync/unit-store.ts';
import type { CompiledSync } from '../../providers/define/define-sync.ts';
import { backoffMs } from '../call/backoff.ts';
import { retryLater, waitingFor } from '../call/to-failure.ts';
import { pauseUntilReconnected } from '../credentials/credentials.ts';
import { callsOf, hasMoved, later, pageSizeKey, type Asked, type Attempt } from './attempt.ts';
import { SIZE_DOUBTED_UNTIL, type Decision } from './decide.ts';
import { changeUnit } from './write-down.ts';

/** The same answer that could not be understood, so often in a row, is what the third party answers. */
const SAME_RIDDLES = 2;
/** The first failure of the server halves nothing. */
const MOST_HALVES = SIZE_DOUBTED_UNTIL - 1;

/** @param calls real calls that were made. @throws ApplicationFailure in mode `durable`, for a retry by the server. */
export async function applyDecision(
  attempt: Attempt,
  decision: Exclude<Decision, { do: 'store' | 'step' }>,
  calls: 0 | 1,
): Promise<PageFact> {
  const { deps, request, unit } = attempt;
  switch (decision.do) {
    case 'wait':
      if (calls > 0) await count(attempt, calls, decision.reason);
      return notNow(attempt, decision.reason, decision.afterMs);
    case 'end':
      return end(attempt, unit.pages, decision.kind, decision.reason, calls);
    case 'pause': {
      if (calls > 0) await count(attempt, calls, null);
      const reason = await pauseUntilReconnected(deps, request.runId);
      if (reason === undefined) return notNow(attempt, 'the account has just been connected', 0);
      return paused(attempt, reason);
    }
    case 'start-over':
      return startOver(attempt, decision.reason, calls);
    case 'again': {
      if (decision.halves && !(await halve(attempt)) && decision.halves === 'or-end') {
        const reason = `${decision.reason} (already at the smallest page, ${attempt.asked.size})`;
        return end(attempt, unit.pages, 'failed', reason, calls);
      }
      const fact = await again(attempt, unit.pages, unit.attempts, decision, calls);
      if (fact.state === 'ended' && decision.costs === 'attempt')
        await takeBackHalves(attempt, decision.halves !== undefined);
      return fact;
    }
  }
}

/** A failure that may pass: counted, and given up only when the provider's budget of real attempts is spent. */
export async function again(
  asked: Asked,
  pages: number | undefined,
  attemptsBefore: number,
  decision: Extract<Decision, { do: 'again' }>,
  calls: 0 | 1,
): Promise<PageFact> {
  const { deps, request, sync } = asked;
  const { costs, reason, afterMs, riddle } = decision;
  // The limiter says when the next probe is.
  const backoff = (): number => backoffMs(costs === 'nothing' ? 0 : attemptsBefore + 1);
  const delayMs = afterMs === undefined ? backoff() : afterMs;
  const deferral = { costs, calls, delayMs, why: reason, ...(riddle === undefined ? {} : { riddle }) };
  const deferred = await changeUnit(asked, pages, (fence) => deferUnit(deps.pool, fence, deferral));
  // Another attempt has moved the unit on: its workflow reads where it is.
  if (!deferred) return { unit: request.unit, state: 'more', hasMoved: true };
  const spent = spentBy(sync, deferred.attempts, deferred.isSame);
  if (spent !== undefined) {
    // A refusal of credentials at the end does not hide what went wrong all the time before.
    const { before } = deferred;
    const hidden = costs === 'refusal' && before !== null && before !== reason ? `; before that: ${before}` : '';
    return end(asked, pages, 'failed', `${reason} (${spent}${hidden})`, 0);
  }
  if (delayMs === null) return { unit: request.unit, state: 'more' };
  if (request.mode === 'now') return later(request, reason, delayMs);
  throw retryLater(reason, delayMs);
}

/** The checkpoint is forgotten, so that the list is asked for from its beginning: now, or in the next run where rows have come already. */
async function startOver(attempt: Attempt, reason: string, calls: 0 | 1): Promise<PageFact> {
  const { deps, unit, since = '' } = attempt;
  await forgetCheckpoint(deps.pool, listOf(attempt), since, reason);
  warnOf(
    attempt,
    reason,
    'the third party does not know the checkpoint of a list any more; it is read from its beginning',
  );
  if (unit.pages > 0)
    return end(attempt, unit.pages, 'failed', `its checkpoint has expired while it was read: ${reason}`, calls);
  return fromBeginning(attempt, `its checkpoint has expired, so it is read from its beginning: ${reason}`, calls);
}

/** What it was asked from is forgotten: nothing shows that the third party knows it. */
export async function readAnew(attempt: Attempt, reason: string): Promise<PageFact> {
  if (attempt.node.options.incremental === 'checkpoint') return startOver(attempt, reason, callsOf(attempt));
  await forgetWatermark(attempt.deps.pool, listOf(attempt), reason);
  warnOf(
    attempt,
    reason,
    'a list that was asked for what has changed brings nothing at all; it is read from its beginning',
  );
  return fromBeginning(attempt, `it is read from its beginning: ${reason}`, callsOf(attempt));
}

/** What is known of it from run to run stands under these names. */
function listOf({ request, node, unit }: Attempt): ListNames {
  return { account: request.context.account, resource: node.resource, parentKey: unit.parentKey };
}

function warnOf({ deps, request, sync, node, unit }: Attempt, reason: string, text: string): void {
  const { account } = request.context;
  deps.log.warn({ sync: sync.name, node: node.name, account, parent: unit.parentKey, reason }, text);
}

function fromBeginning(attempt: Attempt, reason: string, calls: 0 | 1): Promise<PageFact> {
  const { pages, attempts } = attempt.unit;
  return again(attempt, pages, attempts, { do: 'again', costs: 'nothing', reason, afterMs: null }, calls);
}

function spentBy({ provider }: CompiledSync, attempts: number, isSame: boolean): string | undefined {
  if (attempts >= provider.maxAttempts) return `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  return isSame && attempts >= SAME_RIDDLES ? `the same answer ${attempts} times` : undefined;
}

export async function end(
  asked: Asked,
  pages: number | undefined,
  kind: 'complete' | 'skipped' | 'failed',
  reason: string,
  calls: number,
): Promise<PageFact> {
  const isEnded = await changeUnit(asked, pages, (fence) => endUnit(asked.deps.pool, fence, kind, reason, calls));
  const { unit } = asked.request;
  if (!isEnded || hasMoved(asked, pages ?? 0)) return ended(asked);
  // A lane that came last may be the one that reads on, or may have split the list.
  return { unit, state: 'ended', children: true, ...(kind === 'complete' ? { lanes: 1 } : {}) };
}

/** Another attempt has brought the unit to its end, or has moved it; a list that is read further is handed out again. */
export function ended({ request }: Asked): PageFact & { readonly state: 'ended' } {
  return { unit: request.unit, state: 'ended', hasMoved: true };
}

export function notNow({ request }: Asked, reason: string, delayMs: number): PageFact {
  if (request.mode === 'now') return later(request, reason, delayMs);
  throw waitingFor(reason, delayMs);
}

/** @param reason why the account must be connected again; null for a run that its operator has paused. */
export function paused({ request }: Asked, reason: string | null): PageFact {
  const { unit, context } = request;
  if (reason === null) return { unit, state: 'paused' };
  const because = `account "${context.account}" must be connected again: ${reason}`;
  return { unit, state: 'paused', because };
}

async function count(attempt: Attempt, calls: number, why: string | null): Promise<void> {
  const { deps, unit } = attempt;
  const deferral = { costs: 'nothing', calls, delayMs: null, why } as const;
  await changeUnit(attempt, unit.pages, (fence) => deferUnit(deps.pool, fence, deferral));
}

/** Asks for half as much from now on, at this very position too. @returns false when it can't be less. */
async function halve(attempt: Attempt): Promise<boolean> {
  const { deps, node, unit, asked } = attempt;
  const { pageSize, isResizable, request } = node.endpoint.paginate;
  const half = Math.max(pageSize.min, Math.floor(asked.size / 2));
  const next = request(unit.position, half, asked.range);
  const isFixed = !isResizable && asked.url !== undefined;
  if (node.endpoint.paginate.kind === 'single' || isFixed || next.size >= asked.size) return false;
  await shrinkPageSize(deps.pool, pageSizeKey(attempt), asked.size, half);
  return true;
}

/**
 * A page that fails in smaller sizes too is no reason to ask for less of other lists. There are as many halves as its
 * attempts have made at most.
 */
async function takeBackHalves(attempt: Attempt, isJustHalved: boolean): Promise<void> {
  const { deps, node, unit, asked } = attempt;
  const { min, max } = node.endpoint.paginate.pageSize;
  const now = isJustHalved ? Math.max(min, Math.floor(asked.size / 2)) : asked.size;
  const halves = Math.min(unit.attempts, MOST_HALVES);
  const before = Math.min(max, (now + 1) * 2 ** halves - 1);
  if (halves > 0 && before > now) await takeBackPageSize(deps.pool, pageSizeKey(attempt), now, before);
}
