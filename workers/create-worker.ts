/**
 * A worker process. It connects to Temporal and Postgres, brings the schema up to date, and serves its roles' task
 * queues with the syncs it was given. Next: `role-workers.ts` for the queues, `activities/index.ts` for what it
 * executes, `workflows/index.ts` for what it interprets.
 */
import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { pino } from 'pino';
import {
  createActivities,
  createHttpSender,
  createCallPlaces,
  createPageBatches,
  createRunEnds,
  createStoredCredentials,
  createUnitMemory,
  type ActivityDeps,
  withLogFields,
  type ProxySettings,
} from '../activities/index.ts';
import { tellKnown } from '../client/describe-workflow.ts';
import { pageAddress } from '../client/page-link.ts';
import { findRunning } from '../client/sync/find-running.ts';
import { launchRun } from '../client/sync/start-run.ts';
import { WITHOUT_TRACING } from '../client/tracing/trace-starts.ts';
import { findServers } from '../dev-servers/find-servers.ts';
import { checkedRetention } from '../contracts/operate/retention.ts';
import { ROLES, signalNames } from '../contracts/names.ts';
import { SLUICE_VERSION, workerIdentity } from '../contracts/version.ts';
import { createKeyring, createPool, migrate, createSecretUseCounter, noteDeploy } from '../db/index.ts';
import { createLimiter } from '../limiter/create-limiter.ts';
import { createCatalog } from './catalog.ts';
import { createPaceCounter, tellAll } from './loops/count-pace.ts';
import { readWorkerSettings } from './config.ts';
import { withCodecs } from '../dev-servers/data-converter.ts';
import { freePort } from '../dev-servers/free-port.ts';
import { registerSearchAttributes } from '../dev-servers/index.ts';
import { createControl } from './capacity/worker-control.ts';
import { createHeapGuard } from './capacity/heap-guard.ts';
import { createMetrics } from './metrics/sluice-metrics.ts';
import { serveMetrics } from './metrics/serve-metrics.ts';
import { checkWorkerOptions } from './known-options.ts';
import { startLoops } from './loops/start-loops.ts';
import { createRoleWorkers, type RoleWorkers } from './role-workers.ts';
import { createCallTracer } from './tracing.ts';
import { installRuntime } from './runtime.ts';
import { startServing, type Serving } from './loops/tell-served.ts';
import { reconcileSchedules } from './schedules/reconcile-schedules.ts';
import { withoutKeys } from './without-keys.ts';
import type { WorkerOptions } from './worker-options.ts';
import { workflowBundleFor } from './workflow-source.ts';

export type { WorkerOptions } from './worker-options.ts';

export interface SluiceWorker {
  /**
   * Serves until `shutdown` is called or the process gets SIGTERM, SIGINT, SIGQUIT or SIGUSR2. It ends when calls in
   * flight have ended (they are cut off after `drainSeconds`), and everything is closed.
   */
  run(): Promise<void>;
  shutdown(): void;
}

/**
 * @param rest the settings that `options` do not name. Default: those of the environment.
 * @throws Error when a server is not named and none is running, or can't be reached. Error too when a definition has
 * mistakes or a name that is taken.
 */
export async function createWorker(options: WorkerOptions, rest = readWorkerSettings()): Promise<SluiceWorker> {
  checkWorkerOptions(options);
  const settings = { ...rest, ...options.settings };
  const roles = options.roles ?? settings.roles ?? ROLES;
  const kept = checkedRetention(options.retention);
  const log = withLogFields(options.log ?? pino({ name: 'sluice', level: settings.logLevel }));
  const { metricsAddress, maxHeap = 0.85, deployMinutes = 10 } = settings;
  const heap = createHeapGuard(log, { maxShare: maxHeap });
  // Temporal's own metrics have a server of their own, which only this process asks.
  const sdkMetrics = installRuntime(log, metricsAddress === undefined ? undefined : `127.0.0.1:${await freePort()}`);
  const metrics = metricsAddress === undefined ? undefined : createMetrics();
  // Node before 20.7 does not tell. The Temporal SDK takes a stack for every promise of a workflow, and each is translated.
  if (process.sourceMapsEnabled)
    log.warn({}, 'source maps are on (tsx, --enable-source-maps): a third slower; in production run built JavaScript');
  const { providers, ...catalog } = createCatalog(options);
  const { tracing } = options;
  const tracer = tracing ? await createCallTracer(tracing === true ? {} : tracing) : undefined;
  const { databaseUrl, temporal, namespace, encryptionKeys } = await findServers(options);
  const keys = await encryptionKeys();
  const secretUses = createSecretUseCounter();
  const pace = createPaceCounter();
  const keyring = keys === undefined ? undefined : createKeyring(keys, secretUses);
  const pool = createPool(databaseUrl, { max: settings.dbConnections, applicationName: 'sluice-worker' });
  const limiter = metrics ? metrics.watch(createLimiter({ pool })) : createLimiter({ pool });
  const http = createHttpSender(settings.proxy === undefined ? {} : { proxy: settings.proxy });
  let stopMetrics: (() => Promise<void>) | undefined;
  let workers: RoleWorkers | undefined;
  let serving: Serving | undefined;
  try {
    if (metrics && metricsAddress !== undefined)
      stopMetrics = await serveMetrics(
        metricsAddress,
        () => metrics.text(pool, heap),
        sdkMetrics,
        () => workers !== undefined && !workers.isStopping() && !heap.isFull(),
      );
    await migrate(pool, { warn: (message) => log.warn({}, message) });
    const { syncs: scheduled = [] } = options;
    const identity = workerIdentity(`${process.pid}@${hostname()}`);
    const { concurrency, taskQueue } = settings;
    const places = createCallPlaces(concurrency);
    const drain = (): boolean => {
      workers?.shutdown();
      return workers !== undefined;
    };
    const obey = createControl(places, concurrency, drain, log);
    serving = await startServing(pool, { identity, taskQueue, concurrency }, scheduled, deployMinutes, obey, log);
    const { stop: stopServing } = serving;
    const connection = await NativeConnection.connect(temporal as NativeConnectionOptions);
    const codecs = withCodecs(options.payloadCodecs);
    const client = new Client({ connection, namespace, ...codecs });
    await registerSearchAttributes(connection, namespace).catch((error: unknown) => {
      log.warn(
        { error: String(error) },
        'search attributes could not be registered; `temporal operator search-attribute create` does it by hand',
      );
    });
    const ofCredentials = keyring && { pool, keyring, limiter, http, log, egress: settings.egress };
    const stored =
      ofCredentials && createStoredCredentials({ ...ofCredentials, providerNamed: (id) => providers.get(id) });
    // Not started yet: it asks when it starts. Ended: the next check frees its place.
    const tellLock = (workflowId: string) => tellKnown(client, workflowId, signalNames.lockGranted);
    const memory = createUnitMemory(places);
    const pageUrl = pageAddress(settings.dashboardUrl);
    const of = { client, pool, taskQueue: settings.taskQueue, ...(pageUrl && { pageUrl }) };
    const parts = {
      ...of,
      tracer: WITHOUT_TRACING,
      startedBy: 'system',
      closing: new AbortController().signal,
    } as const;
    const deps: ActivityDeps = {
      pool,
      pageBatches: createPageBatches(pool),
      runEnds: createRunEnds(pool),
      limiter,
      http,
      ...catalog,
      credentials: options.credentials ?? stored ?? withoutKeys(pool),
      egress: settings.egress,
      tellLock,
      findRunning: (workflowId) => findRunning({ client, pool }, workflowId),
      startRun: (provider, input, reportId) => launchRun(parts, provider, input, reportId),
      // Whoever asked it to end: us, a signal, or Temporal's own runtime.
      isStopping: () => workers?.isStopping() ?? false,
      isFull: () => heap.isFull(),
      places,
      othersMayServe: serving.othersMayServe,
      log,
      meter: metrics ? tellAll([pace.meter, metrics.meter]) : pace.meter,
      ...(tracer ? { tracer } : {}),
    };
    const activities = createActivities(deps, memory);
    // Whatever may fail comes before the chores begin: nobody would end them.
    await noteDeploy(pool, settings.build?.buildId ?? `sluice-${SLUICE_VERSION}`);
    await reconcileSchedules(parts, scheduled, options.schedules ?? false, log);
    workers = await createRoleWorkers(roles, settings, {
      connection,
      namespace,
      identity,
      ...codecs,
      workflowBundle: await workflowBundleFor(options.workflowBundle, codecs.dataConverter !== undefined),
      activities,
      plugins: [...(options.plugins ?? [])],
    });
    const loops = startLoops({
      parts,
      deps,
      options,
      settings,
      taskQueues: workers.taskQueues,
      providers,
      kept,
      onRemoved: metrics?.removed,
      revoking: ofCredentials,
      secretUses,
      pace,
    });
    const created = workers;
    return {
      shutdown: () => created.shutdown(),
      run: async () => {
        const { syncs = [], actions = [], sagas = [] } = options;
        const served = {
          syncs: syncs.map(({ definition }) => definition.name),
          actions: actions.map(({ definition }) => definition.id),
          sagas: sagas.map(({ definition }) => definition.name),
        };
        const proxies = proxyHosts(settings.proxy);
        log.info(
          { taskQueues: created.taskQueues, ...served, temporal: temporal.address, ...proxies },
          'worker is serving',
        );
        try {
          await created.run();
        } finally {
          await Promise.all([loops.stop(), stopServing()]);
          await stopMetrics?.();
          await memory.settled();
          await stored?.settled();
          await loops.stopCounting();
          await limiter.stop();
          await http.close();
          await connection.close();
          await pool.end();
          log.info({}, 'worker has ended');
        }
      },
    };
  } catch (error) {
    await Promise.all([stopMetrics?.(), serving?.stop()]);
    await limiter.stop();
    await http.close();
    await pool.end();
    throw error;
  }
}

/** For the log: a proxy's whole address may hold a password. */
function proxyHosts(proxy: ProxySettings | undefined): { readonly proxies?: readonly string[] } {
  const addresses = [proxy?.httpProxy, proxy?.httpsProxy].filter((address) => address !== undefined);
  return addresses.length === 0 ? {} : { proxies: [...new Set(addresses.map((address) => new URL(address).host))] };
}
