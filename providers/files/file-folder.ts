/**
 * A folder as the place of files, each under the hash of its content. A file that is there is whole, and the same one
 * is kept once for an account. No name that a third party gives leads anywhere. Used by: definitions, as
 * `format: { kind: 'file', into: fileFolder(…) }`.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileSink } from './file-format.ts';

const PARTS = '.parts';
/** What a worker that was killed has left: no file is written so long, in milliseconds. */
const LEFT_AFTER_MS = 6 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;

/**
 * @param folder absolute path, on a disk that all workers share; made where it is not there. A file is `<account>/<two digits>/<sha256>` in it,
 *   which is its `ref`.
 */
export function fileFolder(folder: string): FileSink {
  let sweptAt = 0;
  const sink: FileSink = async (content, { account }) => {
    const parts = join(folder, PARTS);
    await mkdir(parts, { recursive: true });
    if (Date.now() - sweptAt > SWEEP_EVERY_MS) {
      sweptAt = Date.now();
      await removeLeft(parts);
    }
    const part = join(parts, randomUUID());
    try {
      const digest = createHash('sha256');
      const digesting = new Transform({
        transform: (chunk: Buffer, _, done) => {
          digest.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(content, digesting, createWriteStream(part, { flags: 'wx' }));
      await flushed(part);
      const sha256 = digest.digest('hex');
      const place = [nameOf(account), sha256.slice(0, 2)];
      await mkdir(join(folder, ...place), { recursive: true });
      await rename(part, join(folder, ...place, sha256));
      await flushed(join(folder, ...place));
      return [...place, sha256].join('/');
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  };
  const isPlace = typeof folder === 'string' && isAbsolute(folder);
  const mistakes = isPlace
    ? []
    : [`fileFolder(${JSON.stringify(folder)}): it must be an absolute path, e.g. fileFolder("/var/lib/files")`];
  return Object.assign(sink, { mistakes });
}

/** An account as the name of one folder: two accounts have two, and none leads elsewhere. */
function nameOf(account: string): string {
  const name = encodeURIComponent(account).replaceAll('.', '%2E').replaceAll('*', '%2A');
  return name.length <= 200 ? name : createHash('sha256').update(account).digest('hex');
}

/** On the disk, whatever becomes of the machine. */
async function flushed(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeLeft(parts: string): Promise<void> {
  for (const name of await readdir(parts)) {
    const part = join(parts, name);
    const found = await stat(part).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > LEFT_AFTER_MS) await rm(part, { force: true });
  }
}
