/**
 * What a worker and a client need of the database: rows and functions of the schema, no right to change it. Objects that a later
 * migration of the same owner makes are included. Used by: `sluice migrate --grant`.
 */
import { escapeIdentifier } from 'pg';
import type { Queryable } from './pool.ts';

/** @throws DatabaseError when the role does not exist, or this one may not grant. */
export async function grantRuntime(db: Queryable, role: string): Promise<void> {
  const to = escapeIdentifier(role);
  await db.query(`
    grant usage on schema sluice to ${to};
    grant select, insert, update, delete on all tables in schema sluice to ${to};
    revoke insert, update, delete on sluice.migration from ${to};
    grant usage, select on all sequences in schema sluice to ${to};
    grant execute on all functions in schema sluice to ${to};
    alter default privileges in schema sluice grant select, insert, update, delete on tables to ${to};
    alter default privileges in schema sluice grant usage, select on sequences to ${to};
    alter default privileges in schema sluice grant execute on functions to ${to};`);
}
