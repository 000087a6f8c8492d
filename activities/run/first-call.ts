/**
 * The first call of a run, made with its opening, and its end when that was all. Most runs of most accounts are one
 * page, and each step of its own costs Temporal's server and the worker as much as the page. Next: `run-activities.ts`
 * opens it, then `activities/sync/fetch-page.ts`.
 */
import {
  callContextOf,
  LONGEST_FIRST_CALL_MS,
  type FetchPageInput,
  type OpenedRun,
  type OpenRunInput,
  type PageFact,
} from '../../contracts/messages.ts';
import type { ActivityDeps } from '../deps.ts';
import { endAtOnce, openRunActivity } from './run-activities.ts';

/** @param call makes a call, and resolves when its page is stored. */
export async function openWithFirstCall(
  deps: ActivityDeps,
  { first: wanted, ...request }: OpenRunInput,
  call: (request: FetchPageInput) => Promise<PageFact>,
): Promise<OpenedRun> {
  const opened = await openRunActivity(deps, request);
  const { state, plan, units } = opened;
  const [unit] = units;
  const node = plan.nodes.find(({ name }) => name === unit?.node);
  if (!wanted || !unit || !node || units.length > 1 || state !== 'running') return opened;
  if (node.batch !== undefined || node.callTimeoutMs > LONGEST_FIRST_CALL_MS) return opened;
  const { runId } = request;
  const context = callContextOf(request, plan);
  // The run is open, whatever becomes of its first call: it is made again by a step of its own.
  const first = await call({ runId, node: node.name, unit: unit.id, context, mode: 'now' }).catch(() => undefined);
  if (!first) return opened;
  if (first.state !== 'ended' || first.lanes || plan.nodes.length > 1) return { ...opened, first };
  const result = await endAtOnce(deps, runId, node, wanted.report, true).catch(() => undefined);
  return { ...opened, first, ...(result ? { result } : {}) };
}
