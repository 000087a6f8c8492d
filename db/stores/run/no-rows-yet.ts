/** What is read of runs in a database that no worker has migrated yet, or that one is migrating. Used by: `run-store.ts`. */

// undefined_table, undefined_column, undefined_function.
const NOT_MIGRATED: ReadonlySet<string | undefined> = new Set(['42P01', '42703', '42883']);

/** A database that no worker has migrated yet knows no run. */
export function noRowsYet(error: unknown): { rows: never[] } {
  if (NOT_MIGRATED.has((error as { code?: string }).code)) return { rows: [] };
  throw error;
}
