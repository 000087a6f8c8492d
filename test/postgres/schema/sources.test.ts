/** The schema has one source: what migrations make is what `db/schema` and `db/functions` say. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Queryable } from '../../../db/pool.ts';
import { functionSources, tableSources } from '../../../db/sql-sources.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';

const everything = {
  columns: `select c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull, a.attstorage,
      a.attidentity, pg_get_expr(d.adbin, d.adrelid) as initial
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'sluice'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
      and c.relname <> 'migration' order by c.relname, a.attnum`,
  relations: `select relname, relkind, relpersistence, reloptions from pg_class
    where relnamespace = 'sluice'::regnamespace and relname not like 'migration%' order by relname`,
  indexes: `select tablename, indexname, indexdef from pg_indexes
    where schemaname = 'sluice' and tablename <> 'migration' order by indexname`,
  constraints: `select conname, pg_get_constraintdef(oid) as definition from pg_constraint
    where connamespace = 'sluice'::regnamespace and conrelid <> 'sluice.migration'::regclass order by conname`,
  sequences: `select sequencename, cache_size, increment_by from pg_sequences where schemaname = 'sluice' order by sequencename`,
  functions: `select proname, pg_get_functiondef(oid) as definition from pg_proc
    where pronamespace = 'sluice'::regnamespace order by proname`,
};

async function dump(db: Queryable): Promise<Record<keyof typeof everything, unknown[]>> {
  const parts: Record<string, unknown[]> = {};
  for (const [part, sql] of Object.entries(everything)) parts[part] = (await db.query(sql)).rows;
  return parts;
}

describe('the schema', () => {
  let migrated: TestDatabase;
  let fromSources: TestDatabase;
  beforeAll(async () => {
    [migrated, fromSources] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    const { pool } = fromSources;
    await pool.query('drop schema sluice cascade');
    await pool.query('create schema sluice; create table sluice.migration ()');
    for (const table of tableSources()) await pool.query(table);
    for (const { text } of functionSources()) await pool.query(`set check_function_bodies = off;\n${text}`);
  });
  afterAll(async () => {
    await Promise.all([migrated.drop(), fromSources.drop()]);
  });

  it('that migrations make is the one of the sources, tables and functions', async () => {
    const [made, meant] = await Promise.all([dump(migrated.pool), dump(fromSources.pool)]);
    for (const part of Object.keys(everything) as (keyof typeof everything)[]) {
      expect(made[part].length, part).toBeGreaterThan(0);
      expect(made[part], `${part}: run \`npm run freeze-sql\``).toEqual(meant[part]);
    }
  });

  it('pins the search path of every function, so that a function of somebody else’s schema is never called', async () => {
    const { rows } = await migrated.pool.query<{ proname: string }>(
      `select proname from pg_proc where pronamespace = 'sluice'::regnamespace
         -- A body that was parsed when it was made holds what its names meant then.
         and prosqlbody is null and not coalesce(proconfig @> array['search_path=pg_catalog'], false)`,
    );
    expect(rows).toEqual([]);
  });
});
