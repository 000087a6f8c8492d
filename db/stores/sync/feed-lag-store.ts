/**
 * What holds the change feed back: rows of a transaction are shown when all older ones have ended, in whichever database of the server.
 * Used by: `client/connect.ts`.
 */
import type { Queryable } from '../../pool.ts';

export interface FeedLag {
  /**
   * Changes that were stored longer ago than this, in milliseconds, can all be read; 0 when nothing holds the feed back. Null when the
   * role may not see how old the transaction of `heldBy` is: it needs `pg_read_all_stats`.
   */
  readonly behindMs: number | null;
  /** The oldest transaction that is still open, and has written or is going to; null when there is none. */
  readonly heldBy: {
    readonly database: string;
    /** Of its connection; null for one that was prepared. */
    readonly pid: number | null;
    /** Name of its program, or of the prepared transaction. */
    readonly application: string;
    /** `active`, `idle in transaction`, `prepared`; null when the role may not see it. */
    readonly state: string | null;
  } | null;
}

interface OldestRow {
  readonly pid: number | null;
  readonly database: string;
  readonly application: string;
  readonly state: string | null;
  readonly behindMs: number | null;
}

const OLDEST = `
  select pid, database, application, state,
    greatest(0, extract(epoch from clock_timestamp() - since) * 1000)::float8 as "behindMs"
  from (
    select a.pid, coalesce(a.datname, '') as database, a.application_name as application, a.state, a.xact_start as since, age(a.backend_xid) as years
      from pg_stat_activity a where a.backend_xid is not null and a.pid <> pg_backend_pid()
    union all
    select null, p.database, p.gid, 'prepared', p.prepared, age(p.transaction) from pg_prepared_xacts p
  ) open order by years desc limit 1`;

export async function readFeedLag(db: Queryable): Promise<FeedLag> {
  const { rows } = await db.query<OldestRow>(OLDEST);
  const [oldest] = rows;
  if (!oldest) return { behindMs: 0, heldBy: null };
  const { behindMs, ...heldBy } = oldest;
  return { behindMs, heldBy };
}
