/**
 * What `build.ts` has built for all tests of a run: the command line, other programs, and the workflows.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { inject } from 'vitest';

/** Path of a source file of the repository, as it is built: `built('test/setup/credential-process.ts')`. */
export const built = (source: string): string => join(inject('builtFolder'), source.replace(/\.ts$/, '.js'));

/** The workflows of this checkout, for `createWorker`, and for replays of histories. */
export const workflowBundle = () => ({ codePath: built('workflow-bundle.js') });

export interface Finished {
  readonly code: number | null;
  /** What it wrote, on standard output and standard error. */
  readonly output: string;
}

export interface Command {
  readonly child: ChildProcess;
  /** What it has written until now. */
  readonly said: () => string;
  readonly finished: Promise<Finished>;
}

/** Starts `sluice` with these arguments; `env` comes on top of this process's, `input` is its standard input. */
export function sluice(
  args: readonly string[],
  { env = {}, input = '' }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Command {
  const child = spawn(process.execPath, [built('cli/main.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  child.stdin.end(input);
  return { child, said: () => output, finished: once(child, 'close').then(() => ({ code: child.exitCode, output })) };
}
