/**
 * Rows that can't be stored whatever is done: Postgres refuses their JSON, or none can be made of them. Found one by one, after a page
 * with such a row was refused as a whole. Used by: `activities/page/store-rows.ts`.
 */
import type { Queryable } from '../../pool.ts';

/**
 * Whether data is what an error is about, so that the same data will meet it again. Such are SQLSTATE classes 22 (data
 * exception) and 54 (limits of the program: nesting, index rows), and what JSON can't be made of.
 */
export function isRefusedData(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return /^(22|54)/.test(code);
  return error instanceof RangeError || (error instanceof TypeError && /JSON|BigInt/.test(error.message));
}

export interface RefusedRow {
  readonly index: number;
  readonly reason: string;
}

/** Those of the rows that are refused: asked for by halves, so that a few among many take few statements. */
export async function refusedRows(db: Queryable, rows: readonly unknown[], from = 0): Promise<RefusedRow[]> {
  const reason = await refusalOf(db, rows);
  if (reason === undefined) return [];
  if (rows.length === 1) return [{ index: from, reason }];
  const half = Math.ceil(rows.length / 2);
  return [
    ...(await refusedRows(db, rows.slice(0, half), from)),
    ...(await refusedRows(db, rows.slice(half), from + half)),
  ];
}

async function refusalOf(db: Queryable, rows: readonly unknown[]): Promise<string | undefined> {
  if (rows.length === 0) return undefined;
  try {
    await db.query('select $1::jsonb is null', [JSON.stringify(rows)]);
    return undefined;
  } catch (error) {
    if (!isRefusedData(error)) throw error;
    return `it can't be stored: ${error.message}`;
  }
}
