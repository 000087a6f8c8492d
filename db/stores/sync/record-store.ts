/**
 * The records that syncs stored, read back as a change feed: inserts, updates and deletes in order, resumable.
 * Next: `db/functions/feed/read-feed.sql`.
 */
import { createHash } from 'node:crypto';
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

/**
 * This cursor leads nowhere. The database does not know that it was ever handed out. It was put back to an earlier
 * moment, a failover has lost its last changes, or it is another database. Or deletions behind it were removed, because
 * they were older than they are kept. What its reader has seen may not be there any more.
 */
export class CursorLost extends Error {
  override readonly name = 'CursorLost';

  constructor(after: string, feed: string, why: string) {
    super(
      `\`after\` is ${JSON.stringify(after)}, ${why} (${feed}). Read the feed from its beginning, without \`after\`, and forget what it ` +
        'does not bring.',
    );
  }
}

/** By the state that `sluice.read_feed` raises. */
const LOST: Readonly<Record<string, string>> = {
  SL001: 'which this database has never handed out: it was put back to an earlier moment, or it is another one',
  SL002:
    'and deletions behind it were removed since: its reader was away for longer than they are kept (`retention.deletionDays`)',
};
const READ = `
  select cursor_era, cursor_reading, cursor_begun::text, tx::text, seq, key, data, first_seen_at, last_seen_at, changed_at, deleted_at
  from sluice.read_feed($1, $2, $3, $4, $5, $6, $7, $8)`;

/**
 * Up to `limit` changes after a sequence, oldest first; an empty list means that the reader has caught up.
 * A row that changed several times appears once, with its latest version.
 * @throws TypeError when `after` was made by no feed, or by one of another node or account. CursorLost when this
 *   database never handed it out, or has removed deletions behind it.
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
  const { account, resource, after, limit } = of;
  const feed = createHash('sha256').update(`${account}/${resource}`).digest('hex').slice(0, 6);
  const { rows } = await db
    .query({ name: 'read_feed', text: READ, values: [account, resource, ...parseSequence(after, feed), limit] })
    .catch((error: unknown) => {
      const why = LOST[(error as { code?: string }).code ?? ''];
      if (why === undefined) throw error;
      throw new CursorLost(String(after), `${resource} of ${account}`, why);
    });
  return (rows as ChangeRow[]).map((row) => ({
    sequence: `${row.cursor_era}-${feed}-${row.cursor_reading}-${row.cursor_begun}-${row.tx}-${row.seq}`,
    key: row.key,
    data: row.data,
    change: row.deleted_at ? 'delete' : 'upsert',
    firstSeenAt: row.first_seen_at.toISOString(),
    lastSeenAt: row.last_seen_at.toISOString(),
    changedAt: row.changed_at.toISOString(),
  }));
}

interface ChangeRow {
  cursor_era: string;
  cursor_reading: number;
  cursor_begun: string;
  tx: string;
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

type Cursor = readonly [era: string | null, reading: string | null, begun: string | null, tx: string, seq: string];

function parseSequence(after: string | undefined, feed: string): Cursor {
  if (after === undefined) return [null, null, null, '0', '0'];
  const [, era, its, reading, begun, tx, seq] =
    /^([0-9a-f]{8})-([0-9a-f]{6})-(\d{1,18})-(\d{1,18})-(\d{1,18})-(\d{1,18})$/.exec(after) ?? [];
  if (
    era === undefined ||
    its === undefined ||
    reading === undefined ||
    begun === undefined ||
    tx === undefined ||
    seq === undefined
  )
    throw new TypeError(
      `\`after\` is ${JSON.stringify(after)}; pass the \`sequence\` of a record that this feed returned.`,
    );
  if (its !== feed)
    throw new TypeError(
      `\`after\` is ${JSON.stringify(after)}, a place in the feed of another node or account; keep one for each of them.`,
    );
  return [era, reading, begun, tx, seq];
}
