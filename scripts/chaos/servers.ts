/**
 * The servers of a chaos run, each a victim that keeps its data and its port over a kill: Temporal with its state in a
 * file, Postgres, and the third party. Next: `worker.ts` has the workers.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startFakeApiProcess } from '../../testing/process/start-process.ts';
import { recordFile } from '../../dev-servers/find-or-start.ts';
import { clusterFolder } from '../../dev-servers/postgres/postgres-cluster.ts';
import { ensurePostgres } from '../../dev-servers/postgres/postgres.ts';
import { readRecord } from '../../dev-servers/server-record.ts';
import { ensureTemporal } from '../../dev-servers/temporal/temporal.ts';
import type { ThirdPartyArgs } from './third-party.ts';
import { createVictim, type Running, type Victim } from './victim.ts';

const run = promisify(execFile);

export interface ChaosServers {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly thirdPartyUrl: string;
  /** Written by the third party; see `call-book.ts`. */
  readonly bookFile: string;
  readonly victims: readonly Victim[];
  /** While Postgres is down: remembers its data, or puts it back to what was remembered. */
  readonly postgresData: { save(): Promise<void>; putBack(): Promise<void> };
}

/** Starts servers of their own in `dataDir`, whatever servers the environment names. */
export async function startServers(dataDir: string): Promise<ChaosServers> {
  const named = new Set(['DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_PROFILE']);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !named.has(name)));
  const settings = { dataDir, env };
  const bookFile = join(dataDir, 'calls.txt');
  // Its own choice: a port that is only looked for is somebody else's by the time at which it is wanted.
  let port = 0;
  const module = new URL('third-party.ts', import.meta.url);

  let databaseUrl = '';
  let temporalAddress = '';
  const launchPostgres = async (): Promise<Running> => {
    const { url, stop } = await ensurePostgres(settings);
    databaseUrl = url;
    return { pid: await recordedPid(dataDir, 'postgres'), stop };
  };
  const launchTemporal = async (): Promise<Running> => {
    const { connection, stop } = await ensureTemporal(settings);
    temporalAddress = connection.address ?? '';
    return { pid: await recordedPid(dataDir, 'temporal'), stop };
  };
  const launchThirdParty = async (): Promise<Running> => {
    const args: ThirdPartyArgs = { port, bookFile };
    const started = await startFakeApiProcess(module, { args });
    port = Number(new URL(started.url).port);
    return { pid: started.pid, stop: () => started.stop(), slow: (isSlow) => started.command('slow', isSlow) };
  };
  const victims: Victim[] = [];
  try {
    victims.push(await createVictim('postgres', launchPostgres));
    victims.push(await createVictim('temporal', launchTemporal));
    victims.push(await createVictim('third-party', launchThirdParty));
  } catch (error) {
    await Promise.all(victims.map((victim) => victim.stop()));
    throw error;
  }
  const saved = join(dataDir, 'postgres-saved');
  const copy = async (from: string, to: string): Promise<void> => {
    await rm(to, { recursive: true, force: true });
    await run('cp', ['-a', from, to]);
  };
  const postgresData = {
    save: () => copy(clusterFolder(dataDir), saved),
    putBack: () => copy(saved, clusterFolder(dataDir)),
  };
  return {
    databaseUrl,
    temporalAddress,
    thirdPartyUrl: `http://127.0.0.1:${port}`,
    bookFile,
    victims,
    postgresData,
  };
}

async function recordedPid(dataDir: string, name: string): Promise<number> {
  const record = await readRecord(recordFile(dataDir, name));
  if (!record) throw new Error(`No record of the ${name} server in ${dataDir}`);
  return record.pid;
}
