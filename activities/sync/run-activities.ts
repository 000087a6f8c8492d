/**
 * The few database steps of a run around its calls: open it, hand out units, end its nodes and itself. No third-party
 * calls. Next stop: `db/stores/sync/run-store.ts` and `db/stores/sync/unit-store.ts`.
 */
import { activityInfo } from '@temporalio/activity';
import type {
  FinishNodeInput,
  FinishRunInput,
  NextUnitsInput,
  OpenedRun,
  OpenRunInput,
  SetRunStateInput,
  UnitRef,
} from '../../contracts/messages.ts';
import type { RunResult } from '../../contracts/run.ts';
import { settleLists } from '../../db/stores/sync/list-store.ts';
import { openRetry } from '../../db/stores/sync/retry-store.ts';
import { finishNode, finishRun, openRun, setRunState } from '../../db/stores/sync/run-store.ts';
import { nextUnits } from '../../db/stores/sync/unit-store.ts';
import { visitKnown, visitOwed } from './child-units.ts';
import type { ActivityDeps } from '../deps.ts';

/**
 * Compiles the plan and creates the run with its tree; a retry takes the plan of the run that it retries.
 * @throws ZodError when the input does not fit the sync.
 */
export async function openRunActivity(deps: ActivityDeps, request: OpenRunInput): Promise<OpenedRun> {
  const { runId, workflowId, account, tenant, mode = 'incremental', retryOf } = request;
  if (retryOf)
    return { plan: await openRetry(deps.pool, { runId, workflowId, of: retryOf.runId, also: retryOf.also }) };
  const sync = deps.syncNamed(request.sync);
  const input = sync.parseInput(request.input);
  const plan =
    request.maxHistoryEvents === undefined ? sync.plan : { ...sync.plan, maxHistoryEvents: request.maxHistoryEvents };
  await openRun(deps.pool, { runId, workflowId, account, tenant, input, plan, mode });
  return { plan };
}

export async function nextUnitsActivity(deps: ActivityDeps, request: NextUnitsInput): Promise<UnitRef[]> {
  const units = await nextUnits(deps.pool, request.runId, request.node, request.inHand, request.room);
  return units.map((unit) => ({
    id: unit.id,
    label: `${unit.parent_key || 'root'}${unit.part ? ` part ${unit.part}` : ''}${unit.lane > 0 ? ` lane ${unit.lane}` : ''}`,
  }));
}

export async function finishNodeActivity(deps: ActivityDeps, { runId, node }: FinishNodeInput): Promise<void> {
  if (node.incremental || node.deletions) {
    await settleLists(deps.pool, runId, node.name, {
      marksDeletions: node.deletions === 'full-pass',
      allowsEmpty: node.allowEmpty === true,
    });
  }
  if (node.visitsKnown) await visitKnown(deps, runId, node.name);
  await visitOwed(deps, runId, node.name);
  await finishNode(deps.pool, runId, node.name, node.onChildError.maxSkippedShare, node.parent === null);
}

/** By then what was on its way to open the run, when that was cancelled, has arrived: the attempts before take 3.5 s. */
const ATTEMPTS_TO_FIND_IT = 4;

/**
 * Ends the run. One that could not be opened, and is ended by a cancellation or an error, ends empty.
 * @throws Error when there is no such run, or not yet.
 */
export async function finishRunActivity(
  deps: ActivityDeps,
  { runId, cancelled, error }: FinishRunInput,
): Promise<RunResult> {
  const result = await finishRun(deps.pool, runId, {
    ...(cancelled ? { cancelled } : {}),
    ...(error === undefined ? {} : { error }),
  });
  if (result) return result;
  const { isLocal, attempt } = activityInfo();
  const mayEndEmpty = cancelled === true || error !== undefined;
  if (!mayEndEmpty || isLocal || attempt < ATTEMPTS_TO_FIND_IT) throw new Error(`Unknown run ${runId}.`);
  return { runId, state: cancelled ? 'cancelled' : 'failed', complete: false, flaws: [], rows: 0, calls: 0 };
}

/** @returns false when the run has ended, or is paused by its operator and a reconnection wants it to go on. */
export async function setRunStateActivity(
  deps: ActivityDeps,
  { runId, state, isReconnected }: SetRunStateInput,
): Promise<boolean> {
  return setRunState(deps.pool, runId, state, isReconnected);
}
