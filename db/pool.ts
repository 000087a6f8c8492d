/**
 * One Postgres pool per process. The only place where connection settings are made.
 */
import { Pool as PgPool, types, type PoolClient as PgPoolClient } from 'pg';

export type Pool = PgPool;
export type Queryable = Pick<PgPool, 'query'>;
export type PoolClient = PgPoolClient;

export interface PoolOptions {
  /** Connections at most. Default 10. */
  readonly max?: number;
  /** Shown in `pg_stat_activity`. Default `sluice`. */
  readonly applicationName?: string;
  /** A query that runs longer is cancelled by the server, in milliseconds. Default 30,000. */
  readonly statementTimeoutMs?: number;
}

const defaults = { max: 10, applicationName: 'sluice', statementTimeoutMs: 30_000 } satisfies PoolOptions;

// bigint columns are row ids and microseconds here, all below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

/**
 * Opens a pool. A connection that breaks while idle is dropped and replaced; the query that needs one reports the error.
 * @param connectionString `postgresql://user:password@host:port/database`
 */
export function createPool(connectionString: string, options: PoolOptions = {}): Pool {
  const { max, applicationName, statementTimeoutMs } = { ...defaults, ...options };
  const pool = new PgPool({
    connectionString,
    max,
    application_name: applicationName,
    statement_timeout: statementTimeoutMs,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // Without a listener an idle connection's loss (a restarted Postgres) would end the process; the next query reconnects.
  pool.on('error', () => {});
  return pool;
}

/** Runs `work` in one transaction on one connection; rolls back and rethrows when it throws. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  isolation: 'read committed' | 'repeatable read' = 'read committed',
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`begin isolation level ${isolation}`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError; // the connection is not usable again; the first error is the one to report
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
