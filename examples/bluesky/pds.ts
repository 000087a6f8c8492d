/**
 * A real Bluesky PDS for the example, the demo and the tests: starts it on loopback, seeds it, and keeps the handle that
 * reads its own count of calls and stops it. The process is `server/start-pds.mjs`, the content `seed.ts`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { installServer, serverFolder } from './install-server.ts';
import { seed } from './seed.ts';
import type { SeededNetwork } from './seed.ts';

export interface StartPdsOptions {
  /** Accounts, posts of each, follows of each, and the number that decides who follows whom: see `SeedOptions`. */
  readonly accounts?: number;
  readonly posts?: number;
  readonly follows?: number;
  readonly seed?: number;
  /** Calls allowed per IP and window, at least 1. Default 3,000, as shipped. */
  readonly limit?: number;
  /** Length of that fixed window in seconds, at least 1. Default 300, as shipped. */
  readonly windowSeconds?: number;
  /** Life of an access token in seconds, at least 1. Default two hours, as shipped. */
  readonly tokenSeconds?: number;
  /** An empty or missing folder, kept afterwards. Default: a temporary one, removed at the end. */
  readonly dataDir?: string;
  /** Leaves the PDS running when this process ends; only `stop()`, or SIGTERM to its `pid`, ends it. Default false. */
  readonly outlivesParent?: boolean;
  /** Gets one line at each step. */
  readonly log?: (line: string) => void;
}

/** What `start-pds.mjs` prints when it is ready. */
export interface PdsAddress {
  readonly url: string;
  readonly plcUrl: string;
  readonly controlUrl: string;
  readonly adminPassword: string;
  /** In the header `x-ratelimit-bypass` it lets a call pass the limit and the count. */
  readonly bypassKey: string;
  /** Where its SQLite files are. */
  readonly dataDir: string;
  readonly pid: number;
}

/** The PDS's own count of XRPC calls since the start or the last reset; calls with the bypass key are only in `bypassed`. */
export interface PdsStats {
  readonly total: number;
  /** Calls answered with 429; they are part of `total`. */
  readonly refused: number;
  readonly bypassed: number;
  readonly byPath: Readonly<Record<string, { readonly total: number; readonly refused: number }>>;
  readonly byStatus: Readonly<Record<string, number>>;
  /** ISO time at which the first call came in; null before it. */
  readonly firstCallAt: string | null;
  /** ISO time at which the last answered call was answered; null before it. */
  readonly lastCallAt: string | null;
  /** From the first to the last, on the PDS's clock. */
  readonly seconds: number;
}

export interface RunningPds extends PdsAddress {
  /** What a complete walk must find. */
  readonly expected: SeededNetwork;
  stats(): Promise<PdsStats>;
  reset(): Promise<void>;
  /** Resolves when the process is gone. A second call waits for the same. */
  stop(): Promise<void>;
}

type PdsProcess = ChildProcessByStdio<Writable | null, Readable, Readable>;

/**
 * Installs the PDS's packages when they are missing (about 80 s, once for a user), starts it (about 3 s), seeds it (about
 * 5 s for the default network) and sets its count of calls to zero.
 * @throws {Error} when it can't be installed, does not come up, or refuses a part of the seed; no process is left behind.
 */
export async function startPds(options: StartPdsOptions = {}): Promise<RunningPds> {
  const packages = await installServer(options);
  const child = spawnServer(packages, options);
  const stop = (): Promise<void> => stopProcess(child);
  try {
    const address = await readAddress(child);
    options.log?.(`Bluesky PDS at ${address.url}`);
    const expected = await seed({ ...options, ...address });
    const control = (method: string, path: string): Promise<Response> =>
      fetch(new URL(path, address.controlUrl), { method });
    const reset = async (): Promise<void> => void (await (await control('POST', '/_reset')).text());
    await reset();
    if (options.outlivesParent === true) letGo(child);
    return {
      ...address,
      expected,
      stats: async () => (await (await control('GET', '/_stats')).json()) as PdsStats,
      reset,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function spawnServer(packages: string, options: StartPdsOptions): PdsProcess {
  const flags = {
    packages,
    limit: options.limit,
    'window-seconds': options.windowSeconds,
    'token-seconds': options.tokenSeconds,
    'data-dir': options.dataDir,
  };
  const given = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `${value}`],
  );
  const outlives = options.outlivesParent === true;
  return spawn(process.execPath, [join(serverFolder, 'start-pds.mjs'), ...given], {
    // With a pipe as stdin the server ends with this process, also when this one is killed.
    stdio: [outlives ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: outlives,
  }) as PdsProcess;
}

/** The first line of stdout, or the reason why there is none. */
async function readAddress(child: PdsProcess): Promise<PdsAddress> {
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000);
  });
  const ended = once(child, 'close').then(() => {
    throw new Error('it ended at once');
  });
  const ready = once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(60_000) });
  try {
    const [line] = (await Promise.race([ready, ended])) as [string];
    return JSON.parse(line) as PdsAddress;
  } catch (cause) {
    throw new Error(`The Bluesky PDS did not come up. Its last words:\n${complaint}`, { cause });
  }
}

/** Nothing of the child keeps this process alive any more. */
function letGo(child: PdsProcess): void {
  child.unref();
  child.stdout.destroy();
  child.stderr.destroy();
}

async function stopProcess(child: PdsProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  // It gives itself 5 s; one that is stuck longer than twice that is not coming back.
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(killer);
}
