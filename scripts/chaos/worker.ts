/**
 * A worker of a chaos run: the command line's `worker` in a process of its own. When it ends although nobody killed it, it
 * is started again, as a supervisor does, and that is counted.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { guard } from '../../dev-servers/server-process.ts';
import { THIRD_PARTY_URL } from './network.ts';
import type { VictimName } from './schedule.ts';
import type { ChaosServers } from './servers.ts';
import { createVictim, type Running, type Victim } from './victim.ts';

export const TASK_QUEUE = 'chaos';
const SERVING = 'worker is serving';
const RESTART_MS = 500;
const STOP_MS = 8_000;
const SERVE_PATIENCE_MS = 90_000;

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Resolves when the worker serves, which takes some seconds. Its log is `<name>.log` in `dataDir`.
 * @param builtFolder holds the repository as built JavaScript. Without it the sources are run.
 */
export function createWorkerVictim(
  name: VictimName,
  servers: Pick<ChaosServers, 'databaseUrl' | 'temporalAddress' | 'thirdPartyUrl'>,
  dataDir: string,
  builtFolder: string | undefined,
  onEnd: (code: number | null) => void,
): Promise<Victim> {
  const logFile = join(dataDir, `${name}.log`);
  const env = {
    ...process.env,
    DATABASE_URL: servers.databaseUrl,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    SLUICE_TASK_QUEUE: TASK_QUEUE,
    SLUICE_DRAIN_SECONDS: '2',
    [THIRD_PARTY_URL]: servers.thirdPartyUrl,
  };
  const launch = async (): Promise<Running> => {
    let isWanted = true;
    let child: ChildProcess;
    let serving = (): void => {};
    const serves = new Promise<void>((resolve) => (serving = resolve));
    /** One process at a time: this variable always names the latest. */
    const run = (): void => {
      child = startWorker(builtFolder, env, logFile, serving);
      child.once('exit', (code, signal) => {
        if (!isWanted || signal === 'SIGKILL') return;
        onEnd(code);
        void delay(RESTART_MS).then(() => isWanted && run());
      });
    };
    run();
    await Promise.race([serves, delay(SERVE_PATIENCE_MS, undefined, { ref: false })]);
    return {
      get pid() {
        return child.pid as number;
      },
      letGo: () => {
        isWanted = false;
      },
      stop: async () => {
        isWanted = false;
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        const impatient = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await gone;
        clearTimeout(impatient);
      },
    };
  };
  return createVictim(name, launch);
}

function startWorker(
  builtFolder: string | undefined,
  env: NodeJS.ProcessEnv,
  logFile: string,
  serving: () => void,
): ChildProcess {
  const log = createWriteStream(logFile, { flags: 'a' });
  const [loader, folder, extension] = builtFolder ? [[], builtFolder, 'js'] : [['--import', 'tsx'], root, 'ts'];
  const file = (name: string): string => join(folder, `${name}.${extension}`);
  const args = [...loader, file('cli/main'), 'worker', '--module', file('scripts/chaos/network')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    if (output.includes(SERVING)) return;
    output += data.toString();
    if (output.includes(SERVING)) serving();
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.once('close', () => log.end());
  // A killed chaos run leaves no worker behind.
  const tie = guard(child.pid as number);
  child.once('exit', () => void tie.then(({ release }) => release()));
  return child;
}
