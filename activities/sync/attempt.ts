/**
 * What one attempt at a page works with, and the ways in which it ends without one: again later, not now, or the end of
 * its unit. Next stop: `activities/call/to-failure.ts` makes waiting out of it.
 */
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import type { PageSizeKey } from '../../db/stores/sync/page-size-store.ts';
import { countAttempt, endUnit, nodesToWake, putOffUnit, type LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { CompiledSync, NodeDefinition } from '../../providers/define/define-sync.ts';
import type { PageRequest } from '../../providers/pagination/pagination.ts';
import type { ActivityDeps } from '../deps.ts';
import { backoffMs, retryLater, waitingFor } from '../call/to-failure.ts';
import type { UnitMemory } from './unit-cache.ts';

/** Everything that one attempt works with. */
export interface Attempt {
  readonly deps: ActivityDeps;
  readonly request: FetchPageInput;
  readonly sync: CompiledSync;
  readonly node: NodeDefinition;
  readonly unit: LoadedUnit;
  /** The endpoint's input, for this unit's parent. */
  readonly input: unknown;
  /** Items that a page may have at the moment; what is asked for may be less. */
  readonly pageSize: number;
  readonly asked: PageRequest;
  /** Watermark that the list is asked from. */
  readonly since: string | undefined;
  /** When `unit` was read from the database, `performance.now()`. */
  readonly readAt: number;
  readonly memory: UnitMemory;
  /** Its call was to find out whether a failing provider is back: an outage of hours costs no attempts. */
  readonly isProbe?: boolean;
}

/** Where the page size that works is kept. */
export function pageSizeKey({ request, node }: Attempt): PageSizeKey {
  return { provider: request.context.provider, endpoint: node.endpoint.name, account: request.context.account };
}

/** A failure that may pass: counted, and given up only when the provider's budget of real attempts is spent. */
export async function tryAgain(
  attempt: Pick<Attempt, 'deps' | 'request' | 'sync' | 'isProbe'>,
  reason: string,
  afterMs: number | undefined,
  calls = 1,
): Promise<PageFact> {
  const { deps, request, sync } = attempt;
  const attempts = await countAttempt(deps.pool, request.unit, attempt.isProbe !== true, calls);
  if (attempts >= sync.provider.maxAttempts) return finish(attempt, 'failed', `${reason} (${attempts} attempts)`, 0);
  // The limiter says when the next probe is.
  const delayMs = afterMs ?? backoffMs(attempt.isProbe ? 0 : attempts);
  await putOffUnit(deps.pool, request.unit, delayMs);
  if (request.mode === 'now') return later(request, reason, delayMs);
  throw retryLater(reason, delayMs);
}

function later({ unit }: FetchPageInput, because: string, delayMs: number): PageFact {
  const atMs = Date.now();
  return { unit, state: 'later', because, untilMs: atMs + delayMs, atMs };
}

export function notNow(request: FetchPageInput, reason: string, delayMs: number): PageFact {
  if (request.mode === 'now') return later(request, reason, delayMs);
  throw waitingFor(reason, delayMs);
}

export async function finish(
  attempt: Pick<Attempt, 'deps' | 'request'>,
  kind: 'complete' | 'skipped' | 'failed',
  reason: string,
  calls: number,
): Promise<PageFact> {
  await endUnit(attempt.deps.pool, attempt.request.unit, kind, reason, calls);
  return ended(attempt.deps, attempt.request);
}

export async function ended(deps: ActivityDeps, request: FetchPageInput): Promise<PageFact> {
  await wakeNodes(deps, request, await nodesToWake(deps.pool, request.runId, request.node));
  return { unit: request.unit, state: 'ended' };
}

export async function wakeNodes(deps: ActivityDeps, request: FetchPageInput, nodes: readonly string[]): Promise<void> {
  await Promise.all(nodes.map((node) => deps.wake(request.context.workflowId, node)));
}

export function endOfPermanent({ sync, node }: Attempt, cause: string): 'skipped' | 'failed' {
  const policy = sync.plan.nodes.find(({ name }) => name === node.name)?.onChildError;
  if (cause === 'gone') return policy?.notFound === 'skip' ? 'skipped' : 'failed';
  if (cause === 'auth') return policy?.forbidden === 'skip' ? 'skipped' : 'failed';
  return 'failed';
}
