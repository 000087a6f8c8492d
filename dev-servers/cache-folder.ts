/**
 * Where downloaded programs and the development servers' data are kept: a folder of the user's cache.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/**
 * `$XDG_CACHE_HOME/sluice`, else `~/Library/Caches/sluice` on macOS and `~/.cache/sluice` elsewhere. Root gets
 * `/var/cache/sluice` where its home is closed to others: Postgres refuses to run as root and could not reach it there.
 * The folder need not exist.
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['XDG_CACHE_HOME'];
  if (given && isAbsolute(given)) return join(given, 'sluice');
  const home = env['HOME'] ?? homedir();
  const folder = process.platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
  if (process.getuid?.() === 0 && closedFolderOn(folder)) return '/var/cache/sluice';
  return join(folder, 'sluice');
}

/**
 * The first folder on the way to `path` that other users may not pass, or undefined when all are open. Folders that do
 * not exist yet count as open.
 */
export function closedFolderOn(path: string): string | undefined {
  const parts: string[] = [];
  for (let folder = resolve(path); folder !== dirname(folder); folder = dirname(folder)) parts.unshift(folder);
  return parts.find((folder) => {
    const stats = statSync(folder, { throwIfNoEntry: false });
    return stats?.isDirectory() === true && (stats.mode & constants.S_IXOTH) === 0;
  });
}

/** Whether `path` is a file that this process may execute. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent or not ours: both mean "look elsewhere"
  }
}
