/**
 * Other versions of Node for tests of the package, from npm's package `node`: fetched once, then kept in the user's cache.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../../dev-servers/cache-folder.ts';

/** Where the package puts the program, with and without its install script. */
const PLACES = [
  `node_modules/node/node_modules/node-${process.platform}-${process.arch}/bin/node`,
  `node_modules/node-${process.platform}-${process.arch}/bin/node`,
  'node_modules/node/bin/node',
];

/** @returns the program of the newest release of that version, when it was first asked for. */
export async function nodeProgram(major: number): Promise<string> {
  const folder = join(cacheFolder(), `test-node-${major}`);
  const found = programIn(folder);
  if (found) return found;
  const fresh = await mkdtemp(join(tmpdir(), 'sluice-node-'));
  await writeFile(join(fresh, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', `node@${major}`], { cwd: fresh, stdio: 'pipe' });
  await mkdir(dirname(folder), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  // Where the cache is on another disk, the copy in the temporary folder serves as well.
  const isKept = await rename(fresh, folder).then(
    () => true,
    () => false,
  );
  const program = programIn(isKept ? folder : fresh);
  if (!program) throw new Error(`npm's package node@${major} has no program in any of ${PLACES.join(', ')}`);
  return program;
}

function programIn(folder: string): string | undefined {
  const path = PLACES.map((place) => join(folder, place)).find((each) => existsSync(each));
  return path && execFileSync(path, ['--version'], { encoding: 'utf8' }).startsWith('v') ? path : undefined;
}
