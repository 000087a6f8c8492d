/**
 * Packages of the tools that Sluice is compared with: installed on demand, by their own package managers, into the user's
 * cache folder. They are no dependencies of Sluice.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../dev-servers/cache-folder.ts';

const run = promisify(execFile);

const BULLMQ = { bullmq: '6.7.0', ioredis: '6.0.0' };
const CELERY = ['celery[redis]==5.7.0', 'requests', 'psycopg[binary]'];

/** @returns the folder whose `node_modules` has BullMQ. */
export function bullmqPackages(): Promise<string> {
  return once('bullmq', async (folder) => {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: BULLMQ }));
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  });
}

/** @returns a Python virtual environment that has Celery. */
export async function celeryPackages(): Promise<string> {
  // A virtual environment knows its own place: it can't be made elsewhere and moved.
  const folder = join(cacheFolder(), 'bench', 'celery');
  const done = join(folder, 'installed');
  if (existsSync(done)) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(join(folder, 'bin/pip'), ['install', '--quiet', ...CELERY]);
  await writeFile(done, '');
  return folder;
}

async function once(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), 'bench', name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await install(unfinished);
  await rename(unfinished, folder);
  return folder;
}
