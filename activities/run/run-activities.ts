/**
 * The few database steps of a run around its calls: open it, hand out units, end its nodes and itself. No third-party
 * calls. Next: `db/stores/run/run-store.ts` and `db/stores/sync/unit-store.ts`.
 */
import { ApplicationFailure } from '@temporalio/common';
import type {
  FinishNodeInput,
  FinishRunInput,
  NextUnitsInput,
  OpenedRun,
  OpenRunInput,
  SetRunStateInput,
  UnitRef,
} from '../../contracts/messages.ts';
import { treeOf, type PlanNode } from '../../contracts/plan.ts';
import { endOfSync, type ReportRef } from '../../contracts/report.ts';
import type { RunResult, RunState } from '../../contracts/run.ts';
import { endReport } from '../../db/stores/report/report-store.ts';
import { settleBelow, settleLists, type Settling } from '../../db/stores/sync/list-store.ts';
import { openRetry } from '../../db/stores/run/retry-store.ts';
import {
  closeUnopened,
  finishNode,
  openRun,
  readTree,
  setRunState,
  type EnteredRun,
} from '../../db/stores/run/run-store.ts';
import { finishRun } from '../../db/stores/run/end-store.ts';
import { goneText, lackOf, mayComeYet, OTHER_BUILD, otherBuild } from '../sync/other-build.ts';
import { nextUnits, type OpenUnit } from '../../db/stores/sync/unit-store.ts';
import { visitKnown, visitOwed } from '../page/child-units.ts';
import { rootKeysOf } from './root-keys.ts';
import { waitingFor } from '../call/to-failure.ts';
import type { ActivityDeps } from '../deps.ts';

/** How soon it is looked again whether a fleet's run has ended. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Compiles the plan and creates the run with its tree; a retry takes the plan of the run that it retries. A run that was opened goes
 * on where it is.
 * @throws TypeError when the input does not fit the sync; ApplicationFailure `Waiting` while a fleet's run of the account comes first.
 */
export async function openRunActivity(deps: ActivityDeps, request: OpenRunInput): Promise<OpenedRun> {
  const { runId, workflowId, account, tenant, mode = 'incremental', retryOf } = request;
  if (retryOf)
    return toOpened(account, await openRetry(deps.pool, { runId, workflowId, of: retryOf.runId, also: retryOf.also }));
  const sync = deps.syncNamed(request.sync);
  const input = sync.parseInput(request.input);
  const plan =
    request.maxHistoryEvents === undefined ? sync.plan : { ...sync.plan, maxHistoryEvents: request.maxHistoryEvents };
  const rootKeys = rootKeysOf(sync, input);
  return toOpened(
    account,
    await openRun(deps.pool, {
      runId,
      workflowId,
      account,
      tenant,
      input,
      plan,
      mode,
      rootKeys,
      reportId: request.reportId,
    }),
  );
}

function toOpened(account: string, entered: EnteredRun | undefined): OpenedRun {
  if (!entered) throw waitingFor(`a fleet has a run of "${account}" that was asked for something else`, LOOK_AGAIN_MS);
  const { state, pausedReason, plan, ended, units } = entered;
  return { state, plan, ended, units: units.map(toRef), ...(pausedReason === null ? {} : { pausedReason }) };
}

/** @param stored waits for pages of the run that are still being stored: they may bring units. */
export async function nextUnitsActivity(
  deps: ActivityDeps,
  { runId, wanted }: NextUnitsInput,
  stored: Promise<void>,
): Promise<UnitRef[]> {
  await stored;
  return (await nextUnits(deps.pool, runId, wanted)).map(toRef);
}

function toRef({ id, node, parentKey, part, lane }: OpenUnit): UnitRef {
  return { id, node, label: `${parentKey || 'root'}${part ? ` part ${part}` : ''}${lane > 0 ? ` lane ${lane}` : ''}` };
}

export async function finishNodeActivity(deps: ActivityDeps, { runId, node }: FinishNodeInput): Promise<void> {
  await settleLists(deps.pool, runId, node.name, settlingOf(node));
  if (losesBranches(node)) await settleBelow(deps.pool, runId, node.name);
  const known = node.visitsKnown || node.visitsOwed ? await readTree(deps.pool, runId) : undefined;
  if (known) {
    const tree = treeOf(known.nodes);
    const lack = lackOf(deps, known.sync, tree);
    if (lack !== undefined)
      throw (await mayComeYet(deps, known.sync, tree))
        ? otherBuild(lack)
        : ApplicationFailure.nonRetryable(goneText(lack), OTHER_BUILD);
    if (node.visitsKnown) await visitKnown(deps, runId, node.name, tree);
    if (node.visitsOwed) await visitOwed(deps, runId, node.name);
  }
  const { maxSkippedShare } = node.onChildError;
  if (!(await finishNode(deps.pool, runId, node.name, maxSkippedShare))) throw gone(runId);
}

/** The run was deleted, or the database was set back to a time before it. */
export function gone(runId: string): ApplicationFailure {
  const message = `Run ${runId} is not in the database any more: it was deleted, or an older state was restored. Start it again.`;
  return ApplicationFailure.nonRetryable(message, 'gone');
}

/**
 * Ends the run, with the node of it that was left to end. One that could not be opened, and ends by an error, ends empty.
 * @throws ApplicationFailure `gone`, not retried, when there is no such run.
 */
export async function finishRunActivity(deps: ActivityDeps, request: FinishRunInput): Promise<RunResult> {
  const { runId, node, report, cancelled, error, unopened } = request;
  const ended = node && (await endAtOnce(deps, runId, node, report, false));
  if (ended) return ended;
  if (unopened) await closeUnopened(deps.pool, runId, unopened);
  if (node) await finishNodeActivity(deps, { runId, node });
  const result = await finishRun(deps.pool, runId, {
    ...(cancelled ? { cancelled } : {}),
    ...(error === undefined ? {} : { error }),
  });
  if (result && report) await reportEnd(deps, report, result);
  if (result) return result;
  if (!cancelled && error === undefined) throw gone(runId);
  return { runId, state: cancelled ? 'cancelled' : 'failed', complete: false, flaws: [], rows: 0, calls: 0 };
}

/**
 * Ends a run by one statement, with its last node and its report.
 * @param ifIdle only when it is running and nothing of it is open.
 * @returns undefined when it is to be done step by step, or not yet.
 */
export async function endAtOnce(
  deps: ActivityDeps,
  runId: string,
  node: PlanNode,
  report: ReportRef | undefined,
  ifIdle: boolean,
): Promise<RunResult | undefined> {
  if (node.visitsKnown || node.visitsOwed || losesBranches(node)) return undefined;
  const { maxSkippedShare } = node.onChildError;
  const ended = await deps.runEnds.end(runId, node.name, { ...settlingOf(node), maxSkippedShare, ifIdle, report });
  if (!ended) return undefined;
  const { result, isReported } = ended;
  if (isReported) deps.meter?.reported('ok');
  else if (report && result.state !== 'done') await reportEnd(deps, report, result);
  return result;
}

/** What is below a row that is gone from a tree has no list that says so. */
function losesBranches({ isTree, deletions }: PlanNode): boolean {
  return isTree === true && deletions === 'full-pass';
}

function settlingOf({ deletions, allowEmpty }: PlanNode): Settling {
  return { marksDeletions: deletions === 'full-pass', allowsEmpty: allowEmpty === true };
}

async function reportEnd(deps: ActivityDeps, report: ReportRef, result: RunResult): Promise<void> {
  const end = endOfSync(result);
  if (await endReport(deps.pool, report.id, end, report.runId)) deps.meter?.reported(end.status);
}

/** @returns the state of the run now; undefined when it is unknown. */
export async function setRunStateActivity(
  deps: ActivityDeps,
  { runId, state, ...how }: SetRunStateInput,
): Promise<RunState | undefined> {
  return setRunState(deps.pool, runId, state, how);
}
