/**
 * Brings Sluice's own schema (`sluice`) up to date: numbered SQL files, forward only, each in its own transaction with
 * its number and checksum. Safe to call from many workers at once; run at every start.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { inTransaction, type Pool } from './pool.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

// Any fixed number serves: it only has to be the same in every worker and strange enough to collide with nobody.
const ADVISORY_LOCK = 728_410_559_203;

/**
 * Applies what is missing.
 * @returns the names of the migrations applied by this call, in order; empty when the schema was up to date.
 * @throws Error when an applied file was edited since, or when the database is newer than this build.
 */
export async function migrate(pool: Pool, directory: URL = new URL('migrations/', import.meta.url)): Promise<string[]> {
  const migrations = await readMigrations(directory);
  const applied: string[] = [];
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(`
      create schema if not exists sluice;
      create table if not exists sluice.migration (
        number int primary key, name text not null, checksum text not null,
        applied_at timestamptz not null default clock_timestamp())`);
    const { rows } = await client.query<{ number: number; name: string; checksum: string }>(
      'select number, name, checksum from sluice.migration order by number',
    );
    verify(migrations, rows);
    const done = new Set(rows.map((row) => row.number));
    for (const migration of migrations.filter((candidate) => !done.has(candidate.number))) {
      await inTransaction(pool, async (tx) => {
        await tx.query(migration.sql);
        await tx.query('insert into sluice.migration (number, name, checksum) values ($1, $2, $3)', [
          migration.number,
          migration.name,
          migration.checksum,
        ]);
      });
      applied.push(migration.name);
    }
    return applied;
  } finally {
    await client.query('select pg_advisory_unlock($1)', [ADVISORY_LOCK]).catch(() => {
      // The connection is gone and its lock with it.
    });
    client.release();
  }
}

async function readMigrations(directory: URL): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (name) => {
      const sql = await readFile(new URL(name, directory), 'utf8');
      return { number: Number.parseInt(name, 10), name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

function verify(
  known: readonly Migration[],
  applied: readonly { number: number; name: string; checksum: string }[],
): void {
  for (const row of applied) {
    const file = known.find((migration) => migration.number === row.number);
    if (!file) {
      throw new Error(
        `The database has migration ${row.name}, which this build of Sluice does not know: it was migrated by a newer ` +
          'version. Upgrade this worker, or point it at another database.',
      );
    }
    if (file.checksum !== row.checksum) {
      throw new Error(
        `Migration ${row.name} was applied with other contents than this build has. Applied files are never edited: ` +
          'restore it and put the change into a new file.',
      );
    }
  }
}
