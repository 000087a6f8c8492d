/**
 * What is remembered of a development server between starts. It is a small JSON file beside its data, and a lock so
 * that two starts at the same moment do not both launch it. Next: `find-or-start.ts`.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from './server-process.ts';

export interface ServerRecord {
  readonly pid: number;
  /** Text in the command line of the process; tells it from a stranger that got its id after a restart. */
  readonly marker: string;
  /** The process whose end ends the server. */
  readonly ownerPid: number;
  /** The server was left running on purpose: it outlives its owner. */
  readonly isKept: boolean;
  /** Used again at the next start when it is free. */
  readonly port: number;
}

/** The record, or undefined when there is none or it is not readable JSON. */
export async function readRecord<R extends ServerRecord>(file: string): Promise<R | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<R> | null;
    return typeof value?.pid === 'number' && typeof value.port === 'number' ? (value as R) : undefined;
  } catch {
    return undefined; // absent, or not ours: the server is started as if for the first time
  }
}

/** Replaces the record in one step. Readable for this user only: the Postgres record holds a password. */
export async function writeRecord(file: string, record: ServerRecord): Promise<void> {
  const next = `${file}.${process.pid}`;
  await writeFile(next, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  await rename(next, file);
}

// Longer than a first start with a download may take.
const LOCK_PATIENCE_MS = 300_000;

/**
 * Runs `work` while no other process holds the lock. A lock whose holder died is taken over.
 * @throws Error naming the file when it is not free after five minutes.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}.${crypto.randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    const deadline = performance.now() + LOCK_PATIENCE_MS;
    while (!(await tryLink(mine, file))) {
      await removeIfAbandoned(file);
      if (performance.now() > deadline) {
        throw new Error(`Another start has been under way for five minutes. If there is none, delete ${file}`);
      }
      await delay(25);
    }
    try {
      return await work();
    } finally {
      await rm(file, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A link appears with its content or not at all, so nobody reads a lock without a holder. */
async function tryLink(existing: string, file: string): Promise<boolean> {
  try {
    await link(existing, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfAbandoned(file: string): Promise<void> {
  const holder = await readHolder(file);
  if (holder === undefined || isRunning(holder)) return;
  // Only one of several waiting processes gets the rename; it gives back a lock that changed hands in between.
  const aside = `${file}.abandoned.${process.pid}`;
  await rename(file, aside).catch(() => {
    // another process was faster
  });
  const moved = await readHolder(aside);
  if (moved !== undefined && moved !== holder) await tryLink(aside, file);
  await rm(aside, { force: true });
}

async function readHolder(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined); // released meanwhile
  return text === undefined ? undefined : Number.parseInt(text, 10);
}
