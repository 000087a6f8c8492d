/**
 * vitest globalSetup: one real Temporal server for the whole run, in memory and without Web UI, with Sluice's search
 * attributes. Test files share it and keep apart by task queue and workflow id.
 */
import type { TestProject } from 'vitest/node';
import { startTemporaryTemporal } from '../../dev-servers/temporal/temporary-temporal.ts';
import { onceARun } from './once-a-run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the server; its namespace is `default`. */
    temporalAddress: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { running, leave } = await onceARun('temporal', () => startTemporaryTemporal(console.log));
  project.provide('temporalAddress', running.address);
  return leave;
}
