/**
 * A worker process. It connects to Temporal and Postgres, brings the schema up to date, and serves its roles' task
 * queues with the syncs it was given. Next: `open-parts.ts` and `activity-deps.ts` for what it has, `role-workers.ts`
 * for the queues, `activities/index.ts` for what it executes, `workflows/index.ts` for what it interprets.
 */
import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { createActivities, createCallPlaces, createUnitMemory, type ProxySettings } from '../activities/index.ts';
import { pageAddress } from '../client/page-link.ts';
import { WITHOUT_TRACING } from '../client/tracing/trace-starts.ts';
import { ROLES, taskQueueOf } from '../contracts/names.ts';
import { checkedRetention } from '../contracts/operate/retention.ts';
import { SLUICE_VERSION, workerIdentity } from '../contracts/version.ts';
import { migrate, noteDeploy } from '../db/index.ts';
import { withCodecs } from '../dev-servers/data-converter.ts';
import { registerSearchAttributes } from '../dev-servers/index.ts';
import { activityDeps } from './activity-deps.ts';
import { createPeopleFirst } from './capacity/people-first.ts';
import { createControl } from './capacity/worker-control.ts';
import { readWorkerSettings, type WorkerSettings } from './config.ts';
import { checkWorkerOptions } from './known-options.ts';
import { startLoops } from './loops/start-loops.ts';
import { startServing, type Serving } from './loops/tell-served.ts';
import { serveMetrics } from './metrics/serve-metrics.ts';
import { openParts, type WorkerParts } from './open-parts.ts';
import { createRoleWorkers, type RoleWorkers } from './role-workers.ts';
import { reconcileSchedules } from './schedules/reconcile-schedules.ts';
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
  const kept = checkedRetention(options.retention);
  const own = await openParts(options, settings);
  const { log, heap, metrics, sdkMetrics, pool } = own;
  const { metricsAddress, deployMinutes = 10, concurrency, taskQueue } = settings;
  let stopMetrics: (() => Promise<void>) | undefined;
  let workers: RoleWorkers | undefined;
  let serving: Serving | undefined;
  const isStopping = (): boolean => workers?.isStopping() ?? false;
  try {
    if (metrics && metricsAddress !== undefined)
      stopMetrics = await serveMetrics(
        metricsAddress,
        () => metrics.text(pool, heap),
        sdkMetrics,
        () => workers !== undefined && !isStopping() && !heap.isFull(),
      );
    await migrate(pool, { warn: (message) => log.warn({}, message) });
    const { syncs: scheduled = [] } = options;
    const identity = workerIdentity(`${process.pid}@${hostname()}`);
    const people = createPeopleFirst(() => places.admit());
    const places = createCallPlaces(concurrency, (role) => people.most(role));
    const drain = (): boolean => {
      workers?.shutdown();
      return workers !== undefined;
    };
    const obey = createControl(places, concurrency, drain, log);
    const roles = options.roles ?? settings.roles ?? ROLES;
    const queues = roles.map((role) => taskQueueOf(taskQueue, role));
    const told = { identity, taskQueue, queues, concurrency };
    serving = await startServing(pool, told, scheduled, deployMinutes, obey, log);
    const { stop: stopServing } = serving;
    const { connection, codecs, parts } = await connectTemporal(own, options, settings);
    const memory = createUnitMemory(places);
    const ofDeps = { own, client: parts, options, settings, places, serving, isStopping };
    const { deps, revoking, refreshesSettled } = activityDeps(ofDeps);
    const activities = createActivities(deps, memory);
    // Whatever may fail comes before the chores begin: nobody would end them.
    await noteDeploy(pool, settings.build?.buildId ?? `sluice-${SLUICE_VERSION}`);
    await reconcileSchedules(parts, scheduled, options.schedules ?? false, log);
    const common = {
      connection,
      namespace: own.servers.namespace,
      identity,
      ...codecs,
      workflowBundle: await workflowBundleFor(options.workflowBundle, codecs.dataConverter !== undefined),
      activities,
      plugins: [...(options.plugins ?? [])],
    };
    workers = await createRoleWorkers(roles, settings, common, people.noting(activities));
    const loops = startLoops({
      parts,
      deps,
      options,
      settings,
      taskQueues: workers.taskQueues,
      providers: own.catalog.providers,
      kept,
      onRemoved: metrics?.removed,
      revoking,
      secretUses: own.secretUses,
      pace: own.pace,
    });
    const created = workers;
    /** What still calls or starts something ends first, then what it uses. */
    const close = async (): Promise<void> => {
      people.stop();
      await Promise.all([loops.stop(), stopServing()]);
      await stopMetrics?.();
      await memory.settled();
      await refreshesSettled();
      await loops.stopCounting();
      await own.limiter.stop();
      await own.http.close();
      await connection.close();
      await pool.end();
      log.info({}, 'worker has ended');
    };
    return {
      shutdown: () => created.shutdown(),
      run: async () => {
        log.info(servedBy(own, options, settings, created), 'worker is serving');
        try {
          await created.run();
        } finally {
          await close();
        }
      },
    };
  } catch (error) {
    await Promise.all([stopMetrics?.(), serving?.stop()]);
    await own.limiter.stop();
    await own.http.close();
    await pool.end();
    throw error;
  }
}

/** @returns the connection, what encodes payloads, and what starts runs through it. */
async function connectTemporal(own: WorkerParts, options: WorkerOptions, settings: WorkerSettings) {
  const { log, pool } = own;
  const { temporal, namespace } = own.servers;
  const connection = await NativeConnection.connect(temporal as NativeConnectionOptions);
  const codecs = withCodecs(options.payloadCodecs);
  const client = new Client({ connection, namespace, ...codecs });
  await registerSearchAttributes(connection, namespace).catch((error: unknown) => {
    log.warn(
      { error: String(error) },
      'search attributes could not be registered; `temporal operator search-attribute create` does it by hand',
    );
  });
  const pageUrl = pageAddress(settings.dashboardUrl);
  const parts = {
    client,
    pool,
    taskQueue: settings.taskQueue,
    ...(pageUrl && { pageUrl }),
    tracer: WITHOUT_TRACING,
    startedBy: 'system',
    closing: new AbortController().signal,
  } as const;
  return { connection, codecs, parts };
}

/** For the log: what this worker serves, and through which servers. */
function servedBy(own: WorkerParts, options: WorkerOptions, settings: WorkerSettings, { taskQueues }: RoleWorkers) {
  const { syncs = [], actions = [], sagas = [] } = options;
  return {
    taskQueues,
    syncs: syncs.map(({ definition }) => definition.name),
    actions: actions.map(({ definition }) => definition.id),
    sagas: sagas.map(({ definition }) => definition.name),
    temporal: own.servers.temporal.address,
    ...proxyHosts(settings.proxy),
  };
}

/** For the log: a proxy's whole address may hold a password. */
function proxyHosts(proxy: ProxySettings | undefined): { readonly proxies?: readonly string[] } {
  const addresses = [proxy?.httpProxy, proxy?.httpsProxy].filter((address) => address !== undefined);
  return addresses.length === 0 ? {} : { proxies: [...new Set(addresses.map((address) => new URL(address).host))] };
}
