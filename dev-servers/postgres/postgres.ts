/**
 * Postgres for people who have none: `DATABASE_URL` when it is set, else a real server of our own whose data stays in a
 * folder. Next: `dev-servers/find-or-start.ts`.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { Client } from 'pg';
import { cacheFolder } from '../cache-folder.ts';
import { findOrStart, type Launched } from '../find-or-start.ts';
import { freePort } from '../free-port.ts';
import { serverEnvironment } from '../program-environment.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { clusterFolder, clusterUrl, DATABASE, ensureCluster } from './postgres-cluster.ts';
import { launch } from '../server-process.ts';
import type { ServerRecord } from '../server-record.ts';
import { unprivilegedUser } from './unprivileged-user.ts';

export interface PostgresOptions {
  /** Keeps the data, the log and the record of the running server. Made when absent. */
  readonly dataDir: string;
  /** Receives one line for each thing worth knowing. Default: silence. */
  readonly log?: (line: string) => void;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface PostgresServer {
  /** `postgresql://user:password@host:port/database`. The database of our own server exists and may be empty. */
  readonly url: string;
  /** Whether the server ends with this process. False for `DATABASE_URL` and for a server that ran already. */
  readonly isOwned: boolean;
  /** Ends an owned server; leaves another's alone. */
  readonly stop: () => Promise<void>;
  /** Lets an owned server outlive this process. */
  readonly keepRunning: () => Promise<void>;
}

// Many workers with a pool each, and test files side by side, fit in. An unused slot costs next to nothing.
const MAX_CONNECTIONS = 300;

/**
 * Finds or starts a Postgres server: ready in about a second the first time, in a quarter of one later.
 * @throws Error saying what is missing and what to do (the npm package, a folder that Postgres may use, a user to run
 *   as). Or with the end of the server's log.
 */
export async function ensurePostgres({
  dataDir,
  log = () => {},
  env = process.env,
}: PostgresOptions): Promise<PostgresServer> {
  const given = env['DATABASE_URL'];
  if (given) return { url: given, isOwned: false, stop: async () => {}, keepRunning: async () => {} };
  await mkdir(dataDir, { recursive: true });
  const folder = await realpath(dataDir);
  const { record, ...server } = await findOrStart<ServerRecord>({
    name: 'postgres',
    folder,
    marker: clusterFolder(folder),
    log,
    isHealthy: ({ port }) => answersFrom(folder, port),
    launch: (previous, logFile) => launchPostgres(folder, previous, logFile, env),
  });
  await ensureDatabase(await clusterUrl(folder, record.port, 'postgres'));
  return { ...server, url: await clusterUrl(folder, record.port) };
}

async function launchPostgres(
  folder: string,
  previous: ServerRecord | undefined,
  logFile: string,
  env: NodeJS.ProcessEnv,
): Promise<Launched<ServerRecord>> {
  const user = unprivilegedUser();
  const binaries = await postgresBinaries(user && cacheFolder(env));
  await ensureCluster(folder, binaries, user);
  const port = await freePort(previous?.port);
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${MAX_CONNECTIONS}`,
  ];
  const process = await launch({
    command: binaries.postgres,
    args: ['-D', clusterFolder(folder), ...settings.flatMap((setting) => ['-c', setting])],
    logFile,
    cwd: folder,
    env: { ...serverEnvironment(env), LC_ALL: 'C' },
    ...(user ? { user } : {}),
  });
  return { process, remember: { port } };
}

/** Whether the server on that port answers, and is the one that keeps its data in our folder. */
async function answersFrom(folder: string, port: number): Promise<boolean> {
  try {
    const url = await clusterUrl(folder, port, 'postgres');
    const rows = await query<{ data_directory: string }>(url, 'show data_directory');
    return rows[0]?.data_directory === clusterFolder(folder);
  } catch {
    return false; // not up yet, going down, or somebody else's; the server's log says which
  }
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  if (await databaseExists(adminUrl)) return;
  await query(adminUrl, `create database ${DATABASE}`).catch(async (error: unknown) => {
    if (!(await databaseExists(adminUrl))) throw error; // else another start made it at this moment
  });
}

async function databaseExists(adminUrl: string): Promise<boolean> {
  return (await query(adminUrl, 'select 1 from pg_database where datname = $1', [DATABASE])).length > 0;
}

async function query<Row extends object>(url: string, sql: string, values: readonly string[] = []): Promise<Row[]> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'sluice-dev-servers',
  });
  try {
    await client.connect();
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
