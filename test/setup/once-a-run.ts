/**
 * What all projects of a run share. vitest loads and calls a globalSetup once for each project, so a module can't hold it:
 * the process does, and the last project that leaves stops it.
 */
import type { TestProject } from 'vitest/node';

interface Shared {
  users: number;
  readonly running: Promise<{ stop(): Promise<void> }>;
}

const shared = ((globalThis as { sluiceTests?: Map<string, Shared> }).sluiceTests ??= new Map<string, Shared>());

/** Starts it, or takes what another project has started. @returns it, and how to leave it. */
export async function onceARun<T extends { stop(): Promise<void> }>(
  name: string,
  start: () => Promise<T>,
): Promise<{ readonly running: T; readonly leave: () => Promise<void> }> {
  const entry = shared.get(name) ?? { users: 0, running: start() };
  shared.set(name, entry);
  entry.users += 1;
  return {
    running: (await entry.running) as T,
    leave: async () => {
      entry.users -= 1;
      if (entry.users > 0) return;
      shared.delete(name);
      await (await entry.running).stop();
    },
  };
}

/** Workers that have something to do: a run of one file needs the servers of one. `--watch` may come to the others later. */
export function workersOf({ config, vitest }: TestProject): number {
  return vitest.config.watch ? config.maxWorkers : Math.min(config.maxWorkers, vitest.state.getPaths().length);
}
