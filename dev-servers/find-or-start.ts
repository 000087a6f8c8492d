/**
 * The way from "I need this server" to a running one, the same for Postgres and Temporal. It uses the one that runs
 * already, takes over one whose owner died, and replaces one that does not answer. Else it starts one.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { guard, hasEnded, isRunning, stopProcess, waitUntilHealthy, type LaunchedProcess } from './server-process.ts';
import { readRecord, withLock, writeRecord, type ServerRecord } from './server-record.ts';

export interface DevServerSpec<R extends ServerRecord> {
  /** For messages, and the name of the files in `folder`: `postgres`, `temporal`. */
  readonly name: string;
  readonly folder: string;
  /** Text by which the server's command line is recognised. */
  readonly marker: string;
  readonly log: (line: string) => void;
  /** Whether the recorded server answers, and is the one that keeps its data here. */
  readonly isHealthy: (record: R) => Promise<boolean>;
  /** Launches the server and does not wait for it. Gets the last known record, for its ports. */
  readonly launch: (previous: R | undefined, logFile: string) => Promise<Launched<R>>;
}

export interface Launched<R extends ServerRecord> {
  readonly process: LaunchedProcess;
  /** What is to be remembered beside process ids. */
  readonly remember: Omit<R, 'pid' | 'marker' | 'ownerPid' | 'isKept'>;
}

export interface DevServer<R extends ServerRecord> {
  readonly record: R;
  /** Whether the server ends with this process. False: somebody else's start owns it. */
  readonly isOwned: boolean;
  /** Ends the server when it is owned; another's server is left alone. */
  readonly stop: () => Promise<void>;
  /** Leaves an owned server running after this process; `stopDevServers` ends it. */
  readonly keepRunning: () => Promise<void>;
}

// A server whose owner died is ended by its guard: Postgres in tens of milliseconds, Temporal in up to 1.5 seconds.
const ORPHAN_PATIENCE_MS = 5_000;
const HEALTH_PATIENCE_MS = 5_000;
const HUNG_PATIENCE_MS = 2_000;
const START_PATIENCE_MS = 60_000;
// A server looks for free ports of its own when it starts, and ends when another program was quicker.
const MOST_STARTS = 3;

/** Finds or starts the server. Safe to call from several processes at once: one starts it, the others find it. */
export async function findOrStart<R extends ServerRecord>(spec: DevServerSpec<R>): Promise<DevServer<R>> {
  return withLock(recordFile(spec.folder, spec.name, 'lock'), async () => {
    const previous = await readRecord<R>(recordFile(spec.folder, spec.name));
    const found = previous && (await useRunning(spec, previous));
    return found ?? start(spec, previous);
  });
}

async function useRunning<R extends ServerRecord>(
  spec: DevServerSpec<R>,
  record: R,
): Promise<DevServer<R> | undefined> {
  if (!isRunning(record.pid, spec.marker)) return undefined;
  const isOrphan = !record.isKept && !isRunning(record.ownerPid);
  if (isOrphan && (await hasEnded(record.pid, spec.marker, ORPHAN_PATIENCE_MS))) return undefined;
  if (!(await becomesHealthy(spec, record))) {
    spec.log(`${spec.name}: process ${record.pid} does not answer and is replaced`);
    await stopProcess(record.pid, spec.marker, HUNG_PATIENCE_MS);
    return undefined;
  }
  if (isOrphan) {
    spec.log(`${spec.name}: taken over from a process that is gone (port ${record.port})`);
    return own(spec, record);
  }
  spec.log(`${spec.name}: already running on port ${record.port}`);
  return { record, isOwned: false, stop: async () => {}, keepRunning: async () => {} };
}

async function start<R extends ServerRecord>(
  spec: DevServerSpec<R>,
  previous: R | undefined,
  starts = 1,
): Promise<DevServer<R>> {
  const logFile = join(spec.folder, `${spec.name}.log`);
  const { process, remember } = await spec.launch(previous, logFile);
  const server = await own(spec, { ...remember, pid: process.pid } as unknown as R, process);
  try {
    const isHealthy = () => spec.isHealthy(server.record);
    await waitUntilHealthy(process, isHealthy, { name: spec.name, logFile, limitMs: START_PATIENCE_MS });
  } catch (error) {
    await server.stop();
    if (process.ended() === undefined || starts >= MOST_STARTS) throw error;
    spec.log(`${spec.name}: ended while it started (${process.ended()}); once more`);
    return start(spec, previous, starts + 1);
  }
  spec.log(`${spec.name}: started on port ${server.record.port} (log: ${logFile})`);
  return server;
}

/** Ties the server to this process and remembers it: from here on whatever happens to us, the next start finds its way. */
async function own<R extends ServerRecord>(
  spec: DevServerSpec<R>,
  known: R,
  launched?: LaunchedProcess,
): Promise<DevServer<R>> {
  const record: R = { ...known, marker: spec.marker, ownerPid: process.pid, isKept: false };
  const file = recordFile(spec.folder, spec.name);
  const tie = launched?.tie ?? (await guard(record.pid));
  // A guard left over from a crashed server would one day end a stranger that got its process id.
  launched?.onEnd(() => void tie.release());
  await writeRecord(file, record);
  return {
    record,
    isOwned: true,
    stop: async () => {
      await stopProcess(record.pid, spec.marker);
      await tie.release();
    },
    keepRunning: async () => {
      await writeRecord(file, { ...record, isKept: true });
      await tie.release();
    },
  };
}

async function becomesHealthy<R extends ServerRecord>(spec: DevServerSpec<R>, record: R): Promise<boolean> {
  const deadline = performance.now() + HEALTH_PATIENCE_MS;
  while (performance.now() < deadline && isRunning(record.pid, spec.marker)) {
    if (await spec.isHealthy(record)) return true;
    await delay(50);
  }
  return false;
}

export function recordFile(folder: string, name: string, ending: 'json' | 'lock' = 'json'): string {
  return join(folder, `${name}.${ending}`);
}
