/**
 * One page of one list: exactly one third-party call. Permit, call, outcome, then rows, child units and next position in
 * one transaction. It is a step of the unit's own row, so running it twice stores the same rows and at worst repeats one
 * call. Next: `make-attempt.ts`, `call-once.ts`; `activities/batch/fetch-batch.ts` for several lists.
 */
import type { Range } from '../../contracts/list.ts';
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import type { ActivityDeps } from '../deps.ts';
import { end, ended, notNow, paused } from './apply-decision.ts';
import { stateOf, type Asked, type Attempt } from './attempt.ts';
import type { JobTold } from '../../contracts/job.ts';
import { makeAnew } from '../job/move-job.ts';
import { prepareJob } from '../job/prepare-job.ts';
import { afterLostAnswer, isPlaceKept } from '../../providers/pagination/dead-cursor.ts';
import { COMPLETE, step } from '../../providers/pagination/step.ts';
import { storeStep } from '../page/store-page.ts';
import { createUnitMemory, type UnitMemory } from './unit-cache.ts';
import { userCode, UserCodeError } from './user-code.ts';
import { inPlace, NO_PLACE } from '../call/call-places.ts';
import { FULL, noRoom } from '../call/to-failure.ts';
import { afterError, backoffText } from './after-error.ts';
import { nestedPage } from '../batch/nested-page.ts';
import { settle } from './settle-answer.ts';
import { lackOf, leaveToOthers } from './other-build.ts';
import { callOnce } from './call-once.ts';
import { fetchBatch } from '../batch/fetch-batch.ts';
import { attemptAt, loadList } from './make-attempt.ts';

/** A call that has waited so long in this worker for its turn is made durably: its workflow task must end in time. */
const LONGEST_QUEUE_MS = 2_000;
/** None waits longer: its workflow task has ended. So the clock was set meanwhile. */
const CLOCK_STEP_MS = 60_000;

/**
 * Makes the unit's next call.
 * @param memory what this process remembers of its units; without it each call reads its unit.
 * @param askedAtMs when the workflow asked for it, epoch milliseconds.
 * @throws ApplicationFailure `Waiting` (benign) while its turn has not come, and `ThirdPartyFailed` while it may still
 *   succeed. Both have the delay to the next attempt. In mode `now` it answers `later` instead. Errors of the database
 *   and of the limiter's store pass: the retry policy waits until they are back.
 */
export async function fetchPage(
  deps: ActivityDeps,
  request: FetchPageInput,
  signal?: AbortSignal,
  memory: UnitMemory = createUnitMemory(),
  askedAtMs = Date.now(),
): Promise<PageFact> {
  const lack = lackOf(deps, request.context.sync, request.context.tree);
  if (lack !== undefined) return leaveToOthers(deps, request, lack);
  const sync = deps.syncNamed(request.context.sync);
  const asked: Asked = { deps, request, sync, memory };
  const call = (): Promise<PageFact> => fetchNext(asked, signal, askedAtMs);
  const { priority } = request.context;
  if (request.mode === 'now') return memory.turns.inTurn(request.unit, priority, call);
  const fact = await inPlace(deps, priority, call);
  if (!fact) throw noRoom(NO_PLACE);
  return fact;
}

async function fetchNext(asked: Asked, signal: AbortSignal | undefined, askedAtMs: number): Promise<PageFact> {
  const { deps, request, memory } = asked;
  await memory.stored(request.unit);
  // One call inside a workflow task would be followed by the next in the same worker; a durable one goes to any worker.
  if (request.mode === 'now') {
    const why = whyNotNow(deps, askedAtMs);
    if (why) return request.ahead ? { unit: request.unit, state: 'idle' } : notNow(asked, why, 0);
  }
  if (request.mode === 'durable' && deps.isFull?.()) throw noRoom(FULL);
  const node = nodeNamed(asked);
  if (node.batch) return fetchBatch(asked, node, node.batch, signal);
  const remembered = memory.take(request.unit, request.pages);
  // Whoever else has moved the list, or it has ended: that is for the workflow to hear of first.
  if (!remembered && request.ahead) return { unit: request.unit, state: 'idle' };
  const readAt = remembered?.readAt ?? performance.now();
  const unit = remembered?.standing ?? (await loadList(asked, node));
  if (!unit) return { unit: request.unit, state: 'over' };
  if (unit.runState === 'paused') return paused(asked, unit.pausedReason);
  if (unit.runState !== 'running') return { unit: request.unit, state: 'over' };
  if (unit.state !== 'running' && unit.state !== 'waiting') return ended(asked);
  if (unit.retryInMs > 0) return notNow(asked, backoffText(unit), unit.retryInMs);
  if (isPastTheEnd(unit)) return end(asked, unit.pages, 'complete', '', 0);
  const calls = { made: 0 as 0 | 1 };
  try {
    return await callForPage(attemptAt(asked, node, unit, readAt), signal, calls);
  } catch (error) {
    return afterError(asked, unit, error, error instanceof UserCodeError && error.calls === 1 ? 1 : calls.made);
  }
}

function cutOf({ node: { endpoint } }: Attempt, range: Range): readonly [Range, Range] | undefined {
  return userCode(`\`range\` of endpoint "${endpoint.name}"`, () => endpoint.paginate.range?.cut?.(range));
}

function whyNotNow(deps: ActivityDeps, askedAtMs: number): string | undefined {
  if (deps.isStopping()) return 'this worker is ending';
  const queuedMs = Date.now() - askedAtMs;
  if (queuedMs > LONGEST_QUEUE_MS && queuedMs < CLOCK_STEP_MS) return 'this worker is busy';
  if (deps.places?.count() === 0) return NO_PLACE.reason;
  return deps.isFull?.() ? FULL.reason : undefined;
}

function nodeNamed({ request, sync }: Asked): NodeDefinition {
  const node = sync.nodes.get(request.node);
  if (!node) throw new Error(`This worker's sync "${sync.name}" has no node "${request.node}" any more.`);
  return node;
}

/** The list itself, or the result of its job when that is there. */
async function callForPage(
  attempt: Attempt,
  signal: AbortSignal | undefined,
  calls: { made: 0 | 1 },
): Promise<PageFact> {
  const { request, node, unit, memory } = attempt;
  const { job, paginate } = node.endpoint;
  const state = stateOf(attempt);
  if (unit.isOut && isPlaceKept(paginate, state)) {
    const lost = afterLostAnswer(paginate, state, 'the worker that had asked for a page was lost');
    return storeStep({ ...attempt, isCounted: true }, lost, false);
  }
  const split = attempt.asked.range && unit.position === null ? cutOf(attempt, attempt.asked.range) : undefined;
  if (split) {
    const end = { kind: 'complete', reason: 'it is wider than one call may ask for' } as const;
    return storeStep({ ...attempt, isCounted: true }, step(state, { end, split }), false);
  }
  const nested = nestedPage(attempt);
  if (nested) return settle({ ...attempt, isCounted: true }, nested, { isProbe: false, asksForChanges: false }, false);
  // It may take minutes, and a workflow task ends before.
  if (node.endpoint.file && request.mode === 'now') return notNow(attempt, 'a file is read by a call of its own', 0);
  if (!job) return callOnce(attempt, signal, calls);
  const known = unit.job?.state === 'done' ? memory.results.get(request.unit, unit.job.id) : undefined;
  const prepared = known ? { results: known, told: unit.job as JobTold } : await prepareJob(attempt, job, signal);
  if ('fact' in prepared) return prepared.fact;
  const { results, told } = prepared;
  if (results.length === 0) {
    const { rows = 0, flaw } = told;
    const isNone = rows === 0 && flaw === undefined;
    const reason = flaw ?? `its job has ${rows} rows, and names no result`;
    const end = isNone ? COMPLETE : ({ kind: 'truncated', reason } as const);
    return storeStep({ ...attempt, isCounted: true }, step(state, { end }), true);
  }
  const result = results[unit.position?.part ?? 0];
  if (!result) return makeAnew(attempt, job, 'it has fewer results than before', 0);
  memory.results.keep(request.unit, result.id, results);
  return callOnce({ ...attempt, job: { result, parts: results.length, told } }, signal, calls);
}

/** A lane whose position lies past the end that another lane has found meanwhile. */
function isPastTheEnd(unit: LoadedUnit): boolean {
  return unit.isLaned && unit.endPosition !== null && (unit.position?.index ?? 0) >= unit.endPosition;
}
