/**
 * Errors of what Sluice itself stands on: the database, Temporal, the process. They pass by themselves, so the retry policy waits for
 * their end, and they cost no attempt. Any other error is an answer to what was done, and doing it again changes nothing.
 * Used by: every activity that makes a call.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { LimiterUnavailable } from '../../limiter/index.ts';

/**
 * SQLSTATE classes that say that the database is away, busy or ending. 08 connection, 25006 read-only (a standby), 25P03 and 25P04 a
 * transaction that took too long, since its process was frozen, 28 a login that is refused while a password changes, 3D000 a database
 * that is being restored, 40 serialization and deadlock, 53 resources, 55 locks, 57 operator intervention, 58 system.
 */
const PASSING_STATES = /^(08|25006|25P03|25P04|28|3D000|40|53|55|57|58)/;
const PASSING_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** Of `pg`, which gives these no code. */
const PASSING_MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|Query read timeout|Cannot use a pool after calling end)/;

export function isInfrastructure(error: unknown): boolean {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return true;
  if (error instanceof LimiterUnavailable) return true;
  if (!(error instanceof Error)) return false;
  // Another worker may have the key; a run must not fail because this one lacks it.
  if (error.name === 'EncryptionKeyError') return true;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return PASSING_STATES.test(code) || PASSING_CODES.has(code);
  // gRPC status codes of Temporal's client are numbers: it is away, or the workflow that was to be told is gone.
  if (typeof code === 'number' || error.name === 'ServiceError' || error.name === 'WorkflowNotFoundError') return true;
  return PASSING_MESSAGES.test(error.message);
}
