/**
 * One server as a process of its own. It is launched out of reach of the terminal's Ctrl-C: its owner decides when it
 * ends, so that a worker can drain first. It is guarded from its first moment, so that it ends when its owner does,
 * even by SIGKILL.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isExecutable } from './cache-folder.ts';
import { duration } from '../contracts/values/duration.ts';

export interface LaunchOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Receives stdout and stderr; emptied at every launch. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Run as this user (only root can). */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface LaunchedProcess {
  readonly pid: number;
  /** Why the process ended, or undefined while it runs. */
  readonly ended: () => string | undefined;
  /** Called once when it ends. */
  readonly onEnd: (listener: () => void) => void;
  /** Ties its life to the life of this process. */
  readonly tie: Guard;
}

export interface Guard {
  /** Takes the guard away; the server now outlives this process. */
  readonly release: () => Promise<void>;
}

// Reads a pipe from the owner. A line takes the guard away. The end of the pipe, which comes when the owner closes it
// or dies in any way, ends the server.
const GUARD_SCRIPT = `cd /
read -r _ && exit
kill -INT "$1" 2>/dev/null
n=0
while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
kill -KILL "$1" 2>/dev/null`;

// The guard is there before the server is: this shell becomes the server, and keeps its process id.
const LAUNCH_SCRIPT = `/bin/sh -c '${GUARD_SCRIPT}' sluice-guard $$ <&3 3<&- >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

/**
 * Starts the program in a session of its own.
 * @throws Error when the program can't be executed.
 */
export async function launch(options: LaunchOptions): Promise<LaunchedProcess> {
  const { command, args, logFile, cwd, env, user } = options;
  if (!isExecutable(command)) throw new Error(`${command} is no program that can be executed.`);
  const log = openSync(logFile, 'w', 0o600);
  try {
    const child = spawn('/bin/sh', ['-c', LAUNCH_SCRIPT, 'sluice-launch', command, ...args], {
      stdio: ['ignore', log, log, 'pipe'],
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      ...user,
    });
    let ended: string | undefined;
    child.once(
      'exit',
      (code, signal) => (ended = signal ? `it was ended by ${signal}` : `it exited with code ${code}`),
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return {
      pid: child.pid as number,
      ended: () => ended,
      onEnd: (listener) => child.once('exit', listener),
      tie: tieOf(child.stdio[3] as Socket),
    };
  } finally {
    closeSync(log);
  }
}

function tieOf(pipe: Socket): Guard {
  pipe.on('error', () => {}); // the guard has ended with its server
  // Its end is seen by a reader only.
  pipe.resume();
  pipe.unref();
  const closed = new Promise<void>((resolve) => pipe.once('close', () => resolve()));
  return {
    release: () => {
      pipe.ref();
      if (!pipe.writableEnded) pipe.end('released\n');
      return closed;
    },
  };
}

/**
 * Waits until `isHealthy` says so.
 * @throws Error with the last lines of the log when the process ended or is not healthy after `limitMs`.
 */
export async function waitUntilHealthy(
  { ended }: LaunchedProcess,
  isHealthy: () => Promise<boolean>,
  { name, logFile, limitMs }: { readonly name: string; readonly logFile: string; readonly limitMs: number },
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await isHealthy())) {
    const reason =
      ended() ?? (performance.now() > deadline ? `it did not answer within ${duration(limitMs)}` : undefined);
    if (reason) {
      const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
      throw new Error(`${name} did not start: ${reason}. The end of ${logFile}:\n${lines}`);
    }
    await delay(25);
  }
}

/** Ties the life of a process that runs already to the life of this one. */
export async function guard(pid: number): Promise<Guard> {
  const watcher: ChildProcess = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'sluice-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  const gone = new Promise<void>((resolve) => watcher.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    watcher.once('spawn', resolve);
    watcher.once('error', reject);
  });
  watcher.unref();
  (watcher.stdin as Socket).unref();
  return {
    release: () => {
      watcher.ref();
      watcher.kill('SIGKILL');
      return gone;
    },
  };
}

/**
 * Ends a process: SIGINT, and SIGKILL when it is still there after `patienceMs`. Does nothing when the process is not the
 * one meant (a process id is used again after a restart of the machine).
 * @param marker text that its command line contains.
 */
export async function stopProcess(pid: number, marker: string, patienceMs = 10_000): Promise<void> {
  if (!isRunning(pid, marker)) return;
  sendSignal(pid, 'SIGINT');
  if (await hasEnded(pid, marker, patienceMs)) return;
  sendSignal(pid, 'SIGKILL');
  if (await hasEnded(pid, marker, 5_000)) return;
  throw new Error(`Process ${pid} could not be ended`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended in between: what was wanted
  }
}

/** Waits until the process has ended; false when it still runs after `limitMs`. */
export async function hasEnded(pid: number, marker: string, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (isRunning(pid, marker)) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}

/**
 * Whether a process with that id runs, of whichever user, whose command line contains `marker`. One that has ended but
 * was not yet collected by its parent does not run.
 */
export function isRunning(pid: number, marker = ''): boolean {
  const commandLine = commandLineOf(pid);
  return commandLine !== '' && commandLine.includes(marker);
}

/** The process that `pid` belongs to; undefined when there is no such process. One that has lost its parent belongs to another. */
export function parentOf(pid: number): number | undefined {
  try {
    if (process.platform !== 'linux')
      return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })); // prettier-ignore
    // The name before it may hold anything, brackets and blanks too.
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '');
    return Number(afterName.trim().split(' ')[1]);
  } catch {
    return undefined; // it has ended
  }
}

/** Empty when there is no such process. */
export function commandLineOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const line = execFileSync('ps', ['-ww', '-o', 'stat=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [state, command] = line.trim().split(/\s+(.*)/s);
    return state?.startsWith('Z') ? '' : (command ?? '');
  } catch {
    return ''; // no such process
  }
}
