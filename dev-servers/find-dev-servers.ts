/**
 * The development servers that run at this moment, whoever started them: for clients that want to use them, and to stop
 * them by name.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { recordFile } from './find-or-start.ts';
import { clusterUrl } from './postgres/postgres-cluster.ts';
import { isRunning, stopProcess } from './server-process.ts';
import { readRecord, type ServerRecord } from './server-record.ts';

export interface DevServersPlace {
  /** The folder of the development servers. Default: `SLUICE_DEV_DIR`, else `dev` or, before the first release, `dev-<build>` in the user's cache folder. */
  readonly dataDir?: string;
  /** Where these are read from. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface RunningDevServers {
  /** Undefined when our Postgres does not run. */
  readonly databaseUrl?: string;
  /** `host:port`; undefined when our Temporal does not run. */
  readonly temporalAddress?: string;
  readonly webUiUrl?: string;
}

/** Looks and starts nothing. A server that is just going down may still be named. */
export async function findDevServers(place: DevServersPlace = {}): Promise<RunningDevServers> {
  const folder = await existingFolder(place);
  if (folder === undefined) return {};
  const postgres = await running(folder, 'postgres');
  const temporal = await running<ServerRecord & { readonly uiPort: number }>(folder, 'temporal');
  return {
    ...(postgres ? { databaseUrl: await clusterUrl(folder, postgres.port) } : {}),
    ...(temporal
      ? { temporalAddress: `127.0.0.1:${temporal.port}`, webUiUrl: `http://127.0.0.1:${temporal.uiPort}` }
      : {}),
  };
}

/**
 * Ends the development servers of a folder, whoever started them.
 * @returns the names of those that ran: `postgres`, `temporal`.
 */
export async function stopDevServers(place: DevServersPlace = {}): Promise<string[]> {
  const folder = await existingFolder(place);
  if (folder === undefined) return [];
  const stopped = await Promise.all(
    ['postgres', 'temporal'].map(async (name) => {
      const record = await running(folder, name);
      if (!record) return [];
      await stopProcess(record.pid, record.marker);
      return [name];
    }),
  );
  return stopped.flat();
}

const BASELINE = new URL('../db/migrations/0001_baseline.sql', import.meta.url);

/**
 * A schema that was not released may be any. Each build of it has servers of its own, so that it never meets the data
 * of another.
 */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  const given = env['SLUICE_DEV_DIR'];
  if (given) return given;
  const sql = readFileSync(BASELINE, 'utf8');
  const build = sql.startsWith('-- Not released yet')
    ? `-${createHash('sha256').update(sql).digest('hex').slice(0, 8)}`
    : '';
  return join(cacheFolder(env), `dev${build}`);
}

async function running<R extends ServerRecord>(folder: string, name: string): Promise<R | undefined> {
  const record = await readRecord<R>(recordFile(folder, name));
  return record && isRunning(record.pid, record.marker) ? record : undefined;
}

function existingFolder({ dataDir, env = process.env }: DevServersPlace): Promise<string | undefined> {
  return realpath(dataDir ?? defaultDataDir(env)).catch(() => undefined); // never used: nothing runs there
}
