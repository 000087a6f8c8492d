// The only code that knows tables. Imports contracts and pg only. Start with schema/run.sql.
export { createPool, inTransaction } from './pool.ts';
export type { Pool, PoolClient, PoolOptions, Queryable } from './pool.ts';
export { migrate, type MigrateOptions } from './migrate.ts';
export { grantRuntime } from './grant-runtime.ts';
export { finishNode, finishRun, openRun, readProgress, setRunState } from './run-store.ts';
export { commitPage, countAttempt, endUnit, loadUnit, nextUnits, nodesToWake } from './unit-store.ts';
export { growPageSize, shrinkPageSize } from './page-size-store.ts';
export { knownRows, openKnown, settleLists } from './list-store.ts';
export { openRetry, readRetriable } from './retry-store.ts';
export type { GuardMemory, LoadedUnit, PageToCommit, Position } from './unit-store.ts';
export { countRecords, readChanges } from './record-store.ts';
export type { RecordRow } from './record-store.ts';
export {
  endReport,
  insertReport,
  listReports,
  removeUnstartedReport,
  setReportRun,
  type NewReport,
  type ReportFilter,
} from './report-store.ts';
export { claimReportsToTell, markReportTold, postponeTelling, type ReportToTell } from './report-outbox.ts';
export {
  lockPlacesToCheck,
  pendingReportsToCheck,
  removeOldReports,
  type PendingReport,
  type QueuedPlace,
} from './report-checks.ts';
export {
  beginSending,
  countActionCall,
  hasInput,
  idempotencyKeyOf,
  insertActionStep,
  loadActionStep,
  markDone,
  markFailed,
  markReady,
  markUnknown,
  reopenActionStep,
  type ActionStep,
  type NewActionStep,
} from './action-store.ts';
export { reopenUnknown, resolveAsDone } from './action-resolution-store.ts';
export { hasSagaInput, insertSaga, loadSaga, type LoadedSaga, type NewSaga } from './saga-store.ts';
export {
  holdsLock,
  pendingOperations,
  releaseLock,
  takeLock,
  type LockAnswer,
  type LockRequest,
} from './entity-lock-store.ts';
export {
  listAccounts,
  markNeedsReconnect,
  pauseForAccount,
  readAccount,
  removeAccount,
  runsToResume,
} from './account-store.ts';
export type { AccountFilter, AccountRef } from './account-store.ts';
export { connectAccount, rotateEncryption } from './credential-store.ts';
export { createKeyring, EncryptionKeyError, NO_ENCRYPTION_KEYS } from './encryption.ts';
export type { Keyring } from './encryption.ts';
export { readWaits } from './wait-store.ts';
export type { WaitRow } from './wait-store.ts';
