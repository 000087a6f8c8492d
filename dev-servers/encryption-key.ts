/**
 * The key that encrypts credentials during development. It is made once and kept beside the data of the development
 * servers, so that the next start opens what one start has encrypted. In production SLUICE_ENCRYPTION_KEYS names the
 * keys.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultDataDir, type DevServersPlace } from './find-dev-servers.ts';

/** @returns `id:base64key` as SLUICE_ENCRYPTION_KEYS takes it; undefined when no key has been made in this folder. */
export async function findDevEncryptionKeys(place: DevServersPlace = {}): Promise<string | undefined> {
  try {
    return (await readFile(keyFile(place), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Finds the key or makes it, readable by this user alone. */
export async function devEncryptionKeys(place: DevServersPlace = {}): Promise<string> {
  const found = await findDevEncryptionKeys(place);
  if (found) return found;
  const made = `dev:${randomBytes(32).toString('base64')}`;
  await mkdir(place.dataDir ?? defaultDataDir(place.env ?? process.env), { recursive: true });
  try {
    await writeFile(keyFile(place), `${made}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Somebody else was first: one key for both.
    return (await findDevEncryptionKeys(place)) ?? made;
  }
}

function keyFile({ dataDir, env = process.env }: DevServersPlace): string {
  return join(dataDir ?? defaultDataDir(env), 'encryption-key');
}
