/**
 * Starts the benchmark's processes and reads what they print.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { HiddenLimits, ServerLog } from './hidden-server.ts';

export interface Running<Result> {
  readonly process: ChildProcess;
  /** Resolves with its first line of output. */
  readonly ready: Promise<void>;
  /** What it printed last; undefined when it was killed. */
  readonly result: Promise<Result | undefined>;
}

const children = new Set<ChildProcess>();

/** Ends whatever was started and still runs, e.g. because a part of the benchmark failed. */
export function stopAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** Starts a file of this folder with one JSON argument. Its errors are shown, and fail the benchmark. */
export function start<Result>(file: string, options: object): Running<Result> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  child.on('close', () => children.delete(child));
  let output = '';
  const ready = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const result = new Promise<Result | undefined>((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code !== 0) reject(new Error(`${file} ended with ${code ?? signal}`));
      else resolve(JSON.parse(output.trim().split('\n').at(-1) ?? 'null') as Result);
    });
  });
  // Whoever waits for it hears of its failure; until then it must not end the benchmark and leave the others running.
  result.catch(() => {});
  return { process: child, ready, result };
}

export interface HiddenServer {
  readonly port: number;
  readonly log: () => Promise<ServerLog>;
  readonly stop: () => Promise<void>;
}

export async function startHiddenServer(limits: HiddenLimits): Promise<HiddenServer> {
  const path = fileURLToPath(new URL('hidden-server.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, JSON.stringify(limits)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.on('close', () => children.delete(child));
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  );
  return {
    port,
    log: () =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: '/_log', agent: false }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve(JSON.parse(body) as ServerLog));
        }).on('error', reject);
      }),
    stop: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.kill();
      }),
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
