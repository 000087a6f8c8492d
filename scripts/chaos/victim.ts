/**
 * One process that a chaos run kills, freezes and starts again, whatever it is. Next: `servers.ts` and
 * `worker.ts` make them.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from '../../dev-servers/server-process.ts';
import type { VictimName } from './schedule.ts';

/** A process as it runs now. */
export interface Running {
  readonly pid: number;
  /** Ends it in order, at the end of the run. */
  stop(): Promise<void>;
  /** It is going to be killed: nobody else may start it again. */
  letGo?(): void;
  /** Of a third party: each answer takes 400 ms from now on, or no longer. */
  slow?(isSlow: boolean): Promise<void>;
}

export interface Victim {
  readonly name: VictimName;
  /** SIGKILL to it and its children; settles when none is left. */
  kill(): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  slow(isSlow: boolean): Promise<void>;
  stop(): Promise<void>;
}

const END_PATIENCE_MS = 10_000;

export async function createVictim(name: VictimName, launch: () => Promise<Running>): Promise<Victim> {
  let running: Running | undefined = await launch();
  const signal = (kind: NodeJS.Signals): number[] => {
    const pids = running ? family(running.pid) : [];
    // The parent first: it must neither see its children end nor start new ones.
    for (const pid of pids) send(pid, kind);
    return pids;
  };
  return {
    name,
    kill: async () => {
      signal('SIGSTOP'); // so that the list of its children does not change while it is read
      running?.letGo?.();
      const pids = signal('SIGKILL');
      running = undefined;
      const deadline = performance.now() + END_PATIENCE_MS;
      while (pids.some((pid) => isRunning(pid))) {
        if (performance.now() > deadline) throw new Error(`${name} (${pids.join(', ')}) outlived SIGKILL`);
        await delay(10);
      }
    },
    start: async () => {
      running = await launch();
    },
    freeze: () => void signal('SIGSTOP'),
    thaw: () => void signal('SIGCONT'),
    slow: async (isSlow) => running?.slow?.(isSlow),
    stop: async () => {
      signal('SIGCONT');
      await running?.stop();
      running = undefined;
    },
  };
}

/** A process and its children, the parent first. Postgres has one for each connection. */
function family(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const children = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child as number);
  return [pid, ...children];
}

function send(pid: number, kind: NodeJS.Signals): void {
  try {
    process.kill(pid, kind);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended in between
  }
}
