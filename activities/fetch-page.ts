/**
 * One page of one list: exactly one third-party call. Permit, call, outcome, then rows, child units and next position in
 * one transaction. It is a step of the unit's own row, so running it twice stores the same rows and at worst repeats one
 * call. Next stop: `limiter/acquire.ts`, then `http/send.ts`, then `db/unit-store.ts`.
 */
import type { Answer } from '../contracts/answer.ts';
import type { FetchPageInput, PageFact } from '../contracts/messages.ts';
import type { Outcome } from '../contracts/outcome.ts';
import { inTransaction } from '../db/pool.ts';
import {
  commitPage,
  countAttempt,
  endUnit,
  loadUnit,
  nodesToWake,
  setPageSize,
  type LoadedUnit,
} from '../db/unit-store.ts';
import type { Permit } from '../limiter/index.ts';
import type { CompiledSync, NodeDefinition } from '../providers/define-sync.ts';
import type { ActivityDeps } from './deps.ts';
import { buildRequest } from './http/build-request.ts';
import { parseBody } from './http/parse-body.ts';
import { toObservation } from './http/to-observation.ts';
import { advance, pageRequest } from './paginate/advance.ts';
import { STALLED_PAGES_LIMIT } from './paginate/loop-guard.ts';
import { backoffMs, retryLater, waitingFor } from './to-failure.ts';

/** In a workflow task nothing may wait: longer than this and the call is made durably instead. */
const FAST_WAIT_MS = 50;
const DURABLE_WAIT_MS = 1_000;
/** A call slower than this should not hold a workflow task. */
const SLOW_CALL_MS = 1_000;

/** Everything that one attempt works with. */
interface Attempt {
  readonly deps: ActivityDeps;
  readonly request: FetchPageInput;
  readonly sync: CompiledSync;
  readonly node: NodeDefinition;
  readonly unit: LoadedUnit;
  readonly pageSize: number;
}

/**
 * Makes the unit's next call.
 * @throws ApplicationFailure `Waiting` (benign) while its turn has not come and `ThirdPartyFailed` while it may still
 *   succeed, both with the delay to the next attempt; in mode `now` it answers `later` instead.
 */
export async function fetchPage(deps: ActivityDeps, request: FetchPageInput, signal?: AbortSignal): Promise<PageFact> {
  const sync = deps.syncNamed(request.context.sync);
  const node = sync.nodes.get(request.node);
  if (!node) throw new Error(`This worker's sync "${sync.name}" has no node "${request.node}" any more.`);
  const parent =
    node.parent === null ? null : sync.nodes.get(typeof node.parent === 'string' ? node.parent : node.parent.name);
  const unit = await loadUnit(deps.pool, request.unit, parent?.resource ?? null);
  if (!unit) throw new Error(`Unknown unit ${request.unit}: its run was deleted.`);
  if (unit.runState === 'paused') return { unit: request.unit, state: 'paused' };
  if (unit.state !== 'running' && unit.state !== 'waiting') return ended(deps, request);
  if (isPastTheEnd(unit)) {
    await endUnit(deps.pool, request.unit, 'complete', '', 0);
    return ended(deps, request);
  }
  const { start, min, max } = node.endpoint.paginate.pageSize;
  const pageSize = Math.min(max, Math.max(min, unit.pageSize ?? start));
  return callOnce({ deps, request, sync, node, unit, pageSize }, signal);
}

async function callOnce(attempt: Attempt, signal: AbortSignal | undefined): Promise<PageFact> {
  const { deps, request, sync, node, unit, pageSize } = attempt;
  const { endpoint, options } = node;
  const { provider } = sync;
  const { context, mode } = request;
  const input = endpoint.parseInput(
    options.input(node.parent === null ? unit.runInput : unit.parentRow, { watermark: undefined }),
  );
  const page = pageRequest(endpoint.paginate, unit.position, pageSize);
  const credentials = await deps.credentials.get(provider.id, context.account);
  const spec = page.url === undefined ? endpoint.request(input, page) : ({ method: 'GET', path: page.url } as const);
  const outgoing = buildRequest(spec, provider.baseUrl(), provider.auth.apply(credentials), provider.headers);

  const acquired = await deps.limiter.acquire({
    callKey: `unit/${request.unit}`,
    charges: endpoint.charges({
      account: context.account,
      tenant: unit.tenant ?? context.account,
      ip: deps.egress,
      input,
      pageSize,
    }),
    account: context.account,
    weight: context.weight,
    priority: context.priority,
    maxWaitMs: mode === 'now' ? FAST_WAIT_MS : DURABLE_WAIT_MS,
    ...(signal ? { signal } : {}),
  });
  if (!acquired.granted) return notNow(request, acquired.wait.detail, acquired.retryAfterMs);

  const answer = await deps.http.send(
    outgoing,
    { ...provider.timeouts, totalMs: endpoint.totalTimeoutMs, maxBodyBytes: provider.maxBodyBytes },
    signal,
  );
  const outcome = endpoint.decide(answer);
  await deps.limiter.report(acquired.permit, toObservation(outcome, answer));
  const wantsDurable = acquired.waitedMs > FAST_WAIT_MS || answer.elapsedMs > SLOW_CALL_MS;
  return settle(attempt, outcome, answer, acquired.permit, wantsDurable);
}

/** What the outcome means for the unit. The union is closed: a new outcome does not compile until it is handled here. */
async function settle(
  attempt: Attempt,
  outcome: Outcome,
  answer: Answer,
  permit: Permit,
  wantsDurable: boolean,
): Promise<PageFact> {
  const { request, pageSize, node } = attempt;
  switch (outcome.kind) {
    case 'ok':
      return storePage(attempt, answer, wantsDurable);
    case 'limited':
      await countAttempt(attempt.deps.pool, request.unit, false);
      // The key is closed for everybody now; the limiter says at the next attempt when it opens.
      return notNow(request, outcome.reason, outcome.afterMs ?? 1_000);
    case 'retry':
    case 'unknown-write':
      return tryAgain(attempt, outcome.reason, outcome.kind === 'retry' ? outcome.afterMs : undefined);
    case 'refresh-auth':
      return tryAgain(attempt, outcome.reason, undefined);
    case 'shrink-page': {
      const smaller = Math.max(node.endpoint.paginate.pageSize.min, Math.floor(pageSize / 2));
      if (smaller >= pageSize)
        return finish(attempt, 'failed', `${outcome.reason} (already at the smallest page, ${pageSize})`, 1);
      await setPageSize(attempt.deps.pool, request.unit, smaller);
      return tryAgain(attempt, outcome.reason, 0);
    }
    case 'end-of-data':
      return finish(attempt, 'complete', outcome.reason, 1);
    case 'skip':
      return finish(attempt, 'skipped', outcome.reason, 1);
    case 'permanent':
      return finish(attempt, endOfPermanent(attempt, outcome.cause), outcome.reason, 1);
  }
}

async function storePage(attempt: Attempt, answer: Answer, wantsDurable: boolean): Promise<PageFact> {
  const { deps, request, sync, node, unit, pageSize } = attempt;
  const { endpoint, options } = node;
  const body = parseBody(endpoint, answer);
  if (!body.ok) return tryAgain(attempt, body.reason, undefined);
  const items = endpoint.paginate.items(body.value);
  const keys = items.map((item) => String(options.key(item, unit.parentRow)));
  const rows = options.map ? items.map((item) => options.map?.(item, unit.parentRow)) : items;
  const standing = { ...unit, pageSize };
  const next = advance(endpoint.paginate, standing, {
    response: body.value,
    headers: answer.headers,
    itemCount: items.length,
    keys,
  });
  const page = {
    ...next,
    unit: request.unit,
    pages: unit.pages,
    account: request.context.account,
    resource: node.resource,
    records: keys.map((key, index) => [key, rows[index]] as const),
    children: childUnits(sync, node, keys, rows),
    calls: 1,
    laned: unit.isLaned,
    stalledLimit: STALLED_PAGES_LIMIT,
  };
  const store = options.store;
  const committed = store
    ? await inTransaction(deps.pool, async (tx) => {
        const done = await commitPage(tx, page);
        if (!done.stale)
          await store({ query: (text, values) => tx.query(text, values && [...values]) }, rows, {
            account: request.context.account,
          });
        return done;
      })
    : await commitPage(deps.pool, page);
  // Somebody else stored this very page: whoever that was goes on with the unit, and so does the next attempt.
  if (committed.stale) return { unit: request.unit, state: 'more', wantsDurable };
  await wakeNodes(deps, request, committed.wake);
  const lanes = committed.lanes > 0 ? { lanes: committed.lanes } : {};
  return {
    unit: request.unit,
    state: committed.ended ? 'ended' : 'more',
    ...lanes,
    ...(wantsDurable ? { wantsDurable } : {}),
  };
}

/** The units that these rows bring: one for each child node and parent, or for each value that the child visits once. */
function childUnits(sync: CompiledSync, node: NodeDefinition, keys: readonly string[], rows: readonly unknown[]) {
  return sync.childrenOf(node.name).flatMap((child) =>
    rows.flatMap((row, index) => {
      const key = keys[index] as string;
      if (child.options.when && !child.options.when(row)) return [];
      return [[child.name, String(child.options.uniqueBy?.(row) ?? key), key] as const];
    }),
  );
}

/** A failure that may pass: counted, and given up only when the provider's budget of real attempts is spent. */
async function tryAgain(attempt: Attempt, reason: string, afterMs: number | undefined): Promise<PageFact> {
  const { deps, request, sync } = attempt;
  const attempts = await countAttempt(deps.pool, request.unit, true);
  if (attempts >= sync.provider.maxAttempts) return finish(attempt, 'failed', `${reason} (${attempts} attempts)`, 0);
  const delayMs = afterMs ?? backoffMs(attempts);
  if (request.mode === 'now')
    return { unit: request.unit, state: 'later', because: reason, untilMs: Date.now() + delayMs };
  throw retryLater(reason, delayMs);
}

function notNow(request: FetchPageInput, reason: string, delayMs: number): PageFact {
  if (request.mode === 'now')
    return { unit: request.unit, state: 'later', because: reason, untilMs: Date.now() + delayMs };
  throw waitingFor(reason, delayMs);
}

async function finish(
  attempt: Attempt,
  kind: 'complete' | 'skipped' | 'failed',
  reason: string,
  calls: number,
): Promise<PageFact> {
  await endUnit(attempt.deps.pool, attempt.request.unit, kind, reason, calls);
  return ended(attempt.deps, attempt.request);
}

async function ended(deps: ActivityDeps, request: FetchPageInput): Promise<PageFact> {
  await wakeNodes(deps, request, await nodesToWake(deps.pool, request.runId, request.node));
  return { unit: request.unit, state: 'ended' };
}

async function wakeNodes(deps: ActivityDeps, request: FetchPageInput, nodes: readonly string[]): Promise<void> {
  await Promise.all(nodes.map((node) => deps.wake(request.context.workflowId, node)));
}

function endOfPermanent({ sync, node }: Attempt, cause: string): 'skipped' | 'failed' {
  const policy = sync.plan.nodes.find(({ name }) => name === node.name)?.onChildError;
  if (cause === 'gone') return policy?.notFound === 'skip' ? 'skipped' : 'failed';
  if (cause === 'auth') return policy?.forbidden === 'skip' ? 'skipped' : 'failed';
  return 'failed';
}

/** A lane whose position lies past the end that another lane has found meanwhile. */
function isPastTheEnd(unit: LoadedUnit): boolean {
  return unit.isLaned && unit.endPosition !== null && (unit.position?.index ?? 0) >= unit.endPosition;
}
