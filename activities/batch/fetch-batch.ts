/**
 * One call for the lists of several parents. Used by: `activities/sync/fetch-page.ts`. Next: `activities/sync/call-once.ts`, `settle-batch.ts`.
 */
import type { PageFact } from '../../contracts/messages.ts';
import { loadUnits } from '../../db/stores/sync/unit-store.ts';
import type { NodeDefinition } from '../../providers/define/define-sync.ts';
import type { Batch } from '../../providers/define/node-options.ts';
import { ofFirst, settleBatch, type BatchedList } from './settle-batch.ts';
import { ended, notNow, paused } from '../sync/apply-decision.ts';
import { type Asked, type Attempt } from '../sync/attempt.ts';
import { userCode } from '../sync/user-code.ts';
import { afterError, backoffText } from '../sync/after-error.ts';
import { callOnce } from '../sync/call-once.ts';
import { attemptAt, namesOf } from '../sync/make-attempt.ts';

/** Lists that have ended meanwhile are left out. @throws ApplicationFailure as `fetchPage` does. */
export async function fetchBatch(
  asked: Asked,
  node: NodeDefinition,
  batch: Batch,
  signal: AbortSignal | undefined,
): Promise<PageFact> {
  const { deps, request, sync } = asked;
  const ids = [request.unit, ...(request.others ?? [])];
  const of = { run: request.runId, node: request.node };
  const units = await loadUnits(deps.pool, ids, of, namesOf(sync, node));
  const [any] = units.values();
  if (!any) return { unit: request.unit, state: 'over' };
  if (any.runState === 'paused') return paused(asked, any.pausedReason);
  if (any.runState !== 'running') return { unit: request.unit, state: 'over' };
  const open = [...units].filter(([, { state }]) => state === 'running' || state === 'waiting');
  const [first] = open;
  if (!first) return ended(asked);
  const [leadId, leadUnit] = first;
  const askedOf = (unit: number): Asked => ({ ...asked, request: { ...request, unit } });
  const latest = open.reduce((one, other) => (other[1].retryInMs > one[1].retryInMs ? other : one));
  if (latest[1].retryInMs > 0) return notNow(asked, backoffText(latest[1]), latest[1].retryInMs);
  const calls = { made: 0 as 0 | 1 };
  const about = (fact: PageFact): PageFact => ({ ...fact, unit: request.unit });
  try {
    const lists = open.map(([id, unit]) => ({ unit, attempt: attemptAt(askedOf(id), node, unit, performance.now()) }));
    const input = userCode(`\`input\` of node "${node.name}"`, () =>
      node.endpoint.parseInput(batch.input(open.map(([, { parentRow }]) => parentRow))),
    );
    const lead: Attempt = { ...(lists[0] as BatchedList).attempt, input };
    const fact = await callOnce(lead, signal, calls, (made, facts) => settleBatch(lists, batch, made, facts));
    // Of a call that could not be made only the first list has heard.
    return about(calls.made === 0 ? await ofFirst(open, fact) : fact);
  } catch (error) {
    return about(await ofFirst(open, afterError(askedOf(leadId), leadUnit, error, calls.made)));
  }
}
