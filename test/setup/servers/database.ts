/**
 * A database of one's own for each test file: a clone of the migrated template, made in some 30 ms.
 * Servers and templates come from `postgres.ts` (vitest globalSetup).
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { createPool, type Pool, type PoolOptions } from '../../../db/pool.ts';
import { postgresServer } from './servers.ts';

export interface TestDatabase {
  /** Connection string of the clone, for worker processes and second pools. */
  readonly url: string;
  /** A pool on it, closed by `drop`. */
  readonly pool: Pool;
  /**
   * Closes the pool and removes the database.
   * @throws Error naming the connections that somebody left open: a leaked pool fails the test file.
   */
  readonly drop: () => Promise<void>;
}

// A killed worker's connections end when the server notices the closed socket, usually within milliseconds.
const LEAK_PATIENCE_MS = 5_000;

/** Clones the template. Call in `beforeAll`, and `drop()` in `afterAll`. */
export async function createTestDatabase(poolOptions: PoolOptions = {}): Promise<TestDatabase> {
  return createDatabase(postgresServer().template, poolOptions);
}

/** One that nobody has migrated. */
export async function createEmptyDatabase(poolOptions: PoolOptions = {}): Promise<TestDatabase> {
  return createDatabase('template0', poolOptions);
}

async function createDatabase(template: string, poolOptions: PoolOptions): Promise<TestDatabase> {
  const { adminUrl } = postgresServer();
  const name = `sluice_test_${randomBytes(6).toString('hex')}`;
  await withAdmin(adminUrl, (admin) => admin.query(`create database ${name} template ${template}`));
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const pool = createPool(url.href, { applicationName: 'sluice-test', ...poolOptions });
  return {
    url: url.href,
    pool,
    drop: async () => {
      if (!pool.ended) await pool.end();
      await withAdmin(adminUrl, (admin) => dropUnused(admin, name));
    },
  };
}

async function dropUnused(admin: Client, name: string): Promise<void> {
  const leaked = await connectionsLeft(admin, name);
  await admin.query(`drop database if exists ${name} with (force)`);
  if (leaked.length > 0) throw new Error(`Connections left open at the end of the test file: ${leaked.join('; ')}`);
}

async function connectionsLeft(admin: Client, name: string): Promise<string[]> {
  const deadline = performance.now() + LEAK_PATIENCE_MS;
  for (;;) {
    const { rows } = await admin.query<{ line: string }>(
      `select format('%s (%s): %s', application_name, state, left(query, 80)) as line
         from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [name],
    );
    if (rows.length === 0 || performance.now() > deadline) return rows.map((row) => row.line);
    await admin.query('select pg_sleep(0.02)');
  }
}

async function withAdmin<T>(adminUrl: string, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: adminUrl, application_name: 'sluice-test-admin' });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
