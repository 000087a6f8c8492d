/**
 * A Postgres server of a test's own that can be put back to an earlier moment, as from a snapshot of its disk; and the rows of one database
 * brought into another, as by `pg_dump` and `pg_restore`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createPool, migrate, type Pool } from '../../../db/index.ts';
import { ensurePostgres, type PostgresServer } from '../../../dev-servers/postgres/postgres.ts';
import { clusterFolder } from '../../../dev-servers/postgres/postgres-cluster.ts';

const run = promisify(execFile);

export interface RestorablePostgres {
  /** Of a migrated database; another one after `save` and `restore`. */
  pool(): Pool;
  url(): string;
  /** Remembers this moment. */
  save(): Promise<void>;
  /** Puts everything back to the moment that was saved. */
  restore(): Promise<void>;
  restart(): Promise<void>;
  end(): Promise<void>;
}

export async function startRestorablePostgres(): Promise<RestorablePostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-restore-'));
  const saved = `${folder}-saved`;
  // A server of its own, whatever server the environment names.
  const { DATABASE_URL: _, ...env } = process.env;
  let server: PostgresServer;
  let pool: Pool;
  const start = async (): Promise<void> => {
    server = await ensurePostgres({ dataDir: folder, env });
    pool = createPool(server.url, { max: 5, applicationName: 'sluice-test' });
  };
  const stop = async (): Promise<void> => {
    await pool.end();
    await server.stop();
  };
  await start();
  await migrate(pool!);
  return {
    pool: () => pool,
    url: () => server.url,
    save: async () => {
      await stop();
      await rm(saved, { recursive: true, force: true });
      await run('cp', ['-a', clusterFolder(folder), saved]);
      await start();
    },
    restore: async () => {
      await stop();
      await rm(clusterFolder(folder), { recursive: true, force: true });
      await run('cp', ['-a', saved, clusterFolder(folder)]);
      await start();
    },
    restart: async () => {
      await stop();
      await start();
    },
    end: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
      await rm(saved, { recursive: true, force: true });
    },
  };
}

/** So many transactions pass on the server. */
export async function passTransactions(pool: Pool, count: number): Promise<void> {
  await pool.query(`do $$ begin for i in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`);
}

/** All rows as they are, and sequences as far as they have counted, into a migrated database without rows. */
export async function dumpInto(from: Pool, to: Pool): Promise<void> {
  const { rows: tables } = await from.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'sluice'::regnamespace and c.relkind = 'r' and c.relname <> 'migration'`,
  );
  const client = await to.connect();
  try {
    // As pg_restore does it: references are not checked row by row.
    await client.query(`set session_replication_role = 'replica'`);
    for (const { name } of tables) {
      const { rows } = await from.query<{ row: unknown }>(`select to_jsonb(t) as row from sluice.${name} t`);
      await client.query(`delete from sluice.${name}`);
      await client.query(
        `insert into sluice.${name} overriding system value
         select (jsonb_populate_record(null::sluice.${name}, e)).* from jsonb_array_elements($1::jsonb) e`,
        [JSON.stringify(rows.map(({ row }) => row))],
      );
    }
    await client.query(`set session_replication_role = 'origin'`);
  } finally {
    client.release(true);
  }
  const { rows: sequences } = await from.query<{ name: string; last: string | null }>(
    `select sequencename as name, last_value::text as last from pg_sequences where schemaname = 'sluice'`,
  );
  for (const { name, last } of sequences)
    if (last !== null) await to.query('select setval($1::regclass, $2::bigint)', [`sluice."${name}"`, last]);
}
