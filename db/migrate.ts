/**
 * Brings Sluice's own schema (`sluice`) up to date: numbered SQL files, forward only, each in its own transaction with
 * its number and checksum. Many workers may call it at once, at every start. Where nothing is missing it only reads, so
 * a role without the right to change tables is enough. Used by: workers, `sluice dev`, `sluice migrate`, the limiter
 * alone.
 */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { onClient, type Pool, type Queryable } from './pool.ts';

export interface MigrateOptions {
  /** Where the files are. Default: this build's own. */
  readonly directory?: URL;
  /** Told when the database is ahead of this build, and the build may go on all the same. */
  readonly warn?: (message: string) => void;
}

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
  /** Workers of the version before it must not go on beside it. */
  readonly isBreaking: boolean;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly is_breaking: boolean;
}

// Any fixed number serves: it only has to be the same in every worker and strange enough to collide with nobody.
const ADVISORY_LOCK = 728_410_559_203;
/** A line of a migration that stops workers of older versions. */
const BREAKING = /^-- breaking\b/m;

/**
 * Applies what is missing.
 * @returns the names of the migrations applied by this call, in order; empty when the schema was up to date.
 * @throws Error when an applied file was edited since, or this role may not change the schema. Error too when the
 *   database is newer than this build and a newer migration is marked as breaking.
 */
export async function migrate(pool: Pool, options: MigrateOptions = {}): Promise<string[]> {
  const { directory = new URL('migrations/', import.meta.url), warn = () => {} } = options;
  const migrations = await readMigrations(directory);
  const before = await readApplied(pool);
  verify(migrations, before, warn);
  if (missing(migrations, before).length === 0) return [];
  try {
    return await applyMissing(pool, migrations);
  } catch (error) {
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    const names = missing(migrations, before).map(({ name }) => name);
    throw new Error(
      `The database lacks ${names.join(', ')}, and this role may not change its schema. Run \`npx sluice migrate\` once with ` +
        'DATABASE_URL naming the role that owns it; workers need no such right.',
      { cause: error },
    );
  }
}

export interface SchemaStanding {
  /** Names of the migrations that the database lacks, in order. */
  readonly missing: readonly string[];
  /** Told where the database is ahead of this build, which goes on all the same. */
  readonly warnings: readonly string[];
}

/**
 * How the schema stands to this build; changes nothing.
 * @throws Error as `migrate` does, for an edited migration and for a newer one that is marked as breaking.
 */
export async function readSchemaStanding(pool: Pool): Promise<SchemaStanding> {
  const migrations = await readMigrations(new URL('migrations/', import.meta.url));
  const applied = await readApplied(pool);
  const warnings: string[] = [];
  verify(migrations, applied, (message) => warnings.push(message));
  return { missing: missing(migrations, applied).map(({ name }) => name), warnings };
}

/**
 * What `migrate` would run, as a script for `psql` in one transaction; changes nothing.
 * @returns '' when nothing is missing. @throws Error as `migrate` does.
 */
export async function migrationScript(pool: Pool): Promise<string> {
  const migrations = await readMigrations(new URL('migrations/', import.meta.url));
  const applied = await readApplied(pool);
  verify(migrations, applied, () => {});
  const todo = missing(migrations, applied);
  if (todo.length === 0) return '';
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const parts = todo.map(
    ({ number, name, sql, checksum, isBreaking }) =>
      `-- ${name}\n${sql.trimEnd()}\ninsert into sluice.migration (number, name, checksum, is_breaking)\n  values (${number}, ${text(name)}, ${text(checksum)}, ${isBreaking});`,
  );
  return ['begin;', `select pg_advisory_xact_lock(${ADVISORY_LOCK});`, BOOK, ...parts, 'commit;'].join('\n\n');
}

/** Where it is written down what was applied. */
const BOOK = `create schema if not exists sluice;
create table if not exists sluice.migration (
  number int primary key, name text not null, checksum text not null, is_breaking boolean not null default false,
  applied_at timestamptz not null default clock_timestamp());`;

const INSUFFICIENT_PRIVILEGE = '42501';

async function applyMissing(pool: Pool, migrations: readonly Migration[]): Promise<string[]> {
  const applied: string[] = [];
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(BOOK);
    for (const migration of missing(migrations, await readApplied(client))) {
      // On this same connection: in a small pool, callers that wait for the lock have all the others.
      await onClient(client, async () => {
        await client.query(migration.sql);
        await client.query(
          'insert into sluice.migration (number, name, checksum, is_breaking) values ($1, $2, $3, $4)',
          [migration.number, migration.name, migration.checksum, migration.isBreaking],
        );
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

async function readApplied(db: Queryable): Promise<Applied[]> {
  const { rows: found } = await db.query<{ exists: boolean }>(
    `select to_regclass('sluice.migration') is not null as exists`,
  );
  if (!found[0]?.exists) return [];
  const { rows } = await db.query<Applied>(
    'select number, name, checksum, is_breaking from sluice.migration order by number',
  );
  return rows;
}

function missing(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  return migrations.filter(({ number }) => !applied.some((row) => row.number === number));
}

async function readMigrations(directory: URL): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (name) => {
      const sql = await readFile(new URL(name, directory), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { number: Number.parseInt(name, 10), name, sql, checksum, isBreaking: BREAKING.test(sql) };
    }),
  );
}

function verify(known: readonly Migration[], applied: readonly Applied[], warn: (message: string) => void): void {
  for (const row of applied) {
    const file = known.find((migration) => migration.number === row.number);
    if (file && file.checksum !== row.checksum) {
      throw new Error(
        `Migration ${row.name} was applied with other contents than this build has. Applied files are never edited: ` +
          'restore it and put the change into a new file. A database that another unreleased build has made is made anew: ' +
          'drop its schema "sluice", or point this build at another database.',
      );
    }
    if (file) continue;
    const isNewer = `The database has migration ${row.name}, which this build of Sluice does not know: a newer version has migrated it.`;
    if (row.is_breaking)
      throw new Error(
        `${isNewer} It is marked as breaking, so this version can't go on beside it. Upgrade this worker, or point it at another database.`,
      );
    warn(`${isNewer} This version goes on; upgrade it when the roll-out is done.`);
  }
}
