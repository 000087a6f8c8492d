/**
 * The servers that all tools of a comparison share: one Postgres, with a database of its own for each run, and a Redis
 * where one is installed. Temporal is started anew for each run that needs it, in memory, with the settings that Sluice's
 * development server has. Nothing is left behind.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../dev-servers/free-port.ts';
import { ensurePostgres } from '../../dev-servers/index.ts';
import { startTemporaryTemporal, type TemporaryTemporal } from '../../dev-servers/temporal/temporary-temporal.ts';
import { startChild, type Child } from './child.ts';
import { parentOf } from './cpu.ts';

export interface BenchServers {
  /** Of Postgres' main process. */
  readonly postgresPid: number;
  /** Makes an empty database. @returns its connection string. */
  createDatabase(name: string): Promise<string>;
  /** Empty, on a port of its own; undefined when `redis-server` is not installed. */
  startRedis(): Promise<(Child & { readonly url: string }) | undefined>;
  startTemporal(): Promise<TemporaryTemporal>;
  readonly stop: () => Promise<void>;
}

/** Starts Postgres; `DATABASE_URL`, when set, names a server to use instead. */
export async function startBenchServers(): Promise<BenchServers> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const postgres = await ensurePostgres({ dataDir: folder });
  return {
    postgresPid: await mainProcess(postgres.url),
    createDatabase: (name) => createDatabase(postgres.url, name),
    startRedis: () => startRedis(folder),
    startTemporal: () => startTemporaryTemporal(console.log),
    stop: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs one statement on a connection of its own. */
export async function runSql<Row extends object>(url: string, ...statements: readonly string[]): Promise<Row[]> {
  const client = new Client({ connectionString: url, application_name: 'sluice-bench' });
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** A server on another machine has no process here: its CPU is then not known. */
async function mainProcess(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return parentOf(rows[0]?.pid ?? Number.NaN);
  } finally {
    await client.end();
  }
}

async function createDatabase(adminUrl: string, name: string): Promise<string> {
  await runSql(adminUrl, `drop database if exists ${name} with (force)`, `create database ${name}`, 'checkpoint');
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function startRedis(folder: string): Promise<(Child & { url: string }) | undefined> {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const port = await freePort();
  // Every second to the disk, as most people run it.
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--appendonly', 'yes', '--dir', folder];
  await rm(join(folder, 'appendonlydir'), { recursive: true, force: true });
  const child = await startChild({ command: 'redis-server', args: settings, readyWhen: /Ready to accept connections/ });
  return { ...child, url: `redis://127.0.0.1:${port}` };
}
