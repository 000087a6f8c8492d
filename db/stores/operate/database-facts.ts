/**
 * How a Postgres server and a database are set up, as far as Sluice depends on it. Reads catalogs and settings only, each part on its
 * own: a role that may not read one of them still learns the others. Next: `client/doctor/database-checks.ts` judges it.
 */
import type { Queryable } from '../../pool.ts';

export interface DatabaseFacts {
  /** e.g. 160004. */
  readonly version: number;
  readonly encoding: string;
  readonly role: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly isStandby: boolean;
  /** The database's clock in epoch milliseconds. */
  readonly clockMs: number;
  /** Connections that this role can have at most, in this database, beside those that are reserved. */
  readonly connections: number;
  /** Connections of others that count against that now. */
  readonly connectionsOfOthers: number;
  /** How long the oldest transaction has been open, and whose it is; null: none is. */
  readonly oldestTransaction: { readonly ageMs: number; readonly whose: string } | null;
}

const SETTINGS = [
  'synchronous_commit',
  'fsync',
  'full_page_writes',
  'autovacuum',
  'track_counts',
  'default_transaction_isolation',
  'default_transaction_read_only',
];

const FACTS = `
  select current_setting('server_version_num')::int as version, pg_encoding_to_char(d.encoding) as encoding, current_user as role,
    (select jsonb_object_agg(name, setting) from pg_settings where name = any ($1)) as settings,
    pg_is_in_recovery() as "isStandby",
    least(
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
      nullif(d.datconnlimit, -1), nullif(r.rolconnlimit, -1)) as connections,
    (select count(*)::int from pg_stat_activity a where a.backend_type = 'client backend'
       and a.application_name not like 'sluice-%') as "connectionsOfOthers",
    (select jsonb_build_object('ageMs', extract(epoch from clock_timestamp() - a.xact_start) * 1000,
         'whose', format('%s (%s, pid %s)', coalesce(nullif(a.application_name, ''), 'unnamed'), a.usename, a.pid))
       from pg_stat_activity a where a.xact_start is not null and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
      order by a.xact_start limit 1) as "oldestTransaction",
    (extract(epoch from clock_timestamp()) * 1000)::float8 as "clockMs"
  from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user`;

export async function readDatabaseFacts(db: Queryable): Promise<DatabaseFacts> {
  const { rows } = await db.query<DatabaseFacts>(FACTS, [SETTINGS]);
  return rows[0] as DatabaseFacts;
}

/** What this role lacks on Sluice's schema, e.g. `update on record`; empty: nothing. */
export async function missingPrivileges(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ lacks: string }>(PRIVILEGES);
  return rows.map(({ lacks }) => lacks);
}

const PRIVILEGES = `
  select 'usage on schema sluice' as lacks where not has_schema_privilege('sluice', 'usage')
  union all
  select p.privilege || ' on ' || c.relname from pg_class c cross join unnest(array['select', 'insert', 'update', 'delete']) p (privilege)
   where c.relnamespace = to_regnamespace('sluice') and c.relkind = 'r' and (c.relname <> 'migration' or p.privilege = 'select')
     and not has_table_privilege(c.oid, p.privilege)
  union all
  select 'usage on ' || c.relname from pg_class c where c.relnamespace = to_regnamespace('sluice')
     and case when c.relkind = 'S' then not has_sequence_privilege(c.oid, 'usage') else false end
  union all
  select 'execute on ' || f.proname || '()' from pg_proc f where f.pronamespace = to_regnamespace('sluice')
     and not has_function_privilege(f.oid, 'execute')
  order by 1`;

export interface TableHealth {
  readonly table: string;
  readonly rows: number;
  readonly dead: number;
  /** Of this table alone. */
  readonly isAutovacuumOff: boolean;
  /** ISO time; null: never. */
  readonly lastVacuum: string | null;
}

/** Tables that change with every page or permit: what is dead in them slows every read. */
const BUSY = ['record', 'unit', 'node', 'limit_bucket', 'limit_ticket'];

export async function readTableHealth(db: Queryable): Promise<TableHealth[]> {
  const { rows } = await db.query<TableHealth>(
    `select c.relname as table, s.n_live_tup::float8 as rows, s.n_dead_tup::float8 as dead,
       coalesce('autovacuum_enabled=false' = any (c.reloptions), false) as "isAutovacuumOff",
       to_char(greatest(s.last_vacuum, s.last_autovacuum) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lastVacuum"
     from pg_class c join pg_stat_all_tables s on s.relid = c.oid
     where c.relnamespace = to_regnamespace('sluice') and c.relname = any ($1) order by c.relname`,
    [BUSY],
  );
  return rows;
}

/** A secret for each key that encrypted any, and how many it has. Index: credential_by_key. */
export async function secretsByKey(
  db: Queryable,
): Promise<{ readonly keyId: string; readonly secrets: number; readonly blob: Buffer }[]> {
  const { rows } = await db.query<{ keyId: string; secrets: number; blob: Buffer }>(
    `select key_id as "keyId", count(*)::int as secrets, (array_agg(secret))[1] as blob from
       (select key_id, secret from sluice.credential union all select key_id, secret from sluice.revocation) held
     group by 1 order by 1`,
  );
  return rows;
}

/** The clock that all processes have in common, in epoch milliseconds. */
export async function databaseTime(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ ms: number }>(
    'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
  );
  return rows[0]!.ms;
}
