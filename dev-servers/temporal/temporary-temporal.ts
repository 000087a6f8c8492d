/**
 * A Temporal server for the length of a test or a benchmark: in memory, without Web UI, whatever server the environment names.
 * Next: `temporal-launch.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { stopProcess, waitUntilHealthy } from '../server-process.ts';
import { findTemporalBinary } from './temporal-binary.ts';
import { launchTemporal, temporalAnswers, type TemporalSettings } from './temporal-launch.ts';

export interface TemporaryTemporal {
  /** `host:port`; its namespace is `default`. */
  readonly address: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const START_PATIENCE_MS = 60_000;
// It looks for free ports of its own when it starts, and ends when another program was quicker.
const MOST_STARTS = 3;

/**
 * Ready in about a second, once the program is there. Ends with this process, however that ends.
 * @param log receives a line before each step that takes more than a moment.
 * @param settings of its dynamic configuration, over those that suit Sluice.
 * @throws Error when no program could be had (all that was tried), or with the end of the server's log.
 */
export async function startTemporaryTemporal(
  log: (line: string) => void = () => {},
  settings: TemporalSettings = {},
  starts = 1,
): Promise<TemporaryTemporal> {
  const binary = await findTemporalBinary({ log });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-temporal-'));
  const logFile = join(folder, 'temporal.log');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const launched = await launchTemporal({ binary, port, namespace: 'default', logFile, settings });
  const stop = async () => {
    await stopProcess(launched.pid, binary);
    await launched.tie.release();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const isHealthy = () => temporalAnswers(address);
    await waitUntilHealthy(launched, isHealthy, { name: 'temporal', logFile, limitMs: START_PATIENCE_MS });
  } catch (error) {
    await stop();
    if (launched.ended() === undefined || starts >= MOST_STARTS) throw error;
    log(`temporal: ended while it started (${launched.ended()}); once more`);
    return startTemporaryTemporal(log, settings, starts + 1);
  }
  return { address, pid: launched.pid, stop };
}
