/**
 * Rows in quarantine: looked at, taken out as rows that fit now, or dropped. `sluice.set_aside` puts them in.
 * Used by: `client/quarantine.ts`.
 */
import { checkLimit, checkPlace } from '../../../contracts/values/list-page.ts';
import type { AsideRow } from '../../../contracts/answers/aside.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import type { Queryable } from '../../pool.ts';

export interface QuarantineFilter {
  readonly account?: string;
  /** Name of a sync. */
  readonly sync?: string;
  /** Name of a node, within its sync. */
  readonly node?: string;
  /** Whose the account is. */
  readonly tenant?: string;
  /** `id` of the last row that was seen. */
  readonly after?: number;
  /** 1 … 1,000. Default 100. */
  readonly limit?: number;
}

export interface QuarantinedRow extends AsideRow {
  readonly id: number;
  readonly sync: string;
  readonly node: string;
  readonly account: string;
  /** '' for a root. */
  readonly parentKey: string;
  readonly parentRecord: string | null;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
}

// Of the run that brought it.
const TENANT = `
  select coalesce(a.tenant, u.tenant, u.account) from sluice.run u left join sluice.account a using (provider, account)
  where u.id = q.run_id`;

// By its primary key. A row that was stored after it had been set aside fits by now.
const LIST = `
  select q.id, q.sync, q.node, q.account, q.parent_key as "parentKey", q.parent_record as "parentRecord", q.name, q.path, q.reason,
    q.row_text as row, q.frame, q.place, q.first_seen_at as "firstSeenAt", q.last_seen_at as "lastSeenAt"
  from sluice.quarantine q
  where ($1::text is null or q.account = $1) and ($2::text is null or q.sync = $2) and ($3::text is null or q.node = $3) and q.id > $4
    and ($6::text is null or $6 = (${TENANT}))
    and not exists (select 1 from sluice.record r where r.account = q.account and r.resource = q.resource and r.key = q.name
      and r.last_seen_at > q.last_seen_at)
  order by q.id limit $5`;

/** Oldest first. @throws TypeError when `limit` is out of range. */
export async function listQuarantine(db: Queryable, filter: QuarantineFilter = {}): Promise<QuarantinedRow[]> {
  const { account, sync, node, tenant, after = 0, limit = 100 } = filter;
  checkLimit(limit);
  checkPlace(after, 'a row in quarantine');
  const { rows } = await db.query<QuarantinedRow & { firstSeenAt: Date; lastSeenAt: Date }>(LIST, [
    account ?? null,
    sync ?? null,
    node ?? null,
    after,
    limit,
    tenant ?? null,
  ]);
  return rows.map((row) => ({
    ...row,
    firstSeenAt: row.firstSeenAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
  }));
}

// The row's list is of a row, or a root's.
const PARENT = `
  select case when q.parent_record is null then (select u.input from sluice.run u where u.id = q.run_id)
    else (select p.data from sluice.record p where p.account = q.account and p.resource = $2 and p.key = q.parent_record) end as parent
  from sluice.quarantine q where q.id = $1`;

/**
 * What its node's functions are given as the parent of a row in quarantine: the latest version of the parent's row, or the run's input.
 * @param resource where the parent's row is stored.
 * @returns undefined or null when it is not there any more.
 */
export async function readParent(db: Queryable, id: number, resource: string | undefined): Promise<unknown> {
  const { rows } = await db.query<{ parent: unknown }>(PARENT, [id, resource ?? '']);
  return rows[0]?.parent;
}

/** Stores it as a row that fits. @returns `newer` when a later version is there already; null when it is not in quarantine. */
export async function releaseRow(
  db: Queryable,
  id: number,
  row: { readonly key: string; readonly data: unknown; readonly isMember: boolean },
): Promise<'stored' | 'newer' | null> {
  const { rows } = await db.query<{ state: 'stored' | 'newer' | null }>(
    'select sluice.release_row($1, $2, $3, $4) as state',
    [id, row.key, JSON.stringify(row.data), row.isMember],
  );
  return rows[0]?.state ?? null;
}

/** Says anew why it does not fit. */
export async function noteMisfit(db: Queryable, id: number, reason: string): Promise<void> {
  await db.query('update sluice.quarantine set reason = $2 where id = $1', [id, cleanText(reason, 500)]);
}

/** @returns how many were there. */
export async function dropQuarantined(db: Queryable, ids: readonly number[], tenant?: string): Promise<number> {
  const sql = `delete from sluice.quarantine q where id = any ($1) and ($2::text is null or $2 = (${TENANT}))`;
  const { rowCount } = await db.query(sql, [ids, tenant ?? null]);
  return rowCount ?? 0;
}
