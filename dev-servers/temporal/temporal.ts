/**
 * Temporal for people who have none. It is the server of the standard environment variables when they are set. Else it
 * is a development server with the Web UI whose state stays in a folder. Next: `dev-servers/find-or-start.ts`.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { TemporalTarget } from './temporal-environment.ts';
import { findOrStart, type Launched } from '../find-or-start.ts';
import { freePort } from '../free-port.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import type { ServerRecord } from '../server-record.ts';
import { findTemporalBinary } from './temporal-binary.ts';
import { launchTemporal, temporalAnswers } from './temporal-launch.ts';
import { temporalSettings } from './temporal-settings.ts';

export interface TemporalOptions {
  /** Keeps the state, the log and the record of the running server. Made when absent. */
  readonly dataDir: string;
  /** Receives one line for each thing worth knowing. Default: silence. */
  readonly log?: (line: string) => void;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface TemporalServer extends TemporalTarget {
  /** Address of the Web UI of our own server; undefined for a server named by the environment. */
  readonly webUiUrl?: string;
  /** Whether the server ends with this process. False for TEMPORAL_ADDRESS and for a server that ran already. */
  readonly isOwned: boolean;
  /** Ends an owned server; leaves another's alone. */
  readonly stop: () => Promise<void>;
  /** Lets an owned server outlive this process. */
  readonly keepRunning: () => Promise<void>;
}

const NAMESPACE_PATIENCE_MS = 3_000;

interface TemporalRecord extends ServerRecord {
  readonly uiPort: number;
}

/**
 * Finds or starts a Temporal server, and registers Sluice's search attributes in its namespace.
 * @throws Error when the settings in the environment do not fit together, or the server named by the environment does
 *   not answer. Error when no program for a server could be had (it says all that was tried), or with the end of our
 *   server's log.
 */
export async function ensureTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const { env = process.env } = options;
  const given = temporalSettings(env);
  const server = given
    ? { ...given, isOwned: false, stop: async () => {}, keepRunning: async () => {} }
    : await ensureOwn(options, env['TEMPORAL_NAMESPACE'] || 'default');
  const connection = await connect(server);
  try {
    await registerSearchAttributes(connection, server.namespace);
  } catch (error) {
    await server.stop();
    throw error;
  } finally {
    await connection.close();
  }
  return server;
}

async function ensureOwn(
  { dataDir, log = () => {}, env }: TemporalOptions,
  namespace: string,
): Promise<TemporalServer> {
  await mkdir(dataDir, { recursive: true });
  const folder = await realpath(dataDir);
  const stateFolder = join(folder, 'temporal');
  await mkdir(stateFolder, { recursive: true, mode: 0o700 }); // histories name accounts: not for other users
  const dbFile = join(stateFolder, 'state.db');
  const { record, ...server } = await findOrStart<TemporalRecord>({
    name: 'temporal',
    folder,
    marker: dbFile,
    log,
    isHealthy: ({ port }) => temporalAnswers(`127.0.0.1:${port}`),
    launch: async (previous, logFile): Promise<Launched<TemporalRecord>> => {
      const binary = await findTemporalBinary({ log, ...(env ? { env } : {}) });
      const port = await freePort(previous?.port);
      const uiPort = await freePort(previous?.uiPort);
      const process = await launchTemporal({
        binary,
        port,
        uiPort,
        dbFile,
        namespace,
        logFile,
        ...(env ? { env } : {}),
      });
      return { process, remember: { port, uiPort } };
    },
  });
  const address = `127.0.0.1:${record.port}`;
  if (!(await hasNamespace(address, namespace))) {
    await server.stop();
    throw new Error(
      `The development server at ${address} was started without the namespace "${namespace}" (TEMPORAL_NAMESPACE). ` +
        'Stop it; the next start makes the namespace.',
    );
  }
  return {
    ...server,
    namespace,
    connection: { address },
    webUiUrl: `http://127.0.0.1:${record.uiPort}`,
  };
}

/** The namespaces named at the launch appear moments after the server answers. */
async function hasNamespace(address: string, namespace: string): Promise<boolean> {
  const deadline = performance.now() + NAMESPACE_PATIENCE_MS;
  while (!(await temporalAnswers(address, namespace))) {
    if (performance.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

async function connect({ connection, namespace }: TemporalTarget): Promise<Connection> {
  try {
    return await Connection.connect(connection);
  } catch (cause) {
    throw new Error(
      `The Temporal server at ${connection.address} (namespace "${namespace}") does not answer: ` +
        `${(cause as Error).message}. Check TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY.`,
      { cause },
    );
  }
}
