/** What is asked of a database that no worker has migrated yet, or that one is migrating. Used by the stores of runs, and by `client/`. */

const UNDEFINED_TABLE = '42P01';
// Its table, one of its columns, a function, or the schema of one.
const NOT_MIGRATED: ReadonlySet<string | undefined> = new Set([UNDEFINED_TABLE, '42703', '42883', '3F000']);

/** Postgres has no such table. */
export function lacksTable(error: unknown): boolean {
  return (error as { code?: string }).code === UNDEFINED_TABLE;
}

/** It lacks what the statement asks for, whatever that is. */
export function isUnmigrated(error: unknown): boolean {
  return NOT_MIGRATED.has((error as { code?: string }).code);
}

/** For `catch`: such a database knows no run. */
export function noRowsYet(error: unknown): { rows: never[] } {
  if (isUnmigrated(error)) return { rows: [] };
  throw error;
}
