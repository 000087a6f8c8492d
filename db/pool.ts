/**
 * One Postgres pool per process. The only place where connection settings are made.
 */
import {
  Client,
  Pool as PgPool,
  types,
  type ClientConfig,
  type CustomTypesConfig,
  type PoolClient as PgPoolClient,
} from 'pg';
import { duration } from '../contracts/values/duration.ts';

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
  /** How long a caller waits until one of the connections is free, in milliseconds. Default 10,000. */
  readonly waitMs?: number;
}

const defaults = {
  max: 10,
  applicationName: 'sluice',
  statementTimeoutMs: 30_000,
  waitMs: 10_000,
} satisfies PoolOptions;

/** A server that has not answered to a new connection after this long is not there. */
const CONNECT_MS = 10_000;
/**
 * A server ends a statement that runs too long. Of one that says nothing for so long beyond that, its host is gone: without this,
 * each connection would wait for it for a quarter of an hour, and none would be free.
 */
const SILENCE_MS = 5_000;

/** bigint columns are row ids and microseconds here, all below 2^53. An app's own queries keep the parsers that it has. */
const ourTypes: CustomTypesConfig = {
  getTypeParser: (id, format) => (id === types.builtins.INT8 ? Number : (types.getTypeParser(id, format) as Parse)),
};
type Parse = (text: string) => unknown;

/** A password may be part of what was found. */
const NO_ADDRESS =
  'DATABASE_URL (or `databaseUrl`) is no URL of a Postgres database. Expected postgresql://user:password@host:5432/database, with ' +
  '%23, %2F, %3A, %3F and %40 for #, /, :, ? and @ in a password. What was found is not shown: it may hold one.';

/**
 * Opens a pool. A connection that breaks while idle is dropped and replaced; the query that needs one reports the error.
 * @param connectionString `postgresql://user:password@host:port/database`
 * @throws TypeError when it is none.
 */
export function createPool(connectionString: string, options: PoolOptions = {}): Pool {
  checkAddress(connectionString);
  const { max, applicationName, statementTimeoutMs, waitMs } = { ...defaults, ...options };
  const pool = new PatientPool({
    Client: QuicklyConnected,
    connectionString,
    max,
    application_name: applicationName,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + SILENCE_MS,
    connectionTimeoutMillis: waitMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: ourTypes,
  });
  // Without a listener an idle connection's loss (a restarted Postgres) would end the process; the next query reconnects.
  pool.on('error', () => {});
  return pool;
}

/** `pg` takes any other text for the name of a database, on a host called `base`. */
function checkAddress(connectionString: string): void {
  if (!/^(?:postgres(?:ql)?:|socket:|\/)/i.test(connectionString)) throw new TypeError(NO_ADDRESS);
  try {
    void new Client({ connectionString });
  } catch (error) {
    // Else it is of a file that is named in it.
    throw (error as { code?: unknown }).code === 'ERR_INVALID_URL' ? new TypeError(NO_ADDRESS) : error;
  }
}

/**
 * A pool that an app has made, for queries of ours: bigints are numbers in their answers.
 * @returns pools of `createPool` as they are.
 */
export function withOurTypes(pool: Pool): Pool {
  if (pool instanceof PatientPool) return pool;
  const query = (text: string | object, values?: readonly unknown[]): unknown =>
    (pool.query as (config: object) => unknown).call(pool, {
      ...(typeof text === 'string' ? { text, values } : text),
      types: ourTypes,
    });
  return new Proxy(pool, { get: (target, name) => (name === 'query' ? query : Reflect.get(target, name, target)) });
}

/** Connecting has a time of its own, however long a caller may wait for a connection that others use. */
class QuicklyConnected extends Client {
  constructor(config?: ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT_MS });
    // The pool listens to idle connections only. One that breaks between two statements of a transaction would end the process.
    this.on('error', () => {});
  }
}

type Connected = (
  error: Error | undefined,
  client?: PgPoolClient,
  release?: (broken?: Error | boolean) => void,
) => void;

/**
 * Says what a caller has waited for in vain. `query` comes through here, too. `pg` gives such errors no code. With one of Node's,
 * they are known for what passes by itself.
 */
class PatientPool extends PgPool {
  override connect(): Promise<PgPoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<PgPoolClient> | void {
    if (callback === undefined)
      return super.connect().catch((error: unknown) => {
        throw this.#explained(error as Error);
      });
    super.connect(((error, ...got) => callback(error && this.#explained(error), ...got)) satisfies Connected);
  }

  #explained(error: Error): Error {
    const { max, connectionTimeoutMillis = 0 } = this.options;
    if (NO_ANSWER.has(error.message))
      return tooLate(`Postgres did not answer to a new connection within ${duration(CONNECT_MS)}`, error);
    if (error.message !== 'timeout exceeded when trying to connect') return error;
    const waiting = this.waitingCount + 1;
    return tooLate(
      `No connection to Postgres became free within ${duration(connectionTimeoutMillis)}: all ${max} of this process are in use, ` +
        `and ${waiting === 1 ? '1 caller waits' : `${waiting} callers wait`}. The database or this machine has more to do than it can.`,
      error,
    );
  }
}

/** Of `pg` and of its pool, about a connection that is being made. */
const NO_ANSWER: ReadonlySet<string> = new Set(['timeout expired', 'Connection terminated due to connection timeout']);

function tooLate(message: string, cause: Error): Error {
  return Object.assign(new Error(message, { cause }), { code: 'ETIMEDOUT' });
}

/** What a `store` of the user's gets of a transaction of ours: its queries, and nothing that would end it. */
export function queriesOf(tx: Queryable) {
  return {
    query: (text: string, values?: readonly unknown[]) =>
      tx.query<Record<string, unknown>>(text, values && [...values]),
  };
}

type Isolation = 'read committed' | 'repeatable read';

/** Runs `work` in one transaction on one connection; rolls back and rethrows when it throws. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  isolation?: Isolation,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await onClient(
      client,
      () => work(client),
      (error) => (broken = error),
      isolation,
    );
  } finally {
    client.release(broken);
  }
}

/**
 * The same on a connection that the caller has.
 * @param onBroken told when not even the rollback came through: the connection is not usable again.
 */
export async function onClient<T>(
  client: PoolClient,
  work: () => Promise<T>,
  onBroken: (error: Error) => void = () => {},
  isolation: Isolation = 'read committed',
): Promise<T> {
  try {
    await client.query(`begin isolation level ${isolation}`);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    // A rollback would wait behind a statement that has no answer.
    if (isUnanswered(error)) onBroken(error);
    else await client.query('rollback').catch(onBroken); // the first error is the one to report
    throw error;
  }
}

function isUnanswered(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}
