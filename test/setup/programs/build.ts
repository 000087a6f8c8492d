/**
 * vitest globalSetup: the processes that tests start (workers, commands) as built JavaScript, and the workflow bundle that
 * all workers of the run use. Made once, in two seconds, in a temporary folder that mirrors the repository.
 * Next: `programs.ts` says where things are in it.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { onceARun } from '../once-a-run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder that holds `cli/main.js`, `test/fixtures/…` and the rest, built. */
    builtFolder: string;
  }
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { running, leave } = await onceARun('build', start);
  project.provide('builtFolder', running.folder);
  // `vitest --watch`: what is built must be what was saved.
  project.onTestsRerun(() => build(running.folder));
  return leave;
}

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-build-'));
  const stop = async () => {
    await rm(packageFolder(folder), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    await build(folder);
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, stop };
}

/** Where `made-once.ts` makes things: beside what is built, where no modules of the repository are above it. */
export const packageFolder = (builtFolder: string): string => `${builtFolder}-package`;

async function build(folder: string): Promise<void> {
  await rm(packageFolder(folder), { recursive: true, force: true });
  const args = [join(root, 'scripts/build.mjs'), '--out', folder, '--project', 'tsconfig.test.json'];
  await promisify(execFile)(process.execPath, args);
}
