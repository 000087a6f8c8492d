/**
 * Both servers with one call, for `sluice dev`, the demo and anyone who has none.
 * Next: `postgres/postgres.ts` and `temporal/temporal.ts`.
 */
import type { ConnectionOptions } from '@temporalio/client';
import { defaultDataDir } from './find-dev-servers.ts';
import { ensurePostgres } from './postgres/postgres.ts';
import { ensureTemporal } from './temporal/temporal.ts';

export interface DevServersOptions {
  /** Keeps data, logs and what is remembered of running servers. Default: `dev` in the user's cache folder. */
  readonly dataDir?: string;
  /** Receives one line for each thing worth knowing. Default: silence. */
  readonly log?: (line: string) => void;
  /** DATABASE_URL, TEMPORAL_*, PATH and the cache folder are read from it. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface DevServers {
  readonly databaseUrl: string;
  /** `host:port` */
  readonly temporalAddress: string;
  /** Address and credentials, as the client's and the worker's `connect` take them. */
  readonly temporalConnection: ConnectionOptions;
  readonly namespace: string;
  /** Undefined when the environment names the Temporal server. */
  readonly webUiUrl?: string;
  /** Which of them end with this process: those that this call started (or took over from a process that died). */
  readonly owned: { readonly postgres: boolean; readonly temporal: boolean };
  /** Ends the owned ones, Postgres in about 0.1 s and Temporal in about 1.5 s. */
  readonly stop: () => Promise<void>;
  /** Leaves the owned ones running after this process; `stopDevServers` ends them. */
  readonly keepRunning: () => Promise<void>;
}

/**
 * Finds or starts Postgres and Temporal, side by side. Owned servers end with this process however it ends: by
 * `stop()`, by Ctrl-C, or killed. They do not see Ctrl-C themselves, so work may be finished before `stop()`.
 * @throws Error when one of them can't be had; the other one is stopped again.
 */
export async function startDevServers(options: DevServersOptions = {}): Promise<DevServers> {
  const { env = process.env, log = () => {} } = options;
  const settings = { env, log, dataDir: options.dataDir ?? defaultDataDir(env) };
  const [postgres, temporal] = await Promise.allSettled([ensurePostgres(settings), ensureTemporal(settings)]);
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    const results = [postgres, temporal];
    await Promise.all(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.stop()] : [])));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, errors.map((error) => error.message).join('\n'));
  }
  const servers = [postgres.value, temporal.value];
  const { connection, namespace, webUiUrl, isOwned } = temporal.value;
  return {
    databaseUrl: postgres.value.url,
    temporalAddress: connection.address ?? '',
    temporalConnection: connection,
    namespace,
    ...(webUiUrl === undefined ? {} : { webUiUrl }),
    owned: { postgres: postgres.value.isOwned, temporal: isOwned },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
    keepRunning: async () => {
      await Promise.all(servers.map((server) => server.keepRunning()));
    },
  };
}
