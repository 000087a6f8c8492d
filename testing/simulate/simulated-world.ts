/**
 * A worker (or several) and a client for one simulation, closed at its end. Next: `workers/create-worker.ts`.
 */
import { randomBytes } from 'node:crypto';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { connect, type Sluice } from '../../client/index.ts';
import type { Priority } from '../../contracts/limits/limit.ts';
import type { Action, Provider, Sync } from '../../providers/index.ts';
import { createWorker } from '../../workers/index.ts';
import type { SimulateAnyOptions } from './simulate-sync.ts';

export interface Servers {
  readonly databaseUrl: string;
  readonly temporal: { readonly address: string };
  readonly encryptionKeys: string;
  /** Undefined: that of the package's build. */
  readonly workflowBundle: WorkflowBundleOption | undefined;
}

/** Account when none is named. */
export const SIMULATED = 'simulated';
export const TIMEOUT_MS = 60_000;

/** What is simulated, and the provider whose account is connected first. */
export interface Simulated {
  readonly syncs?: readonly Sync[];
  readonly actions?: readonly Action[];
  readonly provider: Provider;
  /** What it is started with. The worker serves nothing else: each role takes as long to start as the run that is simulated. */
  readonly priority: Priority;
}

export async function inWorld<Result>(
  { workflowBundle, ...servers }: Servers,
  { syncs = [], actions = [], provider, priority }: Simulated,
  options: SimulateAnyOptions,
  work: (sluice: Sluice) => Promise<Result>,
): Promise<Result> {
  const { account = SIMULATED, credentials, settings: given, workers = 1, logLevel = 'error' } = options;
  const taskQueue = `simulated-${randomBytes(4).toString('hex')}`;
  const settings = { taskQueue, concurrency: 50, dbConnections: 10, egress: 'default', drainSeconds: 1, logLevel };
  const closing: (() => Promise<void>)[] = [];
  try {
    for (let count = 0; count < workers; count++) {
      const bundle = workflowBundle && { workflowBundle };
      // Nothing of the environment's: its webhook would be told of what a test makes fail.
      const worker = await createWorker({ ...servers, ...bundle, syncs, actions, roles: [priority] }, settings);
      const serving = worker.run();
      closing.push(() => (worker.shutdown(), serving));
    }
    const sluice = await connect({ ...servers, taskQueue });
    closing.unshift(() => sluice.close());
    if (credentials !== undefined || given !== undefined) {
      const of = { ...(credentials ? { credentials } : {}), ...(given === undefined ? {} : { settings: given }) };
      await sluice.accounts.connect({ provider, account, ...of });
    }
    return await work(sluice);
  } finally {
    for (const close of closing) await close();
  }
}
