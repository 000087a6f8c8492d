/**
 * Starts a fake third party in a process of its own and speaks with it. It is for benchmarks and chaos, where the
 * server must not share a processor thread, or a fate, with what is measured.
 * Next: `fake-api-process.ts` is that process.
 */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuiltInCommands, FakeApiDescription, ProcessReply, ProcessRequest } from './fake-api-process.ts';
import type { LimitNumbers } from '../fake-api/limits/limit-counters.ts';
import type { OutageOptions } from '../faults/outages.ts';
import type { PositionCount, FakeReport } from '../fake-api/report.ts';
import type { ChaosOptions, ScriptOptions, ScriptStep } from '../faults/scripts.ts';

/** A third party in another process. Settled promises mean that it is so over there. */
export interface FakeApiProcess {
  readonly url: string;
  readonly pid: number;
  report(): Promise<FakeReport>;
  reset(): Promise<void>;
  positions(path: string): Promise<Record<string, PositionCount>>;
  setLimit(name: string, numbers: Partial<LimitNumbers>): Promise<void>;
  script(on: string, steps: readonly ScriptStep[], options?: ScriptOptions): Promise<void>;
  /** Random failures, in place of earlier ones. */
  chaos(options: ChaosOptions): Promise<void>;
  calm(): Promise<void>;
  /** Settles when it has begun (at once when it begins later). */
  outage(options: OutageOptions): Promise<void>;
  endOutage(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** A command of the setup module. @throws Error with what it threw over there. */
  command<T = unknown>(name: string, args?: unknown): Promise<T>;
  /** Ends the process; settles when it is gone. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL: no socket is closed properly. */
  kill(): Promise<void>;
}

export interface FakeApiProcessOptions {
  /** JSON for the module's `install(api, args)`. */
  readonly args?: unknown;
}

/**
 * Starts a third party from a module that exports `install(api, args)`, or from a description.
 * @throws Error when the process ends before it listens; what it wrote to stderr is in the message.
 */
export async function startFakeApiProcess(
  setup: string | URL | FakeApiDescription,
  options: FakeApiProcessOptions = {},
): Promise<FakeApiProcess> {
  const source = typeof setup === 'string' ? setup : setup instanceof URL ? setup.href : JSON.stringify(setup);
  const extension = extname(fileURLToPath(import.meta.url));
  const script = fileURLToPath(new URL(`fake-api-process${extension}`, import.meta.url));
  const argv = [source, ...(options.args === undefined ? [] : [JSON.stringify(options.args)])];
  const child = fork(script, argv, { execArgv: loaderFor(script, source), stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });

  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-10_000)));
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      const error = new Error(`fake third party ended (${signal ?? code})${stderr === '' ? '' : `:\n${stderr}`}`);
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      resolve();
    });
  });
  child.on('message', (reply: ProcessReply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) call?.reject(new Error(reply.error));
    else call?.resolve(reply.result);
  });
  let lastId = 0;
  const replyTo = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      if (child.exitCode !== null || child.signalCode !== null) reject(new Error('fake third party has ended'));
      else waiting.set(id, { resolve, reject });
    });
  const send = (command: string, args: unknown): Promise<unknown> => {
    const request: ProcessRequest = { id: ++lastId, command, args };
    const reply = replyTo(request.id);
    if (child.connected) child.send(request);
    return reply;
  };
  const call = <T>(command: keyof BuiltInCommands, args?: unknown) => send(command, args) as Promise<T>;
  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal);
    return gone;
  };

  const url = (await replyTo(0)) as string;
  return {
    url,
    pid: child.pid as number,
    report: () => call('report'),
    reset: () => call('reset'),
    positions: (path) => call('positions', path),
    setLimit: (name, numbers) => call('setLimit', { name, ...numbers }),
    script: (on, steps, scriptOptions) => call('script', { on, steps, options: scriptOptions }),
    chaos: (chaosOptions) => call('chaos', chaosOptions),
    calm: () => call('calm'),
    outage: (outageOptions) => call('outage', outageOptions),
    endOutage: () => call('endOutage'),
    pause: () => call('pause'),
    resume: () => call('resume'),
    command: <T>(name: string, args?: unknown) => send(name, args) as Promise<T>,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** TypeScript sources need tsx; built JavaScript needs nothing. */
function loaderFor(script: string, source: string): string[] {
  if (!script.endsWith('.ts') && !source.endsWith('.ts')) return [];
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href];
}
