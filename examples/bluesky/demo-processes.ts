/**
 * The demo's worker processes, and the note that `--keep` leaves so that `--stop` finds everything again.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface WorkerEnvironment {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly taskQueue: string;
  readonly pdsUrl: string;
  readonly limit: number;
  readonly windowSeconds: number;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(tmpdir(), 'sluice-demo');
const noteFile = join(folder, 'kept.json');

/** Starts one worker process. What it logs goes to a file, whose name is returned with it. */
export function startWorkerProcess(
  number: number,
  where: WorkerEnvironment,
  outlivesParent: boolean,
): { child: ChildProcess; logFile: string } {
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, `worker-${number}.log`);
  const log = openSync(logFile, 'w');
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      join(repository, 'cli/main.ts'),
      'worker',
      '--module',
      join(repository, 'examples/bluesky/sluice.ts'),
    ],
    {
      cwd: repository,
      stdio: ['ignore', log, log],
      detached: outlivesParent,
      env: {
        ...process.env,
        DATABASE_URL: where.databaseUrl,
        TEMPORAL_ADDRESS: where.temporalAddress,
        SLUICE_TASK_QUEUE: where.taskQueue,
        SLUICE_DRAIN_SECONDS: '2',
        BLUESKY_URL: where.pdsUrl,
        BLUESKY_LIMIT: String(where.limit),
        BLUESKY_WINDOW_SECONDS: String(where.windowSeconds),
      },
    },
  );
  closeSync(log);
  if (outlivesParent) child.unref();
  return { child, logFile };
}

/** Characters of a log that say why its worker has ended. */
const MOST_OF_LOG = 2_000;

/** @throws Error with the end of a log when no worker is left: whoever waits for the run would wait for ever. */
export async function untilNoneIsLeft(workers: readonly ReturnType<typeof startWorkerProcess>[]): Promise<never> {
  const ended = async ({ child }: (typeof workers)[number]): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  await Promise.all(workers.map(ended));
  const { logFile } = workers.at(-1) as ReturnType<typeof startWorkerProcess>;
  const log = await readFile(logFile, 'utf8');
  throw new Error(`Every worker has ended. The last one said (${logFile}):\n${log.trim().slice(-MOST_OF_LOG)}`);
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

export async function rememberKept(pids: readonly number[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(noteFile, JSON.stringify({ pids }));
}

/** Ends the processes that an earlier `--keep` left. @returns how many there were. */
export async function stopKept(): Promise<number> {
  const note = await readFile(noteFile, 'utf8').catch(() => '{"pids":[]}');
  const { pids } = JSON.parse(note) as { pids: number[] };
  let stopped = 0;
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGTERM');
      stopped++;
    } catch {
      // Gone already.
    }
  }
  await rm(noteFile, { force: true });
  return stopped;
}
