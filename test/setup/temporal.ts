/**
 * vitest globalSetup: one real Temporal server for the whole run, in memory and without Web UI, with Sluice's search
 * attributes. Test files share it and keep apart by task queue and workflow id.
 */
import type { TestProject } from 'vitest/node';
import { startTemporaryTemporal, type TemporaryTemporal } from '../../dev-servers/temporal/temporary-temporal.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the server; its namespace is `default`. */
    temporalAddress: string;
  }
}

// vitest loads this file once for each project of a run; they share one server through the process.
const shared = globalThis as { sluiceTestTemporal?: { users: number; running: Promise<TemporaryTemporal> } };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const entry = (shared.sluiceTestTemporal ??= { users: 0, running: startTemporaryTemporal(console.log) });
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
