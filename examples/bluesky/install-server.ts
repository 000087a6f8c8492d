/**
 * Finds the PDS's packages, or installs them once for this user. They are not dependencies of this repository: they are
 * 250 MB and compile better-sqlite3. `pds.ts` passes the folder on to `server/start-pds.mjs`.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../dev-servers/cache-folder.ts';

export const serverFolder = fileURLToPath(new URL('server/', import.meta.url));

export interface InstallServerOptions {
  /** Where the manifest and its lock file are. Default: `server/` beside this file. */
  readonly from?: string;
  /** Installs are kept in `bluesky-pds` in it. Default: Sluice's folder in the user's cache. */
  readonly cacheFolder?: string;
  readonly log?: (line: string) => void;
}

/**
 * Returns a folder whose `node_modules` holds what the lock file names: the manifest's own when somebody ran `npm ci` there,
 * else one in the user's cache, which all clones with the same lock file share.
 * @throws {Error} when npm fails, with the end of what it said.
 */
export async function installServer(options: InstallServerOptions = {}): Promise<string> {
  const from = options.from ?? serverFolder;
  if (hasPackages(from)) return from;
  const lockFile = await readFile(join(from, 'package-lock.json'));
  // The compiled SQLite binding fits one platform and one ABI of Node.
  const lockHash = createHash('sha256').update(lockFile).digest('hex').slice(0, 16);
  const name = `${lockHash}-${process.platform}-${process.arch}-${process.versions.modules}`;
  const cached = join(options.cacheFolder ?? cacheFolder(), 'bluesky-pds', name);
  if (hasPackages(cached)) return cached;

  options.log?.(`installing the Bluesky PDS into ${cached}, once, in about 80 s`);
  await removeAbandoned(dirname(cached));
  // Built aside and renamed when whole: an interrupted install is never taken for a good one.
  const unfinished = `${cached}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      await copyFile(join(from, file), join(unfinished, file));
    }
    await runNpmCi(unfinished);
    await rename(unfinished, cached).catch((error: unknown) => {
      // Somebody else installed the same at the same time and was first: theirs is as good.
      if (!hasPackages(cached)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return cached;
}

function hasPackages(folder: string): boolean {
  return existsSync(join(folder, 'node_modules', '@atproto', 'pds', 'package.json'));
}

/** What installs that were killed have left: half of 250 MB each. */
async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []); // no folder yet: nothing abandoned in it
  for (const name of names) {
    const pid = /\.(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // A killed install's npm may still write, or another process removes the same: the next install gets what stays.
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's process, but there
  }
}

async function runNpmCi(folder: string): Promise<void> {
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  let said = '';
  const keepEnd = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-2_000);
  };
  child.stdout.on('data', keepEnd);
  child.stderr.on('data', keepEnd);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) {
    throw new Error(
      `npm ci for the Bluesky PDS ended with code ${String(code)}. It compiles better-sqlite3, which needs Python 3 and a C++ ` +
        `compiler. Try it by hand in ${serverFolder}. Its last words:\n${said}`,
    );
  }
}
