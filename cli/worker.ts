/**
 * `sluice worker`: serves a task queue until SIGTERM or Ctrl-C, then lets calls in flight end.
 * Next stop: `workers/create-worker.ts`.
 */
import { pino } from 'pino';
import { temporalFromEnvironment } from '../client/temporal-environment.ts';
import { createWorker, readEncryptionKeys, readWorkerSettings } from '../workers/index.ts';
import { findDevEncryptionKeys, findDevServers } from '../workers/dev-servers/index.ts';
import { loadModule } from './load-module.ts';

export interface WorkerCommandOptions {
  /** File that exports syncs, actions and sagas. */
  readonly module?: string;
}

export async function runWorker(options: WorkerCommandOptions): Promise<void> {
  const settings = readWorkerSettings();
  const log = pino({ name: 'sluice', level: settings.logLevel });
  const { syncs, actions, sagas, credentials, onFailure } = await loadModule(options.module);
  const servers = await findServers();
  const worker = await createWorker({
    syncs,
    actions,
    sagas,
    settings,
    log,
    databaseUrl: servers.databaseUrl,
    temporal: servers.temporal,
    namespace: servers.namespace,
    ...(credentials ? { credentials } : {}),
    ...(onFailure ? { onFailure } : {}),
    ...(servers.encryptionKeys === undefined ? {} : { encryptionKeys: servers.encryptionKeys }),
  });
  const stop = (signal: string) => {
    log.info({ signal, drainSeconds: settings.drainSeconds }, 'draining: no new work is taken, calls in flight end');
    worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  log.info(
    {
      taskQueue: settings.taskQueue,
      syncs: syncs.map(({ definition }) => definition.name),
      actions: actions.map(({ definition }) => definition.id),
      sagas: sagas.map(({ definition }) => definition.name),
      temporal: servers.temporal.address,
    },
    'worker is serving',
  );
  await worker.run();
  log.info({}, 'worker has ended');
}

async function findServers() {
  const named = temporalFromEnvironment();
  const dev = named && process.env['DATABASE_URL'] ? undefined : await findDevServers();
  const databaseUrl = process.env['DATABASE_URL'] || dev?.databaseUrl;
  const address = dev?.temporalAddress;
  const temporal = named?.connection ?? (address === undefined ? undefined : { address });
  if (!databaseUrl || !temporal) {
    throw new Error(
      'No servers: set DATABASE_URL and TEMPORAL_ADDRESS, or run `npx sluice dev`, which starts both and a worker.',
    );
  }
  // The key of the development servers belongs to their database.
  const encryptionKeys =
    readEncryptionKeys() ?? (dev?.databaseUrl === databaseUrl ? await findDevEncryptionKeys() : undefined);
  return { databaseUrl, temporal, namespace: named?.namespace ?? 'default', encryptionKeys };
}
