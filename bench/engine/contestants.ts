/**
 * The tools of the comparison: how each is started, and what it needs. A tool whose packages or servers are not here is
 * said to be missing and left out. Next: `one-run.ts` measures one of them.
 */
import type { Child } from './child.ts';
import { nodeArgs, startChild } from './child.ts';
import { bullmqPackages, celeryPackages } from './peer-packages.ts';

export interface RunEnvironment {
  readonly API: string;
  readonly DATABASE_URL: string;
  readonly ACCOUNTS: string;
  readonly LIMIT: 'window' | 'learned';
  readonly SYNC?: 'items' | 'tree';
  readonly REDIS_URL?: string;
  readonly TEMPORAL_ADDRESS?: string;
}

export interface Contestant {
  readonly name: string;
  readonly needs: readonly ('redis' | 'temporal')[];
  /** Makes the peers' table, where the tool does not make its own. */
  readonly countRows: string;
  /** @throws Error when it can't be installed. */
  readonly install: () => Promise<string>;
  /** Started and warm; the pids of `worker` are what is counted as the tool's own CPU. */
  readonly start: (environment: RunEnvironment, packages: string) => Promise<Started>;
}

export interface Started {
  readonly workerPid: number;
  /** Starts the work of all accounts. */
  readonly go: () => void;
  readonly stop: () => Promise<void>;
}

/** The table of all tools but ours. */
export const PEER_TABLE = 'create table rows (id text primary key, doc jsonb)';
const PEER_ROWS = 'select count(*)::int as n from rows';

const nothingToInstall = () => Promise.resolve('');

export const sluice: Contestant = {
  name: 'sluice',
  needs: ['temporal'],
  countRows: 'select count(*)::int as n from sluice.record',
  install: nothingToInstall,
  start: (environment) =>
    startNode(new URL('./sluice-worker.ts', import.meta.url), { ...environment, SLUICE_LOG_LEVEL: 'warn' }),
};

/** Accounts that are due by a schedule: in fleets, and each by a workflow of its own. */
export const [sluiceFleets, sluiceEach] = (['due', 'due-each'] as const).map((start): Contestant => ({
  ...sluice,
  name: start === 'due' ? 'sluice, fleets' : 'sluice, a workflow each',
  // All of it is done when the runs have ended.
  countRows: 'select 100 * count(*)::int as n from sluice.run where ended_at is not null',
  start: (environment) =>
    startNode(new URL('./sluice-worker.ts', import.meta.url), {
      ...environment,
      START: start,
      SLUICE_LOG_LEVEL: 'warn',
    }),
})) as [Contestant, Contestant];

export const plainLoop: Contestant = {
  name: 'plain loop',
  needs: [],
  countRows: PEER_ROWS,
  install: nothingToInstall,
  start: (environment) => startNode(new URL('../peers/plain-loop.ts', import.meta.url), { ...environment }),
};

export const temporalLocal: Contestant = {
  name: 'temporal, local activities',
  needs: ['temporal'],
  countRows: PEER_ROWS,
  install: nothingToInstall,
  start: (environment) => startNode(new URL('../peers/temporal-local.ts', import.meta.url), { ...environment }),
};

export const bullmq: Contestant = {
  name: 'bullmq',
  needs: ['redis'],
  countRows: PEER_ROWS,
  install: bullmqPackages,
  start: (environment, packages) =>
    startNode(new URL('../peers/bullmq.ts', import.meta.url), { ...environment, PACKAGES: packages }),
};

export const celery: Contestant = {
  name: 'celery',
  needs: ['redis'],
  countRows: PEER_ROWS,
  install: celeryPackages,
  start: async (environment, packages) => {
    const cwd = new URL('../peers/', import.meta.url).pathname;
    const env = { ...environment, PYTHONDONTWRITEBYTECODE: '1' };
    // As its documentation recommends for calls that wait for a network: processes, several to a core.
    const worker = await startChild({
      command: `${packages}/bin/celery`,
      args: ['-A', 'celery_pages', 'worker', '-c', '8', '-l', 'warning', '--without-gossip', '--without-mingle'],
      cwd,
      env,
      readyWhen: /celery_pages/,
    });
    let starter: Child;
    try {
      starter = await startChild({ command: `${packages}/bin/python`, args: ['celery_pages.py'], cwd, env });
    } catch (error) {
      await worker.stop();
      throw error;
    }
    return {
      workerPid: worker.pid,
      go: () => starter.go(),
      stop: async () => {
        await Promise.all([starter.stop(), worker.stop()]);
      },
    };
  },
};

export const contestants: readonly Contestant[] = [plainLoop, sluice, temporalLocal, celery, bullmq];

async function startNode(file: URL, env: NodeJS.ProcessEnv): Promise<Started> {
  const flags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean);
  const child = await startChild({ command: process.execPath, args: [...flags, ...nodeArgs(file)], env });
  return { workerPid: child.pid, go: () => child.go(), stop: () => child.stop() };
}
