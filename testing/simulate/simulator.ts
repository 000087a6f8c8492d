/**
 * Real servers for tests of syncs: a Postgres and a Temporal of its own, in temporary folders, whatever servers the
 * environment names. Loaded by `simulate-sync.ts` only when it is wanted: the fake third party needs none of it.
 * Next: `simulated-world.ts` has the worker and the client of a run, `perform.ts` simulates actions.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { duration } from '../../contracts/values/duration.ts';
import type { RunResult, Sluice, SyncHandle } from '../../client/index.ts';
import type { Node, Sync } from '../../providers/index.ts';
import { ensurePostgres } from '../../dev-servers/index.ts';
import { workflowBundleFor } from '../../workers/workflow-source.ts';
import { startTemporaryTemporal } from '../../dev-servers/temporal/temporary-temporal.ts';
import { checkFakeOptions } from '../fake-api/options/check-options.ts';
import { OF_ACTION, OF_SYNC } from './known-options.ts';
import { SimulationStuck, type SimulatedSync, type SimulateOptions, type Simulator } from './simulate-sync.ts';
import { inWorld, SIMULATED, TIMEOUT_MS, type Servers } from './simulated-world.ts';
import { syncAt, withoutGrowth } from './at-base-url.ts';
import { perform } from './perform.ts';

const LOOK_EVERY_MS = 200;
const CANCEL_PATIENCE_MS = 10_000;

export async function startServersAndSimulator(): Promise<Simulator> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-simulator-'));
  const { DATABASE_URL: _, ...env } = process.env;
  const starting = await Promise.allSettled([
    ensurePostgres({ dataDir: folder, env }),
    startTemporaryTemporal(),
    bundleForAll(),
  ]);
  const [postgres, temporal, bundle] = starting;
  const stop = async () => {
    const started = [postgres, temporal].flatMap((server) => (server.status === 'fulfilled' ? [server.value] : []));
    await Promise.all(started.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  if (postgres.status === 'rejected' || temporal.status === 'rejected' || bundle.status === 'rejected') {
    await stop();
    throw starting.find((one) => one.status === 'rejected')?.reason;
  }
  const servers = { databaseUrl: postgres.value.url, temporal: { address: temporal.value.address } };
  const encryptionKeys = `simulator:${randomBytes(32).toString('base64')}`;
  const all = { ...servers, encryptionKeys, workflowBundle: bundle.value };
  return {
    run: async (sync, options) => {
      checkFakeOptions('simulateSync', options, OF_SYNC);
      return simulate(all, sync, options);
    },
    act: async (action, options) => {
      checkFakeOptions('simulateAction', options, OF_ACTION);
      return perform(all, action, options);
    },
    stop,
  };
}

/** Once, and not for each worker. */
function bundleForAll(): Promise<WorkflowBundleOption> {
  const quiet = (): void => undefined;
  const logger = { info: quiet, debug: quiet, trace: quiet, log: quiet, warn: console.warn, error: console.error };
  return workflowBundleFor(undefined, false, logger);
}

async function simulate<Input>(
  servers: Servers,
  sync: Sync<Input>,
  options: SimulateOptions<Input>,
): Promise<SimulatedSync> {
  const { account = SIMULATED, timeoutMs = TIMEOUT_MS, mode = 'incremental', api, input } = options;
  const baseUrl = api?.url ?? options.baseUrl;
  const sized = options.growsPages === false ? withoutGrowth(sync) : sync;
  const simulated = baseUrl === undefined ? sized : syncAt(sized, baseUrl);
  const world = { syncs: [simulated], provider: sync.definition.provider, priority: 'bulk' } as const;
  return inWorld(servers, world, options, async (sluice) => {
    const run = await sluice.start(simulated, { account, input, mode, priority: world.priority });
    const result = await endOf(run, sync.definition.name, timeoutMs);
    const rows = await rowsOf(sluice, sync, account);
    const report = api?.report();
    return {
      result,
      rows: <Row>(node: Node<Row>) => (rows.get(node.resource) ?? []) as Row[],
      calls: result.calls,
      violations: report?.violations ?? [],
      ...(report === undefined ? {} : { report }),
    };
  });
}

/** @throws SimulationStuck when it is paused, or has not ended in time; it is cancelled then. */
async function endOf(run: SyncHandle, name: string, timeoutMs: number): Promise<RunResult> {
  const watched = new AbortController();
  const ended = run.result().finally(() => watched.abort());
  try {
    return await Promise.race([ended, stuck(run, name, timeoutMs, watched.signal)]);
  } catch (error) {
    if (!(error instanceof SimulationStuck)) throw error;
    // Else the next run of this account would attach to it.
    await run.cancel();
    await Promise.race([ended, delay(CANCEL_PATIENCE_MS)]).catch(() => {}); // cancelled, as was asked for
    throw error;
  }
}

/** Settles only by throwing. */
async function stuck(run: SyncHandle, name: string, timeoutMs: number, signal: AbortSignal): Promise<never> {
  const deadline = performance.now() + timeoutMs;
  while (!signal.aborted) {
    await delay(LOOK_EVERY_MS);
    if (signal.aborted) break;
    const progress = await run.progress();
    if (progress.state === 'paused') throw new SimulationStuck(name, 'pauses', progress, []);
    if (performance.now() > deadline)
      throw new SimulationStuck(name, `had not ended after ${duration(timeoutMs)}`, progress, await run.waits());
  }
  return new Promise(() => {}); // it has ended, and its end is the answer
}

async function rowsOf(sluice: Sluice, { definition }: Sync, account: string): Promise<Map<string, unknown[]>> {
  const stored = new Map<string, unknown[]>();
  for (const node of definition.nodes.values()) {
    const rows: unknown[] = [];
    for await (const record of sluice.records(node, { account }))
      if (record.change === 'upsert') rows.push(record.data);
    stored.set(node.resource, rows);
  }
  return stored;
}
