/**
 * A worker process: connects to Temporal and Postgres, brings the schema up to date, and serves the task queues of its roles with the
 * syncs it was given. Next: `role-workers.ts` for the queues, `activities/index.ts` for what it executes, `workflows/index.ts` for what it interprets.
 */
import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import {
  NativeConnection,
  type NativeConnectionOptions,
  type WorkerPlugin,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { pino } from 'pino';
import {
  createActivities,
  createHttpSender,
  createPageBatches,
  createStoredCredentials,
  createUnitMemory,
  type ActivityDeps,
  withLogFields,
  type CredentialSource,
  type Log,
  type ProxySettings,
} from '../activities/index.ts';
import { tellKnown } from '../client/describe-workflow.ts';
import { pageAddress } from '../client/page-link.ts';
import { findRunning } from '../client/sync/find-running.ts';
import { WITHOUT_TRACING } from '../client/tracing/trace-starts.ts';
import { findServers, type ServerOptions } from '../dev-servers/find-servers.ts';
import type { Priority } from '../contracts/limits/limit.ts';
import { checkedRetention, type Retention } from '../contracts/operate/retention.ts';
import { ROLES, signalNames } from '../contracts/names.ts';
import { SLUICE_VERSION, workerIdentity } from '../contracts/version.ts';
import { createKeyring, createPool, migrate, createSecretUseCounter, noteDeploy } from '../db/index.ts';
import { createLimiter } from '../limiter/create-limiter.ts';
import { startDelivering, type OnAlert } from './alerts/deliver-alerts.ts';
import { startWatchingAlerts, type WatchOptions } from './alerts/watch-alerts.ts';
import { startAuditing } from './loops/audit-reads.ts';
import { createCatalog, type CatalogOptions } from './catalog.ts';
import { createPaceCounter, tellAll } from './loops/count-pace.ts';
import { readWorkerSettings, type WorkerSettings } from './config.ts';
import { withCodecs } from '../dev-servers/data-converter.ts';
import { freePort } from '../dev-servers/free-port.ts';
import { registerSearchAttributes } from '../dev-servers/index.ts';
import { createHeapGuard } from './heap-guard.ts';
import { createMetrics } from './metrics/sluice-metrics.ts';
import { serveMetrics } from './metrics/serve-metrics.ts';
import { startReconciling } from './loops/reconcile.ts';
import { checkWorkerOptions } from './known-options.ts';
import { startRemoving } from './loops/remove-old.ts';
import { startResuming } from './loops/resume-reconnected.ts';
import { startLeavingJobs } from './loops/leave-jobs.ts';
import { startRevoking } from './loops/revoke-disconnected.ts';
import { createRoleWorkers, type RoleWorkers } from './role-workers.ts';
import { createCallTracer, type TracingOptions } from './tracing.ts';
import { installRuntime } from './runtime.ts';
import { startTelling, type OnFailure } from './loops/notify-failures.ts';
import { startServing, type Serving } from './loops/tell-served.ts';
import { reconcileSchedules } from './schedules/reconcile-schedules.ts';
import { startScheduling, type SchedulerOptions } from './schedules/run-schedules.ts';
import { startWatchingRuns } from './loops/watch-runs.ts';
import { withoutKeys } from './without-keys.ts';
import { workflowBundleFor } from './workflow-source.ts';

/** The servers are found as `connect()` finds them when they are not given. */
export interface WorkerOptions extends CatalogOptions, ServerOptions {
  /** Where secrets of accounts come from. Default: the encrypted store; without keys no account has any. */
  readonly credentials?: CredentialSource;
  /**
   * Told of every run that ended failed, of whatever kind, and of every sync that can't continue by itself: its account must be
   * connected again (`needs-reconnect`), or nothing has moved for `stalledAfterMs` (`no-progress`); then `status` is `pending`.
   * At least once each, those of one run in order. Called again, later and later, until it does not throw.
   */
  readonly onFailure?: OnFailure;
  /**
   * Told of every alert that is fired or cleared: something is stale, blocked, failing, must be connected again, or nobody serves a task
   * queue (docs/operate/alerts.md). At least once each, those of one alert in order. Called again, later and later, until it does not throw.
   */
  readonly onAlert?: OnAlert;
  /** When something is an alert. False: this worker does not look, and sends no canaries. Default: see `AlertRules`. */
  readonly alerts?: WatchOptions | false;
  /** A sync stands still when neither a page nor the end of a list has come for so long, in milliseconds, ≥ 1,000. Default an hour. */
  readonly stalledAfterMs?: number;
  /** How many days rows are kept that nothing needs any more, by what they are. Default: see `Retention`. */
  readonly retention?: Retention;
  /**
   * What it serves: runs, actions and sagas of these priorities, each from a task queue of its own and with slots of its own. Default
   * `SLUICE_ROLES`, else all.
   */
  readonly roles?: readonly Priority[];
  /**
   * Brings the schedules and `freshFor` of its syncs into force when it starts: what is new or differs; nothing is removed. Default false:
   * `npx sluice schedules apply` does it, once for each deployment. A worker of the version before that is started again in the middle of
   * a roll-out would take back what the new one has brought. What is in force is carried out in both cases.
   */
  readonly schedules?: boolean;
  /** How what is due is claimed; for tests. */
  readonly scheduler?: SchedulerOptions;
  /** Each one comes before the environment, which says the others: see `WorkerSettings`. */
  readonly settings?: Partial<WorkerSettings>;
  /**
   * The workflows of Sluice, bundled. Default: the bundle of the package's build; from TypeScript sources they are bundled
   * now, which takes 1.5 s of one core. For programs that start many workers from sources: make it once with
   * `bundleWorkflowCode` of `@temporalio/worker`. With `payloadCodecs` it is made with `failureConverterPath` too.
   */
  readonly workflowBundle?: WorkflowBundleOption;
  /** Those of `connect()`: encode all that goes into Temporal's histories, and decode it. Default: none. */
  readonly payloadCodecs?: readonly PayloadCodec[];
  /**
   * Each call is a span of OpenTelemetry, below what started its run or action with a client that traces. Needs `@opentelemetry/api`.
   * `{ sendTo: ['github'] }` sends the header `traceparent` to those providers. Default: no spans.
   */
  readonly tracing?: boolean | TracingOptions;
  /** Plugins of Temporal, handed on to its worker of each role. Default: none. */
  readonly plugins?: readonly WorkerPlugin[];
  readonly log?: Log;
}

export interface SluiceWorker {
  /**
   * Serves until `shutdown` is called or the process gets SIGTERM, SIGINT, SIGQUIT or SIGUSR2; then ends when calls in
   * flight have ended (they are cut off after `drainSeconds`), and everything is closed.
   */
  run(): Promise<void>;
  shutdown(): void;
}

/**
 * @param rest the settings that `options` do not name. Default: those of the environment.
 * @throws Error when a server is not named and none is running, or can't be reached, or a definition has mistakes or a
 * name that is taken.
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
    const { syncs: scheduled = [], onFailure } = options;
    serving = await startServing(pool, settings.taskQueue, scheduled, deployMinutes, log);
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
    const memory = createUnitMemory(settings.concurrency);
    const deps: ActivityDeps = {
      pool,
      pageBatches: createPageBatches(pool),
      limiter,
      http,
      ...catalog,
      credentials: options.credentials ?? stored ?? withoutKeys(pool),
      egress: settings.egress,
      tellLock,
      findRunning: (workflowId) => findRunning({ client, pool }, workflowId),
      // Whoever asked it to end: us, a signal, or Temporal's own runtime.
      isStopping: () => workers?.isStopping() ?? false,
      isFull: () => heap.isFull(),
      othersMayServe: serving.othersMayServe,
      log,
      meter: metrics ? tellAll([pace.meter, metrics.meter]) : pace.meter,
      ...(tracer ? { tracer } : {}),
    };
    const activities = createActivities(deps, memory);
    const closing = new AbortController().signal;
    const pageUrl = pageAddress(settings.dashboardUrl);
    const of = { client, pool, taskQueue: settings.taskQueue, ...(pageUrl && { pageUrl }) };
    const parts = { ...of, tracer: WITHOUT_TRACING, startedBy: 'system', closing } as const;
    // Whatever may fail comes before the chores begin: nobody would end them.
    await noteDeploy(pool, settings.build?.buildId ?? `sluice-${SLUICE_VERSION}`);
    await reconcileSchedules(parts, scheduled, options.schedules ?? false, log);
    workers = await createRoleWorkers(roles, settings, {
      connection,
      namespace,
      identity: workerIdentity(`${process.pid}@${hostname()}`),
      ...codecs,
      workflowBundle: await workflowBundleFor(options.workflowBundle, codecs.dataConverter !== undefined),
      activities,
      plugins: [...(options.plugins ?? [])],
    });
    const stopResuming = startResuming(pool, client, log);
    const stopRevoking = ofCredentials && startRevoking(ofCredentials, providers, log);
    const stopLeaving = startLeavingJobs(deps, scheduled);
    const stopAuditing = startAuditing(pool, secretUses, log);
    const stopPace = pace.start(pool, log);
    const stopWatching = onFailure ? startWatchingRuns(pool, log, options.stalledAfterMs) : undefined;
    const stopReconciling = startReconciling({ pool, client, tellLock }, log);
    const stopRemoving = startRemoving(pool, log, kept, metrics?.removed);
    const stopDelivering = startDelivering(
      pool,
      { onAlert: options.onAlert, webhook: settings.alertWebhook, proxy: settings.proxy },
      log,
    );
    const stopTelling = onFailure ? startTelling(pool, onFailure, log) : undefined;
    const stopScheduling = startScheduling(parts, scheduled, log, options.scheduler);
    const watched = options.alerts ?? {};
    const stopAlerts =
      watched === false ? undefined : startWatchingAlerts({ pool, client }, workers.taskQueues, log, watched);
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
          await Promise.all([
            stopResuming(),
            stopReconciling(),
            stopRemoving(),
            stopWatching?.(),
            stopTelling?.(),
            stopRevoking?.(),
            stopLeaving(),
            stopScheduling(),
            stopAlerts?.(),
            stopDelivering(),
            stopServing(),
          ]);
          await stopMetrics?.();
          await memory.settled();
          await stored?.settled();
          await Promise.all([stopAuditing(), stopPace()]);
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
