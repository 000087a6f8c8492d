// Activities: one third-party call each, and the database steps around them. Imports contracts, limiter, db and undici;
// providers come in through deps. Start with fetch-page.ts.
import { Context } from '@temporalio/activity';
import type {
  EndOpenUnitsInput,
  FetchPageInput,
  FinishNodeInput,
  FinishRunInput,
  AwaitRunEndInput,
  MeetRunningInput,
  NextUnitsInput,
  OpenRunInput,
  PageFact,
  ProgressMarkInput,
  QueueRunInput,
  SetRunStateInput,
} from '../contracts/messages.ts';
import type { LockInput, PerformActionInput, PrepareStepInput } from '../contracts/action.ts';
import type { FleetStepInput, LeaveFleetInput, ReadFleetInput } from '../contracts/schedules/fleet.ts';
import type { EndReportInput, OpenReportInput } from '../contracts/report.ts';
import type { ActivityDeps } from './deps.ts';
import { passCanaryActivity } from './canary.ts';
import { endOpenUnitsActivity, progressMarkActivity } from './run/end-early.ts';
import { openWithFirstCall } from './run/first-call.ts';
import { createTogether } from './run/answer-together.ts';
import { cancelInFleet, leaveFleet, readFleetActivity, stepOfFleet } from './run/fleet-activities.ts';
import { fetchPage } from './sync/fetch-page.ts';
import { awaitRunEndActivity, meetRunningActivity, queueRunActivity } from './run/meet-running.ts';
import { performAction } from './action/perform-action.ts';
import {
  endReportActivity,
  holdsLockActivity,
  openReportActivity,
  releaseLockActivity,
} from './action/report-activities.ts';
import { prepareStep } from './action/saga-steps.ts';
import type { UnitMemory } from './sync/unit-cache.ts';
import { withCleanErrors } from './call/clean-error.ts';
import { isAbout } from './log-fields.ts';
import { withHeartbeat, withHeartbeatWhileWanted } from './call/with-heartbeat.ts';
import { finishNodeActivity, finishRunActivity, nextUnitsActivity, setRunStateActivity } from './run/run-activities.ts';

export { CredentialsBusy, CredentialsMistake, NeedsReconnect } from './credentials/errors.ts';
export type { ActivityDeps, CredentialSource, CredentialWait, Log, Meter } from './deps.ts';
export type { CallTracer } from './call/call-tracer.ts';
export { withLogFields } from './log-fields.ts';
export { createCallPlaces, type CallPlaces } from './call/call-places.ts';
export { createRunEnds } from './run/end-batcher.ts';
export { createPageBatches } from './page/page-batcher.ts';
export { rootKeysOf } from './run/root-keys.ts';
export { STEPS_FOR_EACH_CALL } from './sync/serialize-calls.ts';
export { createUnitMemory } from './sync/unit-cache.ts';
export { createStoredCredentials } from './credentials/stored-credentials.ts';
export type { StoredCredentialSource } from './credentials/stored-credentials.ts';
export { revokeNext, type RevokeDeps } from './credentials/revoke-credentials.ts';
export type { ProxySettings } from './http/agents.ts';
export { createHttpSender } from './http/send.ts';
export { takeAuthPermit } from './credentials/auth-permit.ts';
export { authRequest, understandRefresh } from './credentials/make-refresh-call.ts';
export type { HttpSender } from './http/send.ts';

/**
 * Binds every activity to what its process has. The names are part of recorded histories: never rename one.
 * @param memory to be settled before what `deps` holds is closed.
 */
export function createActivities(deps: ActivityDeps, memory: UnitMemory) {
  const now = (request: FetchPageInput): Promise<PageFact> => {
    const { cancellationSignal, info } = Context.current();
    return fetchPage(deps, request, cancellationSignal, memory, info.currentAttemptScheduledTimestampMs);
  };
  const nowAndStored = async (call: FetchPageInput): Promise<PageFact> => {
    isAbout(call);
    const fact = await now(call);
    await memory.settled(call.runId);
    return fact;
  };
  const together = createTogether();
  const activities = {
    openRun: (request: OpenRunInput) => openWithFirstCall(deps, request, nowAndStored),
    readFleet: (request: ReadFleetInput) => readFleetActivity(deps, request),
    stepOfFleet: (request: FleetStepInput) =>
      together(Context.current().info.workflowExecution?.workflowId ?? '', () =>
        stepOfFleet(deps, request, nowAndStored),
      ),
    leaveFleet: (request: LeaveFleetInput) => leaveFleet(deps, request),
    cancelInFleet: (request: { readonly run: { readonly runId: string } }) => cancelInFleet(deps, request),
    nextUnits: (request: NextUnitsInput) => nextUnitsActivity(deps, request, memory.settled(request.runId)),
    fetchPage: (request: FetchPageInput) =>
      request.mode === 'durable'
        ? withHeartbeatWhileWanted((signal) => fetchPage(deps, request, signal, memory))
        : now(request),
    finishNode: (request: FinishNodeInput) => finishNodeActivity(deps, request),
    finishRun: (request: FinishRunInput) => memory.settled(request.runId).then(() => finishRunActivity(deps, request)),
    meetRunning: (request: MeetRunningInput) => meetRunningActivity(deps, request),
    queueRun: (request: QueueRunInput) => queueRunActivity(deps, request),
    awaitRunEnd: (request: AwaitRunEndInput) => awaitRunEndActivity(deps, request),
    endOpenUnits: (request: EndOpenUnitsInput) =>
      memory.settled(request.runId).then(() => endOpenUnitsActivity(deps, request)),
    passCanary: (request: { readonly taskQueue: string }) => passCanaryActivity(deps, request),
    progressMark: (request: ProgressMarkInput) => progressMarkActivity(deps, request),
    setRunState: (request: SetRunStateInput) => setRunStateActivity(deps, request),
    performAction: (request: PerformActionInput) =>
      withHeartbeat((signal, tell) => {
        const { sending: lastSending = 0 } = (Context.current().info.heartbeatDetails ?? {}) as { sending?: number };
        return performAction(deps, request, { signal, lastSending, tellSending: (sending) => tell({ sending }) });
      }),
    prepareStep: (request: PrepareStepInput) => prepareStep(deps, request),
    openReport: (request: OpenReportInput) => openReportActivity(deps, request),
    endReport: (request: EndReportInput) => endReportActivity(deps, request),
    holdsLock: (request: LockInput) => holdsLockActivity(deps, request),
    releaseLock: (request: LockInput) => releaseLockActivity(deps, request),
  };
  return cleaned(activities);
}

function cleaned<All extends Readonly<Record<string, (request: never) => Promise<unknown>>>>(all: All): All {
  return Object.fromEntries(
    Object.entries(all).map(([name, activity]) => [name, withCleanErrors(said(activity))]),
  ) as All;
}

function said<Request>(activity: (request: Request) => Promise<unknown>): (request: Request) => Promise<unknown> {
  return (request) => {
    isAbout(request);
    return activity(request);
  };
}

export type Activities = ReturnType<typeof createActivities>;
export { leaveNext, nodesWithCancel } from './job/leave-abandoned.ts';
