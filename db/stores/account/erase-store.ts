/**
 * Everything that is stored of one account at one provider, and its end. A table that has an account is either deleted from here or
 * kept for a reason; `test/postgres/accounts/erase-tables.test.ts` compares with the schema. Used by: `client/erase/erase-account.ts`.
 */
import type { Pool, Queryable } from '../../pool.ts';
import type { AccountRef } from './account-store.ts';

/** `$1` provider, `$2` account, `$3` names of its syncs. */
type Which = string;

const OF_SYNC = `account = $2 and sync = any ($3)`;
const OF_RESOURCE = `account = $2 and split_part(resource, '.', 1) = any ($3)`;
/** The keys of a provider that are this account's own: one of the values that they are counted by is its name. */
const OWN_BUCKETS = `
  select id from sluice.limit_bucket where starts_with(key, $1 || '/') and $2 <> 'app'
    and replace(replace($2, '%', '%25'), '/', '%2F') = any ((string_to_array(key, '/'))[3:])`;

/** A saga of the account whose steps are all at other providers. */
const IS_OTHERS = `(
  exists (select 1 from sluice.action_step s where s.root_workflow_id = saga.workflow_id)
  and not exists (select 1 from sluice.action_step s where s.root_workflow_id = saga.workflow_id and s.provider = $1))`;

/** In the order in which they go: what others are found by goes last, so that an erasure that was cut off finds the rest. */
export const ERASED: Readonly<Record<string, Which>> = {
  record: OF_RESOURCE,
  member: OF_RESOURCE,
  list: OF_RESOURCE,
  quarantine: OF_SYNC,
  feed_reading: OF_RESOURCE,
  feed_trim: OF_RESOURCE,
  page_size: `provider = $1 and account = $2`,
  limit_ticket: `account = $2 and bucket_id in (select id from sluice.limit_bucket where starts_with(key, $1 || '/'))`,
  limit_account: `account = $2 and bucket_id in (select id from sluice.limit_bucket where starts_with(key, $1 || '/'))`,
  limit_event: `bucket_id in (${OWN_BUCKETS})`,
  limit_pace: `bucket_id in (${OWN_BUCKETS})`,
  limit_bucket: `id in (${OWN_BUCKETS})`,
  entity_lock: `account = $2 and case kind when 'saga' then not exists (
      select 1 from sluice.saga where saga.workflow_id = entity_lock.root_workflow_id and ${IS_OTHERS})
    else name = any ($3) or starts_with(name, $1 || '/') end`,
  due: `account = $2 and schedule in (select id from sluice.declaration where provider = $1)`,
  // By its subject: `sync/account` or `provider/account`.
  alert: `subject = $1 || '/' || $2 or subject = any (select s || '/' || $2 from unnest($3::text[]) s)`,
  // Its steps and reports go by it.
  saga: `account = $2 and not ${IS_OTHERS}`,
  action_step: `provider = $1 and account = $2`,
  report: `account = $2 and case kind when 'sync' then name = any ($3) when 'action' then starts_with(name, $1 || '/')
    else not exists (select 1 from sluice.saga s where s.workflow_id = report.workflow_id) end`,
  unit: `run_id in (select id from sluice.run where provider = $1 and account = $2)`,
  run: `provider = $1 and account = $2`,
  login: `provider = $1 and account = $2`,
  account: `provider = $1 and account = $2`,
};

/** Who did what with it: kept for as long as their tables keep rows. */
export const KEPT: Readonly<Record<string, Which>> = {
  audit: `account = $2 and (subject = $1 || '/' || $2 or split_part(split_part(subject, '/', 2), '.', 1) = any ($3)
    or starts_with(subject, 'action/' || $1 || '/') or subject_kind = 'saga')`,
  secret_use: `provider = $1 and account = $2`,
};

/** Go with the account, or wait for the third party to be told. */
export const WITH_ACCOUNT: readonly string[] = ['credential', 'revocation'];

const STEP = 5_000;

/** Syncs that have stored something of the account and are not only another provider's. */
export async function syncsOfAccount(db: Queryable, { provider, account }: AccountRef): Promise<string[]> {
  const { rows } = await db.query<{ sync: string }>(
    `with seen (sync) as (
       select sync from sluice.run where account = $2
       union select split_part(resource, '.', 1) from sluice.list where account = $2
       union select split_part(resource, '.', 1) from sluice.record where account = $2
       union select sync from sluice.quarantine where account = $2
       union select name from sluice.report where account = $2 and kind = 'sync')
     select sync from seen where exists (
         select 1 from sluice.run r where r.account = $2 and r.sync = seen.sync and r.provider = $1)
       or not exists (select 1 from sluice.run r where r.sync = seen.sync and r.provider <> $1)
     order by sync`,
    [provider, account],
  );
  return rows.map(({ sync }) => sync);
}

/** Workflows that may be open: runs that have not ended, and whatever has a pending report. */
export async function openWorkflowsOf(db: Queryable, of: AccountRef, syncs: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select workflow_id as id from sluice.run where provider = $1 and account = $2 and state in ('running', 'paused')
     union select workflow_id from sluice.report where account = $2 and status = 'pending' and case kind
       when 'sync' then name = any ($3) when 'action' then starts_with(name, $1 || '/')
       else not exists (select 1 from sluice.saga where saga.workflow_id = report.workflow_id and ${IS_OTHERS}) end
     union select root_workflow_id from sluice.action_step where provider = $1 and account = $2 and ended_at is null`,
    [of.provider, of.account, syncs],
  );
  return rows.map(({ id }) => id);
}

/** Sagas of the account that have nothing to do with this provider. */
export async function sagasOfOthers(db: Queryable, { provider, account }: AccountRef): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select workflow_id as id from sluice.saga where account = $2 and ${IS_OTHERS}`,
    [provider, account],
  );
  return rows.map(({ id }) => id);
}

/** Whether it was connected or erased before, though nothing else is left of it. The row of an erasure that is at work says nothing. */
export async function wasOnceKnown(db: Queryable, { provider, account }: AccountRef): Promise<boolean> {
  const { rows } = await db.query<{ known: boolean }>(
    `select exists (select 1 from sluice.secret_use where provider = $1 and account = $2)
       or exists (select 1 from sluice.audit where subject = $1 || '/' || $2 and subject_kind = 'account' and act = 'accounts.erase'
         and (outcome = 'failed' or after->>'wasKnown' = 'true')) as known`,
    [provider, account],
  );
  return rows[0]?.known === true;
}

/** In steps of some thousand rows, so that no transaction is long. @returns how many, by table. */
export async function eraseRows(
  pool: Pool,
  { provider, account }: AccountRef,
  syncs: readonly string[],
): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const [table, which] of Object.entries(ERASED)) {
    const values = valuesOf(which, [provider, account, syncs]);
    const sql = `delete from sluice.${table} where ctid = any (array(select ctid from sluice.${table} where ${values.which} limit ${STEP}))`;
    for (;;) {
      const { rowCount } = await pool.query(sql, values.values);
      const count = rowCount ?? 0;
      if (count > 0) deleted[table] = (deleted[table] ?? 0) + count;
      if (count < STEP) break;
    }
  }
  return deleted;
}

/** Takes out of the audit what the account had; who did what, and when, stays. The erasures themselves say only numbers. */
export async function clearAudit(
  db: Queryable,
  { provider, account }: AccountRef,
  syncs: readonly string[],
): Promise<void> {
  await db.query(
    `update sluice.audit set before = null, after = null, why = null, error = null
     where ${KEPT['audit']} and act <> 'accounts.erase'`,
    [provider, account, syncs],
  );
}

export interface RowsLeft {
  readonly rows: Readonly<Record<string, number>>;
  readonly kept: Readonly<Record<string, number>>;
  readonly at: string;
}

/** A revocation that waits; else what became of the one after its last connection. */
export async function readRevocation(
  db: Queryable,
  { provider, account }: AccountRef,
): Promise<'waiting' | 'told' | 'not-told' | 'none'> {
  const { rows } = await db.query<{ waits: boolean; what: string | null }>(
    `select exists (select 1 from sluice.revocation where provider = $1 and account = $2) as waits,
       (select u.what from sluice.secret_use u where u.provider = $1 and u.account = $2 and u.what in ('revoked', 'revocation-failed')
          and not exists (select 1 from sluice.secret_use c
            where c.provider = $1 and c.account = $2 and c.what = 'connected' and c.last_at > u.last_at)
        order by u.last_at desc limit 1) as what`,
    [provider, account],
  );
  const { waits = false, what = null } = rows[0] ?? {};
  if (waits) return 'waiting';
  return what === 'revoked' ? 'told' : what === null ? 'none' : 'not-told';
}

/** Counts what there is of an account, whatever was done before. */
export async function countRows(db: Queryable, of: AccountRef, syncs: readonly string[]): Promise<RowsLeft> {
  const count = async (tables: Readonly<Record<string, Which>>): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (const [table, which] of Object.entries(tables)) {
      const values = valuesOf(which, [of.provider, of.account, syncs]);
      const { rows } = await db.query<{ n: number }>(
        `select count(*)::int as n from sluice.${table} where ${values.which}`,
        values.values,
      );
      if ((rows[0]?.n ?? 0) > 0) found[table] = rows[0]!.n;
    }
    return found;
  };
  const { rows } = await db.query<{ at: Date }>('select clock_timestamp() as at');
  return { rows: await count(ERASED), kept: await count(KEPT), at: (rows[0]?.at ?? new Date()).toISOString() };
}

/** Postgres wants every parameter used: those that a condition does not name are left out, and the others numbered anew. */
function valuesOf(which: Which, all: readonly unknown[]): { which: string; values: unknown[] } {
  const values: unknown[] = [];
  const renumbered = new Map<string, string>();
  const text = which.replaceAll(/\$(\d)/g, (name, digit: string) => {
    if (!renumbered.has(name)) {
      values.push(all[Number(digit) - 1]);
      renumbered.set(name, `$${values.length}`);
    }
    const numbered = renumbered.get(name) as string;
    return Array.isArray(all[Number(digit) - 1]) ? `${numbered}::text[]` : `${numbered}::text`;
  });
  return { which: text, values };
}
