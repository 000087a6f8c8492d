/**
 * One page of one list: exactly one third-party call. Permit, call, outcome, then rows, child units and next position in
 * one transaction. It is a step of the unit's own row, so running it twice stores the same rows and at worst repeats one
 * call. Next: `activities/call/make-call.ts`, then `settle-answer.ts`.
 */
import { SettingsMistake, type AccountFacts } from '../../contracts/account.ts';
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import { loadUnit, type LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import { redact } from '../../contracts/secrets/redact.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import type { PageRequest } from '../../providers/pagination/options.ts';
import type { BodyHold } from '../http/body-budget.ts';
import { accountFacts } from '../call/account-facts.ts';
import { isInfrastructure } from '../call/infrastructure.ts';
import { makeCall } from '../call/make-call.ts';
import { WAIT_IN_PLACE_MS } from '../call/with-permit.ts';
import type { ActivityDeps } from '../deps.ts';
import { isMaybeItsOwn } from '../http/to-observation.ts';
import { again, applyDecision, end, ended, notNow, paused } from './apply-decision.ts';
import type { Asked, Attempt } from './attempt.ts';
import { settle } from './settle-answer.ts';
import { checkpointFor, conditionsFor } from './kept-state.ts';
import { createUnitMemory, type UnitMemory } from './unit-cache.ts';
import { userCode, UserCodeError } from './user-code.ts';
import { askFrom } from '../page/watermark.ts';

/** In a workflow task nothing may wait: longer than this and the call is made durably instead. */
const FAST_WAIT_MS = 50;
/** A durable call that waited longer is followed by durable ones. Less is what a busy process needs to ask. */
const LONG_WAIT_MS = 250;
/** A call slower than this should not hold a workflow task, which lasts some seconds. A busy process alone is not slow. */
const SLOW_CALL_MS = 2_500;
/** A call that has waited so long in this worker for its turn is made durably: its workflow task must end in time. */
const LONGEST_QUEUE_MS = 2_000;

/**
 * Makes the unit's next call.
 * @param memory what this process remembers of its units; without it each call reads its unit.
 * @param askedAtMs when the workflow asked for it, epoch milliseconds.
 * @throws ApplicationFailure `Waiting` (benign) while its turn has not come and `ThirdPartyFailed` while it may still
 *   succeed, both with the delay to the next attempt; in mode `now` it answers `later` instead. Errors of the database and
 *   of the limiter's store pass: the retry policy waits until they are back.
 */
export async function fetchPage(
  deps: ActivityDeps,
  request: FetchPageInput,
  signal?: AbortSignal,
  memory: UnitMemory = createUnitMemory(),
  askedAtMs = Date.now(),
): Promise<PageFact> {
  const sync = deps.syncNamed(request.context.sync);
  const asked: Asked = { deps, request, sync, memory };
  const call = (): Promise<PageFact> => fetchNext(asked, signal, askedAtMs);
  return request.mode === 'now' ? memory.turns.inTurn(request.unit, call) : call();
}

async function fetchNext(asked: Asked, signal: AbortSignal | undefined, askedAtMs: number): Promise<PageFact> {
  const { deps, request, memory } = asked;
  await memory.stored(request.unit);
  // One call inside a workflow task would be followed by the next in the same worker; a durable one goes to any worker.
  if (request.mode === 'now') {
    const isBusy = Date.now() - askedAtMs > LONGEST_QUEUE_MS;
    const why = deps.isStopping() ? 'this worker is ending' : isBusy ? 'this worker is busy' : undefined;
    if (why) return request.ahead ? { unit: request.unit, state: 'idle' } : notNow(asked, why, 0);
  }
  const node = nodeNamed(asked);
  const remembered = memory.take(request.unit, request.pages);
  // Whoever else has moved the list, or it has ended: that is for the workflow to hear of first.
  if (!remembered && request.ahead) return { unit: request.unit, state: 'idle' };
  const readAt = remembered?.readAt ?? performance.now();
  const unit = remembered?.standing ?? (await load(asked, node));
  if (!unit) return { unit: request.unit, state: 'over' };
  if (unit.runState === 'paused') return paused(asked, unit.pausedReason);
  if (unit.runState !== 'running') return { unit: request.unit, state: 'over' };
  if (unit.state !== 'running' && unit.state !== 'waiting') return ended(asked);
  if (unit.retryInMs > 0) return notNow(asked, backoffText(unit), unit.retryInMs);
  if (isPastTheEnd(unit)) return end(asked, unit.pages, 'complete', '', 0);
  const calls = { made: 0 as 0 | 1 };
  try {
    return await callOnce(attemptAt(asked, node, unit, readAt), signal, calls);
  } catch (error) {
    return afterError(asked, unit, error, calls.made);
  }
}

function nodeNamed({ request, sync }: Asked): NodeDefinition {
  const node = sync.nodes.get(request.node);
  if (!node) throw new Error(`This worker's sync "${sync.name}" has no node "${request.node}" any more.`);
  return node;
}

function load({ deps, request, sync }: Asked, node: NodeDefinition): Promise<LoadedUnit | undefined> {
  return loadUnit(
    deps.pool,
    { unit: request.unit, run: request.runId, node: request.node },
    {
      parentResource: sync.parentOf(node.name)?.resource ?? null,
      resource: node.resource,
      endpoint: node.endpoint.name,
    },
  );
}

function attemptAt(asked: Asked, node: NodeDefinition, unit: LoadedUnit, readAt: number): Attempt {
  const { endpoint, options } = node;
  const { start, min, max } = endpoint.paginate.pageSize;
  const { account } = asked.request.context;
  const of = accountFacts(asked.sync.provider, { account, tenant: unit.tenant, settings: unit.settings });
  const pageSize = Math.min(max, Math.max(min, unit.pageSize ?? start));
  const since = unit.isBegun ? (unit.since ?? undefined) : firstSince(node, unit);
  const input = userCode(`\`input\` of node "${node.name}"`, () =>
    endpoint.parseInput(
      options.input(node.parent === null ? unit.runInput : unit.parentRow, {
        watermark: options.incremental === 'checkpoint' ? undefined : since,
        checkpoint: options.incremental === 'checkpoint' ? since : undefined,
        runInput: unit.runInput,
      }),
    ),
  );
  const range =
    unit.range ?? userCode(`\`range\` of endpoint "${endpoint.name}"`, () => endpoint.paginate.range?.whole(input));
  const page = endpoint.paginate.request(unit.position, pageSize, range);
  return {
    ...asked,
    node,
    unit,
    of,
    input,
    pageSize,
    asked: page,
    isSizable: isSizable(endpoint, input, page, of),
    hasMoved: asked.request.pages !== undefined && asked.request.pages !== unit.pages,
    since,
    readAt,
  };
}

/** What a list is asked from at its first page. */
function firstSince({ options: { incremental } }: NodeDefinition, unit: LoadedUnit): string | undefined {
  const { mode, watermark } = unit;
  if (incremental === 'checkpoint') return checkpointFor(unit);
  return incremental && mode === 'incremental' && watermark !== null ? askFrom(watermark, incremental) : undefined;
}

/** Page numbers can be cut in another way only where the request asks for the size that it is given. */
function isSizable(endpoint: Endpoint, input: unknown, page: PageRequest, of: AccountFacts): boolean {
  if (endpoint.paginate.kind !== 'page') return false;
  return userCode(`\`request\` of endpoint "${endpoint.name}"`, () => {
    const [some, others] = [2, 3].map((size) => JSON.stringify(endpoint.request(input, { ...page, size }, of)));
    return some !== others;
  });
}

/** The body's memory is taken until its page is stored. */
async function callOnce(attempt: Attempt, signal: AbortSignal | undefined, calls: { made: 0 | 1 }): Promise<PageFact> {
  const hold = attempt.deps.http.bodies.hold();
  try {
    return await callWith(attempt, signal, hold, calls);
  } finally {
    hold.release();
  }
}

async function callWith(
  attempt: Attempt,
  signal: AbortSignal | undefined,
  hold: BodyHold,
  calls: { made: 0 | 1 },
): Promise<PageFact> {
  const { deps, request, sync, node, unit, of, input, asked } = attempt;
  const { endpoint } = node;
  const { provider } = sync;
  const { context, mode } = request;
  const stated: RequestSpec =
    asked.url === undefined
      ? userCode(`\`request\` of endpoint "${endpoint.name}"`, () => endpoint.request(input, asked, of))
      : { method: 'GET', path: asked.url };
  const conditions = conditionsFor(endpoint, unit);
  const isConditional = Object.keys(conditions).length > 0;
  const spec = isConditional ? { ...stated, headers: { ...stated.headers, ...conditions } } : stated;
  const call = await makeCall(deps, {
    provider,
    ...of,
    callKey: `unit/${request.unit}`,
    endpoint: endpoint.name,
    charges: userCode(`a limit of provider "${provider.id}"`, () =>
      endpoint.charges({ ...of, ip: deps.egress, input, pageSize: asked.size }),
    ),
    weight: context.weight,
    priority: context.priority,
    maxWaitMs: mode === 'now' ? FAST_WAIT_MS : WAIT_IN_PLACE_MS,
    spec,
    hold,
    decide: endpoint.decide,
    totalMs: endpoint.totalTimeoutMs,
    ...(signal ? { signal } : {}),
  });
  if (!call.sent) {
    if (call.mistake !== undefined) return end(attempt, unit.pages, 'failed', call.mistake, 0);
    if (call.needsReconnect) return applyDecision(attempt, { do: 'pause' }, 0);
    return notNow(attempt, call.because, call.retryAfterMs);
  }
  calls.made = 1;
  const hadToWait = mode === 'durable' && call.waitedMs > LONG_WAIT_MS;
  const wantsDurable = hadToWait || call.value.answer.elapsedMs > SLOW_CALL_MS;
  // An outage must cost nobody attempts, but a page that always fails must not be what finds out whether it is over, for ever.
  const isProbe = call.isProbe === true && !isMaybeItsOwn(call.value.answer);
  return settle(
    attempt,
    call.value,
    { isProbe, asksForChanges: isConditional || (attempt.since !== undefined && hasConditions(spec)) },
    wantsDurable,
  );
}

/** Its answer may be that nothing has changed (RFC 9110 §13.1). */
function hasConditions({ headers }: RequestSpec): boolean {
  return Object.keys(headers ?? {}).some((name) => /^if-(none-match|modified-since)$/i.test(name));
}

/**
 * The user's functions, or ours, have thrown: that costs a real attempt and, when the budget is spent, fails the list with the
 * reason. Nothing is repeated for ever because of it.
 */
function afterError(asked: Asked, unit: LoadedUnit, error: unknown, calls: 0 | 1): Promise<PageFact> {
  if (isInfrastructure(error)) throw error;
  // No retry mends it, and nothing was called.
  if (error instanceof SettingsMistake) return end(asked, unit.pages, 'failed', error.message, calls);
  const { deps, request, sync } = asked;
  const message = redact((error instanceof UserCodeError ? error : unexpected(error)).message);
  const cause = error instanceof UserCodeError ? error.cause : error;
  deps.log.error({ sync: sync.name, node: request.node, unit: request.unit, error: cause }, message);
  return again(asked, unit.pages, unit.attempts, { do: 'again', costs: 'attempt', reason: message }, calls);
}

function unexpected(error: unknown): { message: string } {
  const { name, message } = error instanceof Error ? error : { name: 'value', message: String(error) };
  return { message: `an unexpected ${name}: ${message}` };
}

function backoffText({ error, attempts }: LoadedUnit): string {
  const what = error ?? 'its last call failed';
  return `${what}; the next call follows after a wait (${attempts} attempt${attempts === 1 ? '' : 's'} so far)`;
}

/** A lane whose position lies past the end that another lane has found meanwhile. */
function isPastTheEnd(unit: LoadedUnit): boolean {
  return unit.isLaned && unit.endPosition !== null && (unit.position?.index ?? 0) >= unit.endPosition;
}
