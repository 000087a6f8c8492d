/**
 * What is known of each list from run to run, for people: looked at, and taken back. `sluice.settle_lists` keeps it.
 * Used by: `client/state.ts`.
 */
import { checkLimit } from '../../../contracts/values/list-page.ts';
import type { KnownList } from '../../../contracts/list.ts';
import type { Queryable } from '../../pool.ts';

export interface StateFilter {
  readonly account: string;
  /** Name of a sync. */
  readonly sync?: string;
  /** Name of a node, within its sync. */
  readonly node?: string;
  /** Key of the parent whose list it is; '' for the list of a root. */
  readonly parentKey?: string;
}

// By its primary key; the names of syncs and nodes have no dot.
const OF = `
  k.account = $1 and ($2::text is null or split_part(k.resource, '.', 1) = $2)
  and ($3::text is null or split_part(k.resource, '.', 2) = $3) and ($4::text is null or k.parent_key = $4)`;

const LIST = `
  select k.resource, k.parent_key, k.rows, k.watermark, k.run_id, k.read_at, k.reset_at from sluice.list k
  where ${OF} and ($5::text is null or (k.resource, k.parent_key) > ($5, $6))
  order by k.resource, k.parent_key limit $7`;

/** In the order of sync, node and key. @throws TypeError when `after` was not given by this function, or `limit` is out of range. */
export async function listState(
  db: Queryable,
  of: StateFilter,
  { after, limit = 100 }: { readonly after?: string; readonly limit?: number } = {},
): Promise<KnownList[]> {
  checkLimit(limit);
  const [, resource, key] = after === undefined ? [] : (/^([^/]+)\/(.*)$/s.exec(after) ?? []);
  if (after !== undefined && resource === undefined)
    throw new TypeError(`\`after\` is ${JSON.stringify(after)}; pass the \`place\` of a list.`);
  const values = [...valuesOf(of), resource ?? null, key ?? null, limit];
  const { rows } = await db.query<StateRow>(LIST, values);
  return rows.map((row) => toKnownList(of.account, row));
}

// Lists are locked in the order in which `settle_lists` locks those of a node.
const RESET = `
  with picked as (
    select k.resource, k.parent_key from sluice.list k where ${OF} order by k.resource, k.parent_key for update
  )
  update sluice.list k set watermark = null, kept = null, reset_at = clock_timestamp(), rows = case when $5 then 0 else k.rows end
  from picked p where k.account = $1 and k.resource = p.resource and k.parent_key = p.parent_key`;

// What `sluice.had_rows` counts. A run that is going on may bring more, and is left as it is. Those of lists that are known to their end
// are not counted. Indexes: run_by_account, then the units of each run by its node.
const FORGET = `
  with ended as (
    select r.id from sluice.run r where r.account = $1 and ($2::text is null or r.sync = $2) and r.ended_at is not null
    order by r.started_at desc limit 1000
  ), forgotten as (
    update sluice.unit u set is_forgotten = true
    from ended, sluice.node n
    where n.run_id = ended.id and ($3::text is null or split_part(n.resource, '.', 2) = $3)
      and u.run_id = n.run_id and u.node = n.name and ($4::text is null or u.parent_key = $4) and u.rows > 0 and not u.is_forgotten
    returning n.resource, u.parent_key
  )
  select count(distinct (f.resource, f.parent_key))::int as lists from forgotten f
  where not exists (
    select 1 from sluice.list k where k.account = $1 and k.resource = f.resource and k.parent_key = f.parent_key)`;

/**
 * Takes the watermarks of lists away. @param forgetsRows also that they had rows: for lists that were never read to their end, too.
 * @returns how many lists there are.
 */
export async function resetState(db: Queryable, of: StateFilter, forgetsRows: boolean): Promise<number> {
  const { rowCount } = await db.query(RESET, [...valuesOf(of), forgetsRows]);
  if (!forgetsRows) return rowCount ?? 0;
  const { rows } = await db.query<{ lists: number }>(FORGET, valuesOf(of));
  return (rowCount ?? 0) + (rows[0]?.lists ?? 0);
}

function valuesOf({ account, sync, node, parentKey }: StateFilter): (string | null)[] {
  return [account, sync ?? null, node ?? null, parentKey ?? null];
}

interface StateRow {
  resource: string;
  parent_key: string;
  rows: number;
  watermark: string | number | null;
  run_id: string;
  read_at: Date;
  reset_at: Date | null;
}

function toKnownList(account: string, row: StateRow): KnownList {
  const [sync = '', node = ''] = row.resource.split('.');
  return {
    place: `${row.resource}/${row.parent_key}`,
    account,
    sync,
    node,
    parentKey: row.parent_key,
    rows: row.rows,
    watermark: row.watermark,
    readAt: row.read_at.toISOString(),
    runId: row.run_id,
    resetAt: row.reset_at?.toISOString() ?? null,
  };
}
