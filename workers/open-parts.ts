/**
 * What a worker has before it serves anything: logs, metrics, its definitions, the database, the limiter, HTTP.
 * None of it has asked a server yet. Used by: `create-worker.ts`.
 */
import { pino } from 'pino';
import { createHttpSender, withLogFields, type CallTracer, type HttpSender, type Log } from '../activities/index.ts';
import {
  createKeyring,
  createPool,
  createSecretUseCounter,
  type Keyring,
  type Pool,
  type SecretUseCounter,
} from '../db/index.ts';
import { findServers, type Servers } from '../dev-servers/find-servers.ts';
import { freePort } from '../dev-servers/free-port.ts';
import { createLimiter } from '../limiter/create-limiter.ts';
import { createHeapGuard, type HeapGuard } from './capacity/heap-guard.ts';
import { createCatalog, type Catalog } from './catalog.ts';
import type { WorkerSettings } from './config.ts';
import { createPaceCounter, type PaceCounter } from './loops/count-pace.ts';
import { createMetrics, type Metrics } from './metrics/sluice-metrics.ts';
import { installRuntime } from './runtime.ts';
import { createCallTracer } from './tracing.ts';
import type { WorkerOptions } from './worker-options.ts';

export interface WorkerParts {
  readonly log: Log;
  readonly heap: HeapGuard;
  readonly metrics: Metrics | undefined;
  /** Where Temporal's SDK serves its own metrics to this process. */
  readonly sdkMetrics: string | undefined;
  readonly catalog: Catalog;
  readonly tracer: CallTracer | undefined;
  readonly servers: Servers;
  /** Undefined: this worker has no keys. */
  readonly keyring: Keyring | undefined;
  readonly secretUses: SecretUseCounter;
  readonly pace: PaceCounter;
  readonly pool: Pool;
  readonly limiter: ReturnType<typeof createLimiter>;
  readonly http: HttpSender;
}

/** @throws Error for definitions with mistakes, and when a server is not named and none is running. */
export async function openParts(options: WorkerOptions, settings: WorkerSettings): Promise<WorkerParts> {
  const log = withLogFields(options.log ?? pino({ name: 'sluice', level: settings.logLevel }));
  const { metricsAddress, maxHeap = 0.85 } = settings;
  const heap = createHeapGuard(log, { maxShare: maxHeap });
  // Temporal's own metrics have a server of their own, which only this process asks.
  const sdkMetrics = installRuntime(log, metricsAddress === undefined ? undefined : `127.0.0.1:${await freePort()}`);
  const metrics = metricsAddress === undefined ? undefined : createMetrics();
  const catalog = createCatalog(options);
  const { tracing } = options;
  const tracer = tracing ? await createCallTracer(tracing === true ? {} : tracing) : undefined;
  const servers = await findServers(options);
  const keys = await servers.encryptionKeys();
  const secretUses = createSecretUseCounter();
  const pace = createPaceCounter();
  const keyring = keys === undefined ? undefined : createKeyring(keys, secretUses);
  const pool = createPool(servers.databaseUrl, { max: settings.dbConnections, applicationName: 'sluice-worker' });
  const limiter = metrics ? metrics.watch(createLimiter({ pool })) : createLimiter({ pool });
  const http = createHttpSender(settings.proxy === undefined ? {} : { proxy: settings.proxy });
  return {
    log,
    heap,
    metrics,
    sdkMetrics,
    catalog,
    tracer,
    servers,
    keyring,
    secretUses,
    pace,
    pool,
    limiter,
    http,
  };
}
