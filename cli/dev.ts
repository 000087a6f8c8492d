/**
 * `sluice dev`: Postgres, Temporal with its Web UI, and a worker that is started again whenever its code changes.
 * Next stop: `dev-servers/start-dev-servers.ts`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPool, migrate } from '../db/index.ts';
import { readEncryptionKeys } from '../workers/index.ts';
import { devEncryptionKeys, startDevServers } from '../dev-servers/index.ts';

export interface DevOptions {
  readonly module?: string;
  readonly dataDir?: string;
  /** False: servers only. */
  readonly worker: boolean;
}

export async function runDev(options: DevOptions): Promise<void> {
  const say = (line: string) => console.log(line);
  // Heard from the first moment: Ctrl-C while servers start must not leave one behind.
  const asked = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  const place = options.dataDir === undefined ? {} : { dataDir: resolvePath(options.dataDir) };
  const servers = await startDevServers({ log: say, ...place });
  // Waiting for a signal keeps no process alive, and without a worker nothing else does.
  const alive = setInterval(() => {}, 60_000);
  let worker: ChildProcess | undefined;
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
    if (options.worker) worker = startReloadingWorker(options.module, { ...servers, encryptionKeys });
    const how = place.dataDir === undefined ? 'by themselves' : `after \`export SLUICE_DEV_DIR=${place.dataDir}\``;
    say(`Ctrl-C ends it. Other terminals find these servers ${how}: \`npx sluice start …\`, \`npx sluice status …\`.`);
    await asked;
  } finally {
    clearInterval(alive);
    if (worker && worker.exitCode === null) {
      worker.kill('SIGTERM');
      await once(worker, 'exit');
    }
    await servers.stop();
  }
}

/** Node watches what the worker has imported and starts it again on a change. */
function startReloadingWorker(
  module: string | undefined,
  servers: { readonly databaseUrl: string; readonly temporalAddress: string; readonly encryptionKeys: string },
): ChildProcess {
  const cli = fileURLToPath(new URL(`main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  const loader = process.execArgv.filter(
    (argument, index, all) => /tsx/.test(argument) || argument === '--import' || /tsx/.test(all[index + 1] ?? ''),
  );
  return spawn(
    process.execPath,
    ['--watch', '--watch-preserve-output', ...loader, cli, 'worker', ...(module ? ['--module', module] : [])],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        DATABASE_URL: servers.databaseUrl,
        TEMPORAL_ADDRESS: servers.temporalAddress,
        SLUICE_ENCRYPTION_KEYS: servers.encryptionKeys,
      },
    },
  );
}
