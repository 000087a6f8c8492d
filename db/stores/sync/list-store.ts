/**
 * What a node's lists leave behind when all of them have ended. For each parent whose list was read to its end,
 * watermarks are moved and deletions marked. For the node's children there are the rows of earlier runs, and the lists
 * that those left unread.
 * Next: `db/functions/lists/settle-lists.sql`, `db/functions/lists/owed-lists.sql`.
 */
import type { ChildUnit } from './page-store.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import { redact } from '../../../contracts/secrets/redact.ts';
import type { Pool } from '../../pool.ts';

/** Lists settled in one transaction. */
export const ROOM = 200;

export interface Settling {
  readonly marksDeletions: boolean;
  readonly allowsEmpty: boolean;
}

/** Settles all lists of a node, in batches; what was settled before stays settled. */
export async function settleLists(pool: Pool, runId: string, node: string, how: Settling): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ settled: number }>({
      name: 'settle_lists',
      text: 'select sluice.settle_lists($1, $2, $3, $4, $5) as settled',
      values: [runId, node, how.marksDeletions, how.allowsEmpty, ROOM],
    });
    if ((rows[0]?.settled ?? 0) < ROOM) return;
  }
}

/** Rows of a tree that are taken out at once. */
const ROOM_BELOW = 5_000;

/** Settles what a tree has below rows that are gone. */
export async function settleBelow(pool: Pool, runId: string, node: string): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ taken: number }>({
      name: 'settle_below',
      text: 'select sluice.settle_below($1, $2, $3) as taken',
      values: [runId, node, ROOM_BELOW],
    });
    if ((rows[0]?.taken ?? 0) === 0) return;
  }
}

/** What a list is known by from run to run. */
export interface ListNames {
  readonly account: string;
  readonly resource: string;
  readonly parentKey: string;
}

/** A checkpoint that the third party does not know any more is forgotten; its list is read from the beginning then. */
export async function forgetCheckpoint(pool: Pool, of: ListNames, checkpoint: string, reason: string): Promise<void> {
  await pool.query(
    `update sluice.list set kept = nullif(kept - 'checkpoint', '{}'), expired_at = clock_timestamp(), expired_reason = $5
     where account = $1 and resource = $2 and parent_key = $3 and kept->>'checkpoint' = $4`,
    [of.account, of.resource, of.parentKey, checkpoint, cleanText(redact(reason), 1_000)],
  );
}

/** A list that was asked from its watermark in vain is read from the beginning, which sets a new one. */
export async function forgetWatermark(pool: Pool, of: ListNames, reason: string): Promise<void> {
  await pool.query(
    `update sluice.list set watermark = null, expired_at = clock_timestamp(), expired_reason = $4
     where account = $1 and resource = $2 and parent_key = $3`,
    [of.account, of.resource, of.parentKey, cleanText(redact(reason), 1_000)],
  );
}

export interface KnownRows {
  readonly sync: string;
  readonly rows: readonly { readonly key: string; readonly data: unknown }[];
}

// By the record's key, from where the node has got to. Nothing in full runs, and when no list had a watermark. A retry goes on with what its
// runs have asked for. What hangs below a row that is gone is not asked for.
const KNOWN = `
  select r.sync, coalesce((
    select jsonb_agg(k) from (
      select t.key, t.data from sluice.record t
      where t.account = r.account and t.resource = n.resource and t.key > coalesce(n.opened_to, '')
        and t.deleted_at is null and t.run_id <> r.id
        and (n.parent is null or not sluice.is_cut_off(r.account, n.resource, t.key, t.unit_id))
      order by t.key limit $3
    ) k), '[]') as rows
  from sluice.run r join sluice.node n on n.run_id = r.id and n.name = $2
  where r.id = $1 and r.mode = 'incremental'
    and exists (select 1 from sluice.unit u where u.run_id = any (r.id || r.retry_of) and u.node = $2 and u.since is not null)`;

/** The next rows that a node's lists did not bring in this run but in an earlier one. */
export async function knownRows(pool: Pool, runId: string, node: string): Promise<KnownRows | undefined> {
  const { rows } = await pool.query<KnownRows>(KNOWN, [runId, node, ROOM]);
  return rows[0]?.rows.length ? rows[0] : undefined;
}

/** Opens the units that such rows bring to the node's children. */
export async function openKnown(
  pool: Pool,
  runId: string,
  node: string,
  children: readonly ChildUnit[],
  upTo: string,
): Promise<void> {
  await pool.query('select sluice.open_known($1, $2, $3, $4)', [runId, node, JSON.stringify(children), upTo]);
}

const CHILDREN = `
  select r.sync, c.name from sluice.run r join sluice.node c on c.run_id = r.id and c.parent = $2
  where r.id = $1 order by c.ordinal`;

/** The children of a node to which earlier runs may owe lists. */
export async function mayBeOwed(pool: Pool, runId: string, node: string): Promise<{ sync: string; name: string }[]> {
  const { rows } = await pool.query<{ sync: string; name: string }>(CHILDREN, [runId, node]);
  return rows;
}

export interface OwedLists {
  /** The run that left them unread, and the last of its units that was looked at. */
  readonly run: string;
  readonly upto: number;
  readonly lists: readonly { readonly key: string; readonly record: string; readonly data: unknown }[];
}

/** The next lists of a node that earlier runs have left unread, with the rows of their parents; null when all are taken. */
export async function owedLists(pool: Pool, runId: string, node: string): Promise<OwedLists | null> {
  const { rows } = await pool.query<{ owed: OwedLists | null }>('select sluice.owed_lists($1, $2, $3) as owed', [
    runId,
    node,
    ROOM,
  ]);
  return rows[0]?.owed ?? null;
}

/** Opens the units of such lists in this run. Without `of` it notes that all have been taken over. */
export async function takeOver(
  pool: Pool,
  runId: string,
  node: string,
  lists: readonly (readonly [key: string, record: string])[],
  of?: OwedLists,
): Promise<void> {
  await pool.query('select sluice.take_over($1, $2, $3, $4, $5)', [
    runId,
    node,
    JSON.stringify(lists),
    of?.run ?? null,
    of?.upto ?? null,
  ]);
}
