/**
 * A worker of a chaos run: the command line's `worker` in a process of its own. When it ends although nobody killed it, it
 * is started again, as a supervisor does, and that is counted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { guard } from '../../workers/dev-servers/server-process.ts';
import { THIRD_PARTY_URL } from './network.ts';
import type { VictimName } from './schedule.ts';
import type { ChaosServers } from './servers.ts';
import { createVictim, type Running, type Victim } from './victim.ts';

export const TASK_QUEUE = 'chaos';
const SERVING = 'worker is serving';
const RESTART_MS = 500;
const STOP_MS = 8_000;

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Resolves when the worker serves, which takes some seconds. Its log is `<name>.log` in `dataDir`. */
export function createWorkerVictim(
  name: VictimName,
  servers: Pick<ChaosServers, 'databaseUrl' | 'temporalAddress' | 'thirdPartyUrl'>,
  dataDir: string,
  onEnd: (code: number | null) => void,
): Promise<Victim> {
  const launch = async (): Promise<Running> => {
    const log = createWriteStream(join(dataDir, `${name}.log`), { flags: 'a' });
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', path('../../cli/main.ts'), 'worker', '--module', path('network.ts')],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          DATABASE_URL: servers.databaseUrl,
          TEMPORAL_ADDRESS: servers.temporalAddress,
          TEMPORAL_NAMESPACE: 'default',
          SLUICE_TASK_QUEUE: TASK_QUEUE,
          SLUICE_DRAIN_SECONDS: '2',
          [THIRD_PARTY_URL]: servers.thirdPartyUrl,
        },
      },
    );
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    await once(child, 'spawn');
    const pid = child.pid as number;
    let output = '';
    const serves = new Promise<void>((resolve) => {
      child.stdout.on('data', (data: Buffer) => {
        if (output.includes(SERVING)) return;
        output += data.toString();
        if (output.includes(SERVING)) resolve();
      });
      child.once('exit', () => resolve()); // started again below; what comes then need not be waited for
    });
    const tie = await guard(pid); // a killed chaos run leaves no worker behind
    let isWanted = true;
    let current: Running | undefined;
    child.once('exit', (code, signal) => {
      void tie.release();
      log.end();
      if (!isWanted || signal === 'SIGKILL') return;
      onEnd(code);
      void delay(RESTART_MS).then(async () => {
        if (isWanted) current = await launch();
      });
    });
    await serves;
    return {
      get pid() {
        return current?.pid ?? pid;
      },
      letGo: () => {
        isWanted = false;
        current?.letGo?.();
      },
      stop: async () => {
        isWanted = false;
        if (current) return current.stop();
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        const lazy = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await gone;
        clearTimeout(lazy);
      },
    };
  };
  return createVictim(name, launch);
}
