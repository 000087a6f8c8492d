/**
 * The command line of a Temporal development server that suits Sluice, and whether it answers.
 */
import { Connection } from '@temporalio/client';
import { searchAttributeNames } from './search-attributes.ts';
import { serverEnvironment } from '../program-environment.ts';
import { launch, type LaunchedProcess } from '../server-process.ts';

/** Of a server's dynamic configuration, by name. */
export type TemporalSettings = Readonly<Record<string, number | boolean | string>>;

export interface TemporalLaunchOptions {
  readonly binary: string;
  readonly port: number;
  /** Without it the Web UI is off. */
  readonly uiPort?: number;
  /** Keeps the state over restarts. Without it the state is in memory, and gone with the server. */
  readonly dbFile?: string;
  /** Made at start, beside `default`. */
  readonly namespace: string;
  readonly logFile: string;
  /** Over those that suit Sluice. */
  readonly settings?: TemporalSettings;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A single server reads its task queues from the store at most 20 times a second and shard by default. That lets every
 * hop between activities wait: 51 ms a page instead of 8 measured. Timers of less than a second fire after a whole one,
 * since the server reads that far ahead for clocks of several hosts that differ. Fairness between tenants is off by
 * default in 1.32. A task queue has four parts by default, which are emptied each on its own. With one of them, turns
 * between tenants and priorities are exact.
 */
const dynamicConfig: TemporalSettings = {
  'history.transferProcessorMaxPollRPS': 2_000,
  'history.timerProcessorMaxPollRPS': 2_000,
  'history.visibilityProcessorMaxPollRPS': 2_000,
  'history.timerProcessorMaxTimeShift': '10ms',
  // A history that is to be deleted waits for it, 30 s by default.
  'history.transferProcessorUpdateAckInterval': '2s',
  'history.visibilityProcessorUpdateAckInterval': '2s',
  'matching.enableFairness': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

/**
 * With SQLite's defaults a file makes the server wait for the disk at every step. 14 calls a second were measured where
 * memory makes 50 to 85. With these it is 42 to 49. A killed server loses nothing; a power cut may lose the last
 * moments.
 * @see https://www.sqlite.org/pragma.html#pragma_synchronous
 */
const pragmas = ['journal_mode=wal', 'synchronous=1'];

/** Starts the server on loopback and does not wait for it. */
export function launchTemporal(options: TemporalLaunchOptions): Promise<LaunchedProcess> {
  const { binary, port, uiPort, dbFile, namespace, logFile, settings = {}, env = process.env } = options;
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'];
  args.push(...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-disable-news-fetch']));
  if (dbFile !== undefined) args.push('--db-filename', dbFile);
  if (dbFile !== undefined) for (const pragma of pragmas) args.push('--sqlite-pragma', pragma);
  if (namespace !== 'default') args.push('--namespace', namespace);
  for (const [key, value] of Object.entries({ ...dynamicConfig, ...settings }))
    args.push('--dynamic-config-value', `${key}=${JSON.stringify(value)}`);
  for (const name of searchAttributeNames) args.push('--search-attribute', `${name}=Keyword`);
  return launch({ command: binary, args, logFile, env: serverEnvironment(env) });
}

/** Whether a Temporal server answers there and knows the namespace. */
export async function temporalAnswers(address: string, namespace = 'default'): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 5_000 });
    try {
      await connection.workflowService.describeNamespace({ namespace });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false; // not up yet, or no Temporal; the server's log says which
  }
}
