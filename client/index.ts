// What app code uses. Imports contracts, db and the Temporal client. Start with connect.ts.
export { connect } from './connect.ts';
export { diagnose, type DiagnoseOptions } from './doctor/diagnose.ts';
export type { ExplainedLimitUse, Forecast, RunExplanation } from '../contracts/operate/explanation.ts';
export type { Actor, AuditEntry, AuditFilter, Subject, Via } from '../contracts/operate/audit.ts';
export type { ErasureProof, ErasureRest } from '../contracts/operate/erasure.ts';
export type { Workers } from './workers/workers.ts';
export type { ServedQueue, ServingWorker, WorkerControl, WorkerList } from '../contracts/operate/worker-list.ts';
export type { Overview } from '../contracts/operate/overview.ts';
export type { Pace, PaceSpan } from '../contracts/operate/pace.ts';
export type { Finding } from '../contracts/operate/finding.ts';
export type { ConnectOptions, Sluice } from './connect.ts';
export { TenantMismatch } from '../db/index.ts';
export type { AccountName, Accounts } from './account/accounts.ts';
export type { NewCredentials } from './account/check-credentials.ts';
export type { StartedRun, StartOptions } from './sync/start-sync.ts';
export { SyncBusy } from './sync/sync-busy.ts';
export type { IfRunning, RunningRun } from '../contracts/running-run.ts';
export type { ActOptions } from './action/act.ts';
export { ActionFailed, EntityBusy } from './action/action-errors.ts';
export type { ActionHandle, ActionRequest, ActionStatus, SagaHandle, SagaStepStatus } from './action/action-handle.ts';
export type { SendAgainOptions } from './action/send-again.ts';
export type { Resolution } from './action/resolve-action.ts';
export type { ConflictPolicy, PendingOperation } from '../contracts/action.ts';
export type { Report, ReportKind, ReportStatus, StartedBy } from '../contracts/report.ts';
export type { FlawFilter, QuarantinedRow, QuarantineFilter, ReportFilter, StateFilter } from '../db/index.ts';
export type { ListStates, ResetOptions, ShowStateOptions } from './state.ts';
export type { MapAgainOptions, MappedAgain } from './map-again.ts';
export type { KnownList } from '../contracts/list.ts';
export type { Quarantine, ReadAgain } from './quarantine.ts';
export type { Limits, LimitUse, ShownLimit, WaitingCall } from './limits.ts';
export type { HistorySpan, LimitHistory, LimitMark, LimitSlot } from '../contracts/limits/limit-history.ts';
export type { Runs } from './runs.ts';
export type { EndedRuns } from '../db/index.ts';
export type { ListedRun, RunFilter, RunNames, RunSelection } from '../contracts/operate/run-list.ts';
export type { StartAgainOptions } from './sync/start-again.ts';
export { ClientClosed } from './until-closed.ts';
export type { SyncHandle } from './sync/sync-handle.ts';
export type { RetryOptions } from './sync/retry-failed.ts';
export type { ChangeRecord, RecordsOptions } from './records.ts';
export { CursorLost, type FeedLag } from '../db/index.ts';
export type {
  Flaw,
  FlawedList,
  NodeProgress,
  PausedBy,
  RunMode,
  RunProgress,
  RunResult,
  RunState,
  RunWait,
} from '../contracts/run.ts';
export type {
  AccountDetails,
  AccountInfo,
  AccountStatus,
  AccountSync,
  ListedAccount,
  SecretUse,
  TokenState,
} from '../contracts/account.ts';
export type { KeyService } from '../contracts/secrets/key-service.ts';
export { RemovesMany, type ApplyOptions } from './schedules/apply-schedules.ts';
export type { Schedules } from './schedules/schedules.ts';
export type { PlannedChange, SchedulePlan, ScheduleSpec, ScheduleStanding } from '../contracts/schedules/schedule.ts';
export type { Alerts } from './alerts/alerts.ts';
export type { ChosenBuild, Deployments } from './deployments/deployments.ts';
export type { Build, BuildStanding, BuildState } from '../contracts/operate/deployment.ts';
export type { LookedForAlerts } from './alerts/look-for-alerts.ts';
export type { Alert, AlertEvent, AlertKind, AlertRules, Freshness, StaleAccount } from '../contracts/alerts/alert.ts';
export type { AlertFilter, FreshnessSeen, SeenQueue } from '../db/index.ts';
export type { Priority } from '../contracts/limits/limit.ts';
