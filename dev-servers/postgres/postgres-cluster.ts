/**
 * The data folder of our own Postgres: made once, owned by whoever may run the server, with a password of its own.
 * Next: `postgres.ts` starts a server on it.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closedFolderOn } from '../cache-folder.ts';
import { serverEnvironment } from '../program-environment.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

const USER = 'sluice';
const UNFINISHED = 'postgres.unfinished-';

/** The database that Sluice uses on a server of our own. */
export const DATABASE = 'sluice';

/** Where Postgres keeps its files below the folder of the development servers. */
export function clusterFolder(folder: string): string {
  return join(folder, 'postgres');
}

/** The connection string of a server on this cluster. */
export async function clusterUrl(folder: string, port: number, database: string = DATABASE): Promise<string> {
  const password = (await readFile(passwordFile(folder), 'utf8')).trim();
  return `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Makes the cluster when there is none, in about half a second. An interrupted attempt leaves nothing that counts.
 * @throws Error when the user who runs Postgres can't reach the folder, or with the output of `initdb`.
 */
export async function ensureCluster(
  folder: string,
  { initdb }: PostgresBinaries,
  user?: UnprivilegedUser,
): Promise<void> {
  if (user) await letPass(user, folder);
  const cluster = clusterFolder(folder);
  if (existsSync(cluster)) return;
  // The `initdb` of a start that was killed may still be at work in a folder of its own. What can't be removed now, a
  // later start removes.
  for (const name of await readdir(folder))
    if (name.startsWith(UNFINISHED)) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  const unfinished = join(folder, `${UNFINISHED}${process.pid}`);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile(folder), `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
  if (user) for (const path of [unfinished, passwordFile(folder)]) await chown(path, user.uid, user.gid);
  // Postgres' own C.UTF-8 locale: the same order of strings on every platform, whatever the machine has installed.
  const args = [
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile(folder)}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
  try {
    await promisify(execFile)(initdb, args, {
      ...user,
      cwd: folder,
      env: { ...serverEnvironment(process.env), LC_ALL: 'C' },
    });
  } catch (cause) {
    throw new Error(`Postgres could not make its data folder below ${folder}: ${(cause as Error).message}`, { cause });
  }
  await rename(unfinished, cluster);
}

/** Lets the user who runs Postgres pass through `folder` itself; the folders above are not ours to open. */
async function letPass(user: UnprivilegedUser, folder: string): Promise<void> {
  const { mode } = await stat(folder);
  await chmod(folder, mode | 0o011);
  const closed = closedFolderOn(folder);
  if (closed === undefined) return;
  throw new Error(
    `Postgres does not run as root, and the user "${user.name}" who would run it can't pass ${closed}. ` +
      'Choose a data folder elsewhere, run Sluice as another user, or set DATABASE_URL.',
  );
}

function passwordFile(folder: string): string {
  return join(folder, 'postgres-password');
}
