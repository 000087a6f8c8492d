/**
 * The records that syncs stored, read back as a change feed: inserts, updates and deletes in order, resumable.
 */
import type { Queryable } from '../../pool.ts';

export interface RecordRow {
  /** Where to go on reading: pass it as `after`. */
  readonly sequence: string;
  readonly key: string;
  readonly data: unknown;
  readonly change: 'upsert' | 'delete';
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly changedAt: string;
}

// (tx, seq) is the order. Only rows of transactions that are older than every one still running are shown, so that a
// row which commits late can never appear behind a reader. Index: record_feed; conditions on account and resource by
// themselves would let the primary key be used, and all rows be read and sorted. (The text of tx has a name of its own:
// `order by tx` would otherwise sort the text.)
const CHANGES = `
  select tx::text as tx_text, seq, key, data, first_seen_at, last_seen_at, changed_at, deleted_at
  from sluice.record
  where (account || '/' || resource) = $1 || '/' || $2
    and (tx, seq) > ($3::xid8, $4::bigint) and tx < pg_snapshot_xmin(pg_current_snapshot())
  order by (account || '/' || resource), tx, seq limit $5`;

/**
 * Up to `limit` changes after a sequence, oldest first; an empty list means that the reader has caught up.
 * A row that changed several times appears once, with its latest version.
 * @throws TypeError when `after` was not made by this feed.
 */
export async function readChanges(
  db: Queryable,
  of: {
    readonly account: string;
    readonly resource: string;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<RecordRow[]> {
  const [tx, seq] = parseSequence(of.after);
  const { rows } = await db.query(CHANGES, [of.account, of.resource, tx, seq, of.limit]);
  return (rows as ChangeRow[]).map((row) => ({
    sequence: `${row.tx_text}-${row.seq}`,
    key: row.key,
    data: row.data,
    change: row.deleted_at ? 'delete' : 'upsert',
    firstSeenAt: row.first_seen_at.toISOString(),
    lastSeenAt: row.last_seen_at.toISOString(),
    changedAt: row.changed_at.toISOString(),
  }));
}

interface ChangeRow {
  tx_text: string;
  seq: number;
  key: string;
  data: unknown;
  first_seen_at: Date;
  last_seen_at: Date;
  changed_at: Date;
  deleted_at: Date | null;
}

/** How many records are stored and not deleted. Counts them: for reports and tests, not for hot paths. */
export async function countRecords(db: Queryable, account: string, resource: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    'select count(*) as n from sluice.record where account = $1 and resource = $2 and deleted_at is null',
    [account, resource],
  );
  return rows[0]?.n ?? 0;
}

function parseSequence(after: string | undefined): [string, string] {
  if (after === undefined) return ['0', '0'];
  const match = /^(\d+)-(\d+)$/.exec(after);
  if (!match?.[1] || !match[2])
    throw new TypeError(
      `\`after\` is ${JSON.stringify(after)}; pass the \`sequence\` of a record that this feed returned.`,
    );
  return [match[1], match[2]];
}
