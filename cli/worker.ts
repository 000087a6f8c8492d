/**
 * `sluice worker`: serves a task queue until SIGTERM or Ctrl-C, then lets calls in flight end.
 * Next stop: `workers/create-worker.ts`.
 */
import { pino } from 'pino';
import { findServers } from '../dev-servers/find-servers.ts';
import { createWorker, readWorkerSettings } from '../workers/index.ts';
import { loadModule } from './load-module.ts';

export interface WorkerCommandOptions {
  /** File that exports syncs, actions and sagas. */
  readonly module?: string;
}

export async function runWorker(options: WorkerCommandOptions): Promise<void> {
  const settings = readWorkerSettings();
  const log = pino({ name: 'sluice', level: settings.logLevel });
  const { syncs, actions, sagas, credentials, onFailure } = await loadModule(options.module);
  const { databaseUrl, temporal, namespace, ...servers } = await findServers();
  const encryptionKeys = await servers.encryptionKeys();
  const worker = await createWorker({
    syncs,
    actions,
    sagas,
    settings,
    log,
    databaseUrl,
    temporal,
    namespace,
    ...(credentials ? { credentials } : {}),
    ...(onFailure ? { onFailure } : {}),
    ...(encryptionKeys === undefined ? {} : { encryptionKeys }),
  });
  const stop = (signal: string) => {
    log.info({ signal, drainSeconds: settings.drainSeconds }, 'draining: no new work is taken, calls in flight end');
    worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await worker.run();
}
