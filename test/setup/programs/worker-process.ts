/**
 * Real worker processes for tests that kill them: the command line's `worker`, with a module of `test/fixtures`,
 * both built.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { built } from './programs.ts';
import { temporalAddress } from '../servers/servers.ts';

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** SIGKILL: nothing is drained, nothing is said. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** All that it has said so far. */
  said(): { readonly lines: readonly string[]; readonly errors: string };
}

/** Resolves when the worker serves. @throws Error with its output when it ends before that. */
export async function startWorkerProcess(options: {
  readonly module: string;
  readonly databaseUrl: string;
  readonly taskQueue: string;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<WorkerProcess> {
  const child = spawn(
    process.execPath,
    [built('cli/main.ts'), 'worker', '--module', built(`test/fixtures/${options.module}`)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        DATABASE_URL: options.databaseUrl,
        TEMPORAL_ADDRESS: temporalAddress(),
        SLUICE_TASK_QUEUE: options.taskQueue,
        SLUICE_DRAIN_SECONDS: '2',
        ...options.env,
      },
    },
  );
  let output = '';
  let errors = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (output.includes('worker is serving')) resolve();
    });
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.once('exit', () => reject(new Error(`The worker ended before it served:\n${output}${errors}`)));
  });
  await ready;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return {
    child,
    said: () => ({ lines: output.split('\n').filter((line) => line !== ''), errors }),
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM');
      return child.exitCode;
    },
  };
}
