/**
 * Stored rows written anew, without the third party: read in the order of their keys, and changed where nobody has changed them since.
 * Used by: `client/map-again.ts`.
 */
import type { Queryable } from '../../pool.ts';

export interface StoredRow {
  readonly key: string;
  readonly data: unknown;
}

/** Rows behind a key, in order; deleted ones are left out. Index: the primary key. */
export async function storedRows(
  db: Queryable,
  of: { readonly account: string; readonly resource: string; readonly after: string; readonly limit: number },
): Promise<StoredRow[]> {
  const { rows } = await db.query<StoredRow>(
    `select key, data from sluice.record where account = $1 and resource = $2 and key > $3 and deleted_at is null
     order by key limit $4`,
    [of.account, of.resource, of.after, of.limit],
  );
  return rows;
}

// Locks records by key, as the pages do. A row that a run has stored meanwhile is newer than what was made of it.
const REWRITE = `
  with wanted as materialized (
    select e->>0 as key, e->1 as old, e->2 as data from jsonb_array_elements($3::jsonb) e
  ), locked as materialized (
    select t.key from sluice.record t join wanted w on w.key = t.key
    where t.account = $1 and t.resource = $2 and t.deleted_at is null and t.data = w.old and t.data <> w.data
    order by t.key for no key update of t
  )
  update sluice.record t set data = w.data, changed_at = clock_timestamp(), tx = sluice.feed_position(), seq = nextval('sluice.record_seq')
  from locked l join wanted w on w.key = l.key
  where t.account = $1 and t.resource = $2 and t.key = l.key and t.data = w.old
  returning t.key`;

/** @param rows each as it was read, and as it should be. @returns the keys of those that were changed. */
export async function rewriteRows(
  db: Queryable,
  { account, resource }: { readonly account: string; readonly resource: string },
  rows: readonly { readonly key: string; readonly old: unknown; readonly data: unknown }[],
): Promise<string[]> {
  const json = JSON.stringify(rows.map(({ key, old, data }) => [key, old, data]));
  const done = await db.query<{ key: string }>(REWRITE, [account, resource, json]);
  return done.rows.map(({ key }) => key);
}
