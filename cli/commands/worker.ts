/**
 * `sluice worker`: serves a task queue until SIGTERM or Ctrl-C, then lets calls in flight end.
 * Next: `workers/create-worker.ts`.
 */
import { Option, type Command } from 'commander';
import type { Priority } from '../../client/index.ts';
import { followDev } from '../dev/dev-parent.ts';
import { moduleOption } from '../options.ts';

export function registerWorker(program: Command): void {
  program
    .command('worker')
    .description('serve a task queue; settings come from SLUICE_*, DATABASE_URL and TEMPORAL_*')
    .addOption(moduleOption())
    .addOption(
      new Option(
        '--role <roles...>',
        'serve only what was started with these priorities (default: SLUICE_ROLES, else all)',
      ).choices(['interactive', 'bulk', 'background']),
    )
    .option('--build-id <id>', 'the build that this is, where workers are versioned (default: SLUICE_BUILD_ID)')
    .addHelpText(
      'after',
      '\nExamples:\n  npx sluice worker --module dist/sluice.js\n  npx sluice worker --module dist/sluice.js --role interactive',
    )
    .option('--schedules', 'bring schedules of the module into force at the start; removes none', false)
    .action(work);
}

async function work({
  module,
  role,
  buildId,
  schedules,
}: {
  readonly module?: string;
  readonly buildId?: string;
  readonly role?: readonly Priority[];
  readonly schedules: boolean;
}): Promise<void> {
  const [{ pino }, { findServers }, { createWorker, readWorkerSettings }, { endRuntime }, { loadModule }] =
    await Promise.all([
      import('pino'),
      import('../../dev-servers/find-servers.ts'),
      import('../../workers/index.ts'),
      import('../../workers/runtime.ts'),
      import('../module/load-module.ts'),
    ]);
  const dev = followDev();
  const settings = readWorkerSettings({
    ...process.env,
    ...(buildId === undefined ? {} : { SLUICE_BUILD_ID: buildId }),
  });
  const log = pino({ name: 'sluice', level: settings.logLevel });
  const { syncs, actions, sagas, credentials, onFailure, onAlert, retention } = await loadModule(module, dev);
  const { databaseUrl, temporal, namespace, ...servers } = await findServers();
  const encryptionKeys = await servers.encryptionKeys();
  const worker = await createWorker({
    syncs,
    actions,
    sagas,
    schedules,
    settings,
    log,
    databaseUrl,
    temporal,
    namespace,
    ...(role ? { roles: role } : {}),
    ...(credentials ? { credentials } : {}),
    ...(onFailure ? { onFailure } : {}),
    ...(onAlert ? { onAlert } : {}),
    ...(retention ? { retention } : {}),
    ...(encryptionKeys === undefined ? {} : { encryptionKeys }),
  }).catch(async (error: unknown) => {
    // Temporal's runtime would keep the process alive: what restarts dead workers would wait for ever.
    await endRuntime();
    throw error;
  });
  const stop = (signal: string) => {
    log.info({ signal, drainSeconds: settings.drainSeconds }, 'draining: no new work is taken, calls in flight end');
    worker.shutdown();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  dev.onGone(() => stop('the end of `sluice dev`'));
  await worker.run();
}
