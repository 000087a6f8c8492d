// The only code that knows tables. Imports contracts and pg only. Start with schema/run.sql.
export { createPool, inTransaction, queriesOf } from './pool.ts';
export type { Pool, PoolClient, Queryable } from './pool.ts';
export { isDataError } from './data-error.ts';
export { migrate, migrationScript, readSchemaStanding, type SchemaStanding } from './migrate.ts';
export {
  databaseTime,
  missingPrivileges,
  readDatabaseFacts,
  readTableHealth,
  secretsByKey,
  type DatabaseFacts,
  type TableHealth,
} from './stores/operate/database-facts.ts';
export { noteDeploy } from './stores/limit/limit-history-store.ts';
export { addPace, readPace } from './stores/operate/pace-store.ts';
export {
  controlWorker,
  forgetWorker,
  isTreeServed,
  readControlled,
  readServed,
  workersOfQueue,
  tellWorker,
  type ControlledWorker,
  type ToldWorker,
  type WorkerWish,
} from './stores/operate/worker-store.ts';
export { readOverview } from './stores/operate/overview-store.ts';
export { beginAct, endAct, listAudit, type ActEnded } from './stores/operate/audit-store.ts';
export { oldRuns, removeRuns, type RunPlace } from './stores/operate/old-runs-store.ts';
export { endRetentionRound, removalSteps, removeStrays, takeRetentionRound } from './stores/operate/retention-store.ts';
export { grantRuntime } from './grant-runtime.ts';
export { keepLogin, takeLogin } from './stores/account/login-store.ts';
export {
  TenantMismatch,
  tenantOfAccount,
  tenantOfRows,
  tenantOfRun,
  tenantOfWorkflow,
} from './stores/account/tenant-store.ts';
export {
  readForecastFacts,
  readLimitUsers,
  type ForecastFacts,
  type ForecastNode,
  type LimitUser,
} from './stores/operate/forecast-store.ts';
export { readLimitStandings } from './stores/limit/look-store.ts';
export { readKnownNames, type NameKind } from './stores/operate/name-store.ts';
export { readListsOfCalls, type ListOfCall } from './stores/limit/waiting-call-store.ts';
export { askRun, finishNode, openRun, readPauses, readProgress, setRunState } from './stores/run/run-store.ts';
export { endFleetRun, fleetRunsOf, openFleet } from './stores/run/fleet-store.ts';
export { finishRun } from './stores/run/end-store.ts';
export { isUnmigrated, lacksTable } from './unmigrated.ts';
export { countRuns, lastEnded, type EndedRuns, listRuns, readRunNames } from './stores/run/run-list-store.ts';
export { readRunRequest } from './stores/run/run-input-store.ts';
export { newChange } from './new-change.ts';
export { deferUnit, endUnit, loadUnit, nextUnits } from './stores/sync/unit-store.ts';
export { commitPage, type PageToCommit } from './stores/sync/page-store.ts';
export { openRetry, readRetriable, type Retriable } from './stores/run/retry-store.ts';
export type { UnitFence } from './stores/sync/unit-store.ts';
export { countRecords, CursorLost, readChanges } from './stores/sync/record-store.ts';
export { readFeedLag, type FeedLag } from './stores/sync/feed-lag-store.ts';
export { isRefusedData } from './stores/sync/refused-rows.ts';
export {
  dropQuarantined,
  listQuarantine,
  noteMisfit,
  readParent,
  releaseRow,
  type QuarantinedRow,
  type QuarantineFilter,
} from './stores/sync/quarantine-store.ts';
export {
  endReport,
  insertReport,
  listReports,
  readReportStart,
  removeUnstartedReport,
  setReportRun,
  type ReportFilter,
} from './stores/report/report-store.ts';
export {
  claimReportsToTell,
  markReportTold,
  postponeTelling,
  type ReportToTell,
} from './stores/report/report-outbox.ts';
export {
  noteProgress,
  noteReconnects,
  noteStalled,
  stalledRuns,
  type StalledRun,
} from './stores/report/report-notices.ts';
export {
  lockPlacesToCheck,
  pendingReportsToCheck,
  type PendingReport,
  type QueuedPlace,
} from './stores/report/report-checks.ts';
export {
  hasInput,
  insertActionStep,
  listSteps,
  loadActionStep,
  markFailed,
  type ActionStep,
} from './stores/action/action-store.ts';
export { reopenActionStep, reopenToRepeat } from './stores/action/reopen-store.ts';
export { closeAsAbsent, reopenUnknown, resolveAsDone } from './stores/action/action-resolution-store.ts';
export { hasSagaInput, insertSaga, loadSaga } from './stores/action/saga-store.ts';
export {
  holdsLock,
  pendingAhead,
  pendingOperations,
  releaseLock,
  takeLock,
  type LockRequest,
} from './stores/action/entity-lock-store.ts';
export {
  countAccounts,
  listAccounts,
  readAccount,
  removeAccount,
  updateSettings,
  runsToResume,
} from './stores/account/account-store.ts';
export type { AccountRef } from './stores/account/account-store.ts';
export {
  keysOfOperations,
  openOperations,
  readAccountSyncs,
  readConnections,
  type AccountSyncRow,
  type ConnectionRow,
  type OpenOperation,
} from './stores/account/account-details-store.ts';
export {
  clearAudit,
  countRows,
  eraseRows,
  openWorkflowsOf,
  readRevocation,
  sagasOfOthers,
  syncsOfAccount,
  wasOnceKnown,
} from './stores/account/erase-store.ts';
export { connectAccount } from './stores/account/connect-store.ts';
export { rotateEncryption } from './stores/account/rotate-encryption.ts';
export { listSecretUses, noteSecretUses } from './stores/account/secret-use-store.ts';
export { createTellOnce, type TellOnce, type Telling } from './told-once.ts';
export { createSecretUseCounter, type SecretUseCounter } from './count-secret-uses.ts';
export { createKeyring } from './encryption.ts';
export type { Keyring } from './encryption.ts';
export { EncryptionKeyError, NO_ENCRYPTION_KEYS } from './encryption-key-error.ts';
export { readFlawedLists, type FlawFilter } from './stores/sync/flaw-store.ts';
export {
  pauseSchedule,
  putDeclaration,
  readDeclarations,
  readDeclaredCode,
  tellDeclared,
  readScheduleStandings,
  removeDeclaration,
  withDeclarationsLocked,
  type AppliedDeclaration,
} from './stores/schedule/declaration-store.ts';
export {
  claimDue,
  nextStarts,
  type NextStart,
  releaseDue,
  settleDue,
  type DueAccount,
  type SettledDue,
} from './stores/schedule/due-store.ts';
export {
  closeUp,
  followAccounts,
  lockPlacing,
  placeAccounts,
  schedulesToPlace,
  unplacedAccounts,
  type PlacedSchedule,
} from './stores/schedule/place-store.ts';
export {
  listAlerts,
  readAlertRules,
  settleAlerts,
  takeRound,
  withKindLocked,
  type AlertFilter,
} from './stores/alert/alert-store.ts';
export {
  claimCanaries,
  forgetQueue,
  listQueues,
  type SeenQueue,
  registerQueue,
  unservedQueues,
} from './stores/alert/canary-store.ts';
export {
  blockedLimits,
  failingGates,
  flawedSyncs,
  lostAccounts,
  freshnessSeen,
  keepFreshness,
  readFreshness,
  type FreshnessSeen,
  type FreshnessFilter,
} from './stores/alert/condition-store.ts';
export {
  claimDeliveries,
  markDelivered,
  postponeDelivery,
  type AlertChannel,
  type AlertDelivery,
} from './stores/alert/delivery-store.ts';
export { readWaits } from './stores/run/wait-store.ts';
export type { WaitRow } from './stores/run/wait-store.ts';
export { listState, resetState, type StateFilter } from './stores/sync/state-store.ts';
export { rewriteRows, storedRows } from './stores/sync/rewrite-store.ts';
