/**
 * What a worker's activities are given: its definitions, where secrets come from, and how they reach the rest of Sluice.
 * Used by: `create-worker.ts`. Next: `activities/deps.ts` says what each is for.
 */
import {
  createCallPlaces,
  createPageBatches,
  createRunEnds,
  createStoredCredentials,
  type ActivityDeps,
  type RevokeDeps,
} from '../activities/index.ts';
import { tellKnown } from '../client/describe-workflow.ts';
import type { ClientParts } from '../client/start-workflow.ts';
import { findRunning } from '../client/sync/find-running.ts';
import { launchRun } from '../client/sync/start-run.ts';
import { signalNames } from '../contracts/names.ts';
import type { WorkerSettings } from './config.ts';
import { tellAll } from './loops/count-pace.ts';
import type { Serving } from './loops/tell-served.ts';
import type { WorkerParts } from './open-parts.ts';
import { withoutKeys } from './without-keys.ts';
import type { WorkerOptions } from './worker-options.ts';

export interface DepsOfWorker {
  readonly deps: ActivityDeps;
  /** Undefined: this worker has no keys, so it can revoke nothing. */
  readonly revoking: RevokeDeps | undefined;
  /** Settles when no refresh is under way. */
  readonly refreshesSettled: () => Promise<void>;
}

export interface DepsFrom {
  readonly own: WorkerParts;
  readonly client: ClientParts;
  readonly options: WorkerOptions;
  readonly settings: WorkerSettings;
  readonly places: ReturnType<typeof createCallPlaces>;
  readonly serving: Serving;
  readonly isStopping: () => boolean;
}

export function activityDeps({ own, client, options, settings, places, serving, isStopping }: DepsFrom): DepsOfWorker {
  const { pool, limiter, http, log, heap, metrics, pace, tracer, keyring } = own;
  const { providers, ...catalog } = own.catalog;
  const { egress } = settings;
  const revoking = keyring && { pool, keyring, limiter, http, log, egress };
  const stored = revoking && createStoredCredentials({ ...revoking, providerNamed: (id) => providers.get(id) });
  const deps: ActivityDeps = {
    pool,
    pageBatches: createPageBatches(pool),
    runEnds: createRunEnds(pool),
    limiter,
    http,
    ...catalog,
    credentials: options.credentials ?? stored ?? withoutKeys(pool),
    egress,
    // Not started yet: it asks when it starts. Ended: the next check frees its place.
    tellLock: (workflowId) => tellKnown(client.client, workflowId, signalNames.lockGranted),
    findRunning: (workflowId) => findRunning(client, workflowId),
    startRun: (provider, input, reportId) => launchRun(client, provider, input, reportId),
    // Whoever asked it to end: us, a signal, or Temporal's own runtime.
    isStopping,
    isFull: () => heap.isFull(),
    places,
    othersMayServe: serving.othersMayServe,
    log,
    meter: metrics ? tellAll([pace.meter, metrics.meter]) : pace.meter,
    ...(tracer ? { tracer } : {}),
  };
  return { deps, revoking, refreshesSettled: async () => stored?.settled() };
}
