/** Runs the command line in a process of its own, as it is built: it starts in a third of a second. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { built } from './programs.ts';

export interface Finished {
  readonly code: number | null;
  /** Both of its outputs. */
  readonly output: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it has said so far. */
  readonly said: () => string;
}

export interface CommandOptions {
  /** Its standard input. */
  readonly input?: string;
  /** Runs the TypeScript sources with `tsx`, as somebody who works on them does. */
  readonly fromSources?: boolean;
}

/** @param env comes on top of this process's. */
export function startSluice(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { input = '', fromSources = false }: CommandOptions = {},
): RunningCommand {
  const cli = fromSources
    ? ['--import', 'tsx', fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))]
    : [built('cli/main.ts')];
  const child = spawn(process.execPath, [...cli, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  child.stdin.end(input);
  return { child, said: () => output, finished: once(child, 'close').then(() => ({ code: child.exitCode, output })) };
}

export function sluice(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: CommandOptions = {},
): Promise<Finished> {
  return startSluice(args, env, options).finished;
}
