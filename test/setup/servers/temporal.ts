/**
 * vitest globalSetup: a real Temporal server for each of the workers that run files side by side, in memory and without Web
 * UI, with Sluice's search attributes. Test files of one worker keep apart by task queue and workflow id.
 */
import type { TestProject } from 'vitest/node';
import { startTemporaryTemporal } from '../../../dev-servers/temporal/temporary-temporal.ts';
import { onceARun, workersOf } from '../once-a-run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One for each worker; `servers.ts` says which. */
    temporalAddresses: readonly string[];
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const start = () => startTemporaryTemporal(console.log);
  const servers = await Promise.all(
    Array.from({ length: workersOf(project) }, (_, worker) => onceARun(`temporal-${worker}`, start)),
  );
  project.provide(
    'temporalAddresses',
    servers.map(({ running }) => running.address),
  );
  return async () => {
    await Promise.all(servers.map(({ leave }) => leave()));
  };
}
