// The only code that knows tables. Imports contracts and pg only. Start with schema/run.sql.
export { createPool, inTransaction } from './pool.ts';
export type { Pool, PoolClient, PoolOptions, Queryable } from './pool.ts';
export { isDataError } from './data-error.ts';
export { migrate, type MigrateOptions } from './migrate.ts';
export { grantRuntime } from './grant-runtime.ts';
export { finishNode, finishRun, openRun, readProgress, setRunState } from './stores/sync/run-store.ts';
export { deferUnit, endUnit, loadUnit, nextUnits, nodesToWake } from './stores/sync/unit-store.ts';
export { commitPage, type PageFlaws, type PageToCommit } from './stores/sync/page-store.ts';
export { growPageSize, shrinkPageSize } from './stores/sync/page-size-store.ts';
export { knownRows, openKnown, settleLists } from './stores/sync/list-store.ts';
export { openRetry, readRetriable } from './stores/sync/retry-store.ts';
export type { LoadedUnit, UnitFence } from './stores/sync/unit-store.ts';
export { countRecords, readChanges } from './stores/sync/record-store.ts';
export type { RecordRow } from './stores/sync/record-store.ts';
export {
  endReport,
  insertReport,
  listReports,
  removeUnstartedReport,
  setReportRun,
  type NewReport,
  type ReportFilter,
} from './stores/report/report-store.ts';
export {
  claimReportsToTell,
  markReportTold,
  postponeTelling,
  type ReportToTell,
} from './stores/report/report-outbox.ts';
export {
  lockPlacesToCheck,
  pendingReportsToCheck,
  removeOldReports,
  type PendingReport,
  type QueuedPlace,
} from './stores/report/report-checks.ts';
export {
  beginSending,
  hasInput,
  idempotencyKeyOf,
  insertActionStep,
  listSteps,
  loadActionStep,
  markDone,
  markFailed,
  reopenActionStep,
  reopenToRepeat,
  type ActionStep,
  type NewActionStep,
} from './stores/action/action-store.ts';
export { reopenUnknown, resolveAsDone } from './stores/action/action-resolution-store.ts';
export { hasSagaInput, insertSaga, loadSaga, type LoadedSaga, type NewSaga } from './stores/action/saga-store.ts';
export {
  holdsLock,
  pendingAhead,
  pendingOperations,
  releaseLock,
  takeLock,
  type LockAnswer,
  type LockRequest,
} from './stores/action/entity-lock-store.ts';
export {
  listAccounts,
  markNeedsReconnect,
  pauseForAccount,
  readAccount,
  removeAccount,
  runsToResume,
} from './stores/account/account-store.ts';
export type { AccountFilter, AccountRef } from './stores/account/account-store.ts';
export { connectAccount, rotateEncryption } from './stores/account/credential-store.ts';
export { createKeyring, EncryptionKeyError, NO_ENCRYPTION_KEYS } from './encryption.ts';
export type { Keyring } from './encryption.ts';
export { readWaits } from './stores/sync/wait-store.ts';
export type { WaitRow } from './stores/sync/wait-store.ts';
