/**
 * A process of a benchmark: started, waited for until it says READY, told to go, and ended with everything below it.
 */
import { spawn } from 'node:child_process';

export interface Child {
  readonly pid: number;
  /** Writes the line `go`. */
  readonly go: () => void;
  /** SIGTERM, and SIGKILL when it is still there after some seconds. */
  readonly stop: () => Promise<void>;
  readonly ended: Promise<void>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What it prints when it is ready, on stdout or stderr. Default `READY`. */
  readonly readyWhen?: RegExp;
  /** Told what of its output matched. */
  readonly onReady?: (matched: string) => void;
  readonly readyWithinMs?: number;
  /** Told of all that it prints. */
  readonly hear?: (text: string) => void;
}

const PATIENCE_MS = 8_000;

/** @throws Error with the end of its output when the process ends, or says nothing, before it is ready. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { readyWhen = /READY/, readyWithinMs = 60_000 } = options;
  // A process group of its own: a tool's own children end with it.
  const child = spawn(options.command, options.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  let output = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const killGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // Gone already.
    }
  };
  const atExit = () => killGroup('SIGKILL');
  process.once('exit', atExit);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const impatient = setTimeout(() => killGroup('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(impatient);
    killGroup('SIGKILL');
    process.removeListener('exit', atExit);
  };
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it did not get ready in time')), readyWithinMs);
    const hear = (chunk: Buffer): void => {
      options.hear?.(chunk.toString());
      output = (output + chunk.toString()).slice(-4_000);
      const [matched] = readyWhen.exec(output) ?? [];
      if (matched === undefined) return;
      clearTimeout(timer);
      options.onReady?.(matched.trim());
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.stderr.on('data', (chunk: Buffer) => process.env['BENCH_VERBOSE'] && process.stderr.write(chunk));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${signal ?? code}`));
    });
  });
  try {
    await ready;
  } catch (error) {
    await stop();
    throw new Error(`${options.command} ${options.args.join(' ')}: ${(error as Error).message}\n${output}`, {
      cause: error,
    });
  }
  return { pid: child.pid!, go: () => void child.stdin.write('go\n'), stop, ended };
}

/**
 * tsx turns source maps on, which no built program has. With them each stack is translated, and the Temporal SDK takes one
 * for every promise of a workflow: all workers that use it were a third slower here than the same code is once it is built.
 */
const WITHOUT_SOURCE_MAPS = 'data:text/javascript,process.setSourceMapsEnabled(false)';

/** Arguments that make Node run a TypeScript file of ours, as fast as if it were built. */
export function nodeArgs(file: URL, ...rest: string[]): string[] {
  return ['--import', 'tsx', '--import', WITHOUT_SOURCE_MAPS, file.pathname, ...rest];
}
