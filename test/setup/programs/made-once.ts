/** What several files of a run use and none of them changes: the package, and projects that have it. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { packageFolder } from './build.ts';

/**
 * The first file that asks for it makes it; the others wait until it is there.
 * @param make is given a folder that is not there yet. @returns where it is at the end.
 */
export async function madeOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const place = join(packageFolder(inject('builtFolder')), name);
  const [made, failed] = ['made', 'failed'].map((end) => join(place, end)) as [string, string];
  await mkdir(packageFolder(inject('builtFolder')), { recursive: true });
  const isFirst = await mkdir(place).then(
    () => true,
    () => false,
  );
  if (isFirst)
    await make(join(place, 'making')).then(
      () => rename(join(place, 'making'), made),
      (error: unknown) => writeFile(failed, String(error)),
    );
  await vi.waitUntil(() => existsSync(made) || existsSync(failed), { timeout: 240_000, interval: 100 });
  if (existsSync(failed)) throw new Error(await readFile(failed, 'utf8'));
  return made;
}
