/**
 * vitest globalSetup: one real Temporal server for the whole run, in memory and without Web UI, with Sluice's search
 * attributes. Test files share it and keep apart by task queue and workflow id.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { freePort } from '../../workers/dev-servers/free-port.ts';
import { guard, stopProcess, waitUntilHealthy } from '../../workers/dev-servers/server-process.ts';
import { findTemporalBinary } from '../../workers/dev-servers/temporal-binary.ts';
import { launchTemporal, temporalAnswers } from '../../workers/dev-servers/temporal-launch.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the server; its namespace is `default`. */
    temporalAddress: string;
  }
}

interface RunningTemporal {
  readonly address: string;
  readonly stop: () => Promise<void>;
}

// vitest loads this file once for each project of a run; they share one server through the process.
const shared = globalThis as { sluiceTestTemporal?: { users: number; running: Promise<RunningTemporal> } };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const entry = (shared.sluiceTestTemporal ??= { users: 0, running: start() });
  entry.users += 1;
  const running = await entry.running;
  project.provide('temporalAddress', running.address);
  return async () => {
    entry.users -= 1;
    if (entry.users > 0) return;
    delete shared.sluiceTestTemporal;
    await running.stop();
  };
}

async function start(): Promise<RunningTemporal> {
  const binary = await findTemporalBinary({ log: console.log });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-temporal-'));
  const logFile = join(folder, 'temporal.log');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const launched = await launchTemporal({ binary, port, namespace: 'default', logFile });
  const tie = await guard(launched.pid); // a killed test run leaves no server behind either
  const stop = async () => {
    await stopProcess(launched.pid, binary);
    await tie.release();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilHealthy(launched, () => temporalAnswers(address), { name: 'temporal', logFile, limitMs: 60_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, stop };
}
