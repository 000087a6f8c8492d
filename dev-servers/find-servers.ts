/**
 * Which servers a client or a worker uses. They are those it was given, else those that the environment names, else
 * those that `sluice dev` runs at this moment. Next: `client/connect.ts` and `workers/create-worker.ts` connect to
 * them.
 */
import type { ConnectionOptions } from '@temporalio/client';
import type { KeyService } from '../contracts/secrets/key-service.ts';
import { temporalFromEnvironment } from './temporal/temporal-environment.ts';

export interface ServerOptions {
  /** Default: `DATABASE_URL`, else the embedded server that `sluice dev` runs. */
  readonly databaseUrl?: string;
  /** Default: Temporal's standard environment configuration, else the server that `sluice dev` runs. */
  readonly temporal?: ConnectionOptions;
  /** Default: the environment's when `temporal` is not given, else `default`. */
  readonly namespace?: string;
  /**
   * `id:base64key,…`: the first encrypts credentials, all decrypt. Or a key service (KMS) that has them. Default
   * `SLUICE_ENCRYPTION_KEYS`, else the key of `sluice dev` when its database is used.
   */
  readonly encryptionKeys?: string | KeyService;
}

export interface Servers {
  readonly databaseUrl: string;
  readonly temporal: ConnectionOptions;
  readonly namespace: string;
  /** Whether Temporal is the server that `sluice dev` runs: its settings are nobody's to change. */
  readonly isDevTemporal: boolean;
  /** @returns undefined when there are none: then no credentials can be stored or read. */
  readonly encryptionKeys: () => Promise<string | KeyService | undefined>;
}

/** @throws Error when a server is not named and none is running; it says what to do. */
export async function findServers(options: ServerOptions = {}): Promise<Servers> {
  const named = options.temporal ? { connection: options.temporal, namespace: 'default' } : temporalFromEnvironment();
  const databaseUrl = options.databaseUrl ?? (process.env['DATABASE_URL'] || undefined);
  // Looked for only when something is not named: an app that names its servers never touches the development ones.
  const dev = named && databaseUrl ? undefined : await (await devServers()).findDevServers();
  const target =
    named ??
    (dev?.temporalAddress ? { connection: { address: dev.temporalAddress }, namespace: 'default' } : undefined);
  const url = databaseUrl ?? dev?.databaseUrl;
  if (!url || !target) {
    const missing = [
      ...(url ? [] : ['No database: set DATABASE_URL']),
      ...(target ? [] : ['No Temporal: set TEMPORAL_ADDRESS (and what else its environment configuration needs)']),
    ];
    throw new Error(
      `Sluice does not know its servers.\n${missing.map((line) => `  - ${line}`).join('\n')}\nOr run \`npx sluice dev\`, which starts both, and try again.`,
    );
  }
  // The key of the development servers belongs to their database.
  const isDevDatabase = url === dev?.databaseUrl;
  return {
    databaseUrl: url,
    temporal: target.connection,
    namespace: options.namespace ?? target.namespace,
    isDevTemporal: dev?.temporalAddress !== undefined && target.connection.address === dev.temporalAddress,
    encryptionKeys: async () =>
      options.encryptionKeys ??
      (process.env['SLUICE_ENCRYPTION_KEYS'] ||
        (isDevDatabase ? await (await devServers()).findDevEncryptionKeys() : undefined)),
  };
}

/** Loaded on demand: production needs nothing of it. */
const devServers = () => import('./index.ts');
