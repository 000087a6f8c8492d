/**
 * What `sluice dev` does until it is ended: by Ctrl-C, by SIGTERM, or because the `npx` that started it is gone.
 * Next: `dev-servers/start-dev-servers.ts`, `reloading-worker.ts`.
 */
import { resolve as resolvePath } from 'node:path';
import { createPool, migrate } from '../../db/index.ts';
import { devEncryptionKeys, startDevServers } from '../../dev-servers/index.ts';
import { readEncryptionKeys } from '../../workers/index.ts';
import { packageRunnerEnds } from './package-runner.ts';
import { startDevDashboard, type DevDashboard } from './dev-dashboard.ts';
import { startReloadingWorker, type ReloadingWorker } from './reloading-worker.ts';

export interface DevOptions {
  readonly module?: string;
  readonly dataDir?: string;
  /** False: servers only. */
  readonly worker: boolean;
  /** False: no page. */
  readonly dashboard: boolean;
}

export async function runDev(options: DevOptions): Promise<void> {
  const say = (line: string) => console.log(line);
  // Heard from the first moment: Ctrl-C while servers start must not leave one behind.
  const asked = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
    packageRunnerEnds(() => resolve());
  });
  const place = options.dataDir === undefined ? {} : { dataDir: resolvePath(options.dataDir) };
  const servers = await startDevServers({ log: say, ...place });
  // Waiting for a signal keeps no process alive, and without a worker nothing else does.
  const alive = setInterval(() => {}, 60_000);
  let worker: ReloadingWorker | undefined;
  let dashboard: DevDashboard | undefined;
  try {
    const pool = createPool(servers.databaseUrl, { max: 2 });
    try {
      await migrate(pool);
    } finally {
      await pool.end();
    }
    say(`Postgres   ${servers.databaseUrl.replace(/:[^:@/]+@/, ':…@')}`);
    say(`Temporal   ${servers.temporalAddress}`);
    if (servers.webUiUrl) say(`Web UI     ${servers.webUiUrl}`);
    const encryptionKeys = readEncryptionKeys() ?? (await devEncryptionKeys(place));
    if (options.worker)
      worker = startReloadingWorker({
        module: options.module,
        say,
        env: {
          DATABASE_URL: servers.databaseUrl,
          TEMPORAL_ADDRESS: servers.temporalAddress,
          SLUICE_ENCRYPTION_KEYS: encryptionKeys,
        },
      });
    if (options.dashboard) {
      dashboard = await startDevDashboard({ ...servers, encryptionKeys });
      say(`Dashboard  ${dashboard.url}`);
    }
    const how = place.dataDir === undefined ? 'by themselves' : `after \`export SLUICE_DEV_DIR=${place.dataDir}\``;
    say(`Ctrl-C ends it. Other terminals find these servers ${how}: \`npx sluice start …\`, \`npx sluice status …\`.`);
    await asked;
  } finally {
    clearInterval(alive);
    await dashboard?.stop();
    await worker?.stop();
    await servers.stop();
  }
}
