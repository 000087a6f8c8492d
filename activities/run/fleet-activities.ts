/**
 * The runs of a fleet, one call at a time: each is opened, called for and ended as any other run is. Next: `db/stores/run/fleet-store.ts`,
 * `activities/sync/fetch-page.ts`.
 */
import { GIVE_UP_AFTER_MS, type FetchPageInput, type PageFact } from '../../contracts/messages.ts';
import type {
  FleetFact,
  FleetStepInput,
  LeaveFleetInput,
  OpenFleet,
  ReadFleetInput,
} from '../../contracts/schedules/fleet.ts';
import { syncWorkflowId } from '../../contracts/names.ts';
import { meetRunning } from '../../contracts/running-run.ts';
import { endFleetRun, readFleet, readFleetRun } from '../../db/stores/run/fleet-store.ts';
import { waitingFor } from '../call/to-failure.ts';
import type { ActivityDeps } from '../deps.ts';
import { endAtOnce } from './run-activities.ts';

/** How soon it is looked again whether a workflow has ended. */
const LOOK_AGAIN_MS = 2_000;
/** A turn at a limit that comes sooner than this is waited for in the worker: a timer of Temporal's would miss it. In milliseconds. */
const WAIT_MS = 2_000;
/** More than a fleet has. */
const ROOM = 1_000;

export async function readFleetActivity(deps: ActivityDeps, { fleet }: ReadFleetInput): Promise<OpenFleet> {
  const { runs, plan } = await readFleet(deps.pool, fleet, ROOM);
  return plan ? { runs, plan } : { runs };
}

/**
 * Makes the next call of a run, and ends the run when that was all.
 * @param call resolves when its page is stored.
 */
export async function stepOfFleet(
  deps: ActivityDeps,
  { run, plan, context }: FleetStepInput,
  call: (request: FetchPageInput) => Promise<PageFact>,
): Promise<FleetFact> {
  const { runId, unit } = run;
  const [node] = plan.nodes;
  if (!node) return { state: 'own' };
  if (unit !== null) {
    const fact = await call({ runId, node: node.name, unit, context, mode: 'now', waitMs: WAIT_MS });
    if (fact.state === 'later') return { state: 'later', inMs: fact.inMs ?? 0 };
    if (fact.state === 'paused') return { state: 'own' };
    if (fact.state === 'over') return { state: 'gone' };
    if (fact.state === 'more') return { state: fact.lanes ? 'own' : 'more' };
    if (fact.state === 'ended' && fact.lanes) return { state: 'own' };
  }
  const result = await endAtOnce(deps, runId, node, { id: runId, runId }, true);
  return { state: result ? 'ended' : 'own' };
}

/**
 * Starts the workflow of its own that takes the run over. One that is there does so when it opens. Where it is for
 * something else, it waits for the end of this run, which is now.
 * @throws ApplicationFailure `Waiting` while a workflow is there that is being ended.
 */
export async function leaveFleet(deps: ActivityDeps, { run, asked }: LeaveFleetInput): Promise<void> {
  const { runId, account, tenant } = run;
  const known = await readFleetRun(deps.pool, runId);
  if (!known) return;
  const { sync, provider, priority } = asked;
  const input = {
    sync,
    account,
    ...known,
    startedBy: 'system',
    priority,
    giveUpAfterMs: GIVE_UP_AFTER_MS,
    ...(tenant === null ? {} : { tenant }),
  } as const;
  const workflowId = syncWorkflowId(sync, account);
  for (;;) {
    const there = await deps.findRunning(workflowId);
    if (there?.isEnding) throw waitingFor(`${workflowId} is being ended`, LOOK_AGAIN_MS);
    if (there && meetRunning(undefined, { input: known.input, mode: known.mode }, there) !== 'attach') {
      const error = 'another run of the account waited for its end, and it needed more than a few calls';
      await endFleetRun(deps.pool, runId, { status: 'cancelled', error });
      return;
    }
    if (there ?? (await deps.startRun(provider, input, runId))) return;
  }
}

/** Of a fleet that was cancelled. */
export async function cancelInFleet(
  deps: ActivityDeps,
  { run }: { readonly run: { readonly runId: string } },
): Promise<void> {
  const error = 'the fleet that carried it out was cancelled';
  await endFleetRun(deps.pool, run.runId, { status: 'cancelled', error });
}
