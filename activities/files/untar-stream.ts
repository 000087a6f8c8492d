/**
 * The files of a tar archive, one after another as they come. An archive whose end mark did not come was cut. Spoilt
 * headers are noticed by their sums, spoilt contents by what the archive is packed in (gzip).
 * Used by: `activities/bodies/read-pieces.ts`. See https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html.
 */
import { BodyUnreadable } from '../bodies/body-errors.ts';
import { ByteSource } from './byte-source.ts';
import { stored, type FileInZip } from './unzip-stream.ts';

const BLOCK = 512;
const MOST_FILES = 10_000;
/** A long name, or the records of POSIX. */
const MOST_META_BYTES = 1024 * 1024;

/** @param head the first block of the body. */
export function isTar(head: Buffer): boolean {
  return head.length === BLOCK && head.toString('latin1', 257, 262) === 'ustar' && sumOf(head) === octal(head, 148, 8);
}

/** Regular files only: no folders, links or devices. @throws BodyUnreadable, CutShort, and what the stream throws. */
export async function* filesInTar(stream: AsyncIterable<Buffer>): AsyncGenerator<FileInZip, void> {
  const source = new ByteSource(stream);
  let told: { path?: string; size?: number } = {};
  try {
    for (let count = 0; ;) {
      const head = Buffer.from(await source.take(BLOCK));
      if (head.every((byte) => byte === 0)) break;
      if (sumOf(head) !== octal(head, 148, 8)) throw new BodyUnreadable(`the tar is damaged behind ${count} files`);
      const type = head.toString('latin1', 156, 157);
      const size = told.size ?? sizeOf(head);
      const name = told.path ?? nameOf(head);
      const isMeta = type === 'x' || type === 'L';
      if (isMeta) told = { ...told, ...read(type, await meta(source, size)) };
      else if (type === '0' || type === '\0' || type === '7') {
        if (++count > MOST_FILES) throw new BodyUnreadable(`the tar has more than ${MOST_FILES} files`);
        const content = stored(source, size, { packed: 0 });
        yield { name, content };
        // What was not wanted is read over.
        while (!(await content.next()).done);
      } else if (type === 'S' || type === 'M')
        throw new BodyUnreadable(
          `the tar has a file in parts (${JSON.stringify(name.slice(0, 60))}), which is not read here`,
        );
      else for await (const _ of stored(source, size, { packed: 0 }));
      await source.take((BLOCK - (size % BLOCK)) % BLOCK);
      if (!isMeta) told = {};
    }
    // Behind the mark are zeros; the sum of what it is packed in comes after them.
    while (await source.chunk());
  } finally {
    await source.close();
  }
}

async function meta(source: ByteSource, size: number): Promise<string> {
  if (size > MOST_META_BYTES) throw new BodyUnreadable(`the tar has a header of ${size} bytes`);
  return (await source.take(size)).toString('utf8');
}

/** @returns what is said of the next file. */
function read(type: 'x' | 'L', text: string): { path?: string; size?: number } {
  if (type === 'L') return { path: text.replace(/\0.*$/s, '') };
  const said: { path?: string; size?: number } = {};
  // Records of `length key=value\n`, the length in bytes.
  for (let rest = Buffer.from(text); rest.length > 0;) {
    const length = Number.parseInt(rest.toString('latin1', 0, 20), 10);
    if (!(length >= 5 && length <= rest.length)) throw new BodyUnreadable('the tar has a header that can’t be read');
    const [, key, value = ''] = /^\d+ ([^=]+)=(.*)\n$/s.exec(rest.toString('utf8', 0, length)) ?? [];
    if (key === 'path') said.path = value;
    if (key === 'size') said.size = Number(value);
    if (key?.startsWith('GNU.sparse')) throw new BodyUnreadable('the tar has a file in parts, which is not read here');
    rest = rest.subarray(length);
  }
  return said;
}

function nameOf(head: Buffer): string {
  const [name, prefix] = [
    text(head, 0, 100),
    head.toString('latin1', 257, 263) === 'ustar\0' ? text(head, 345, 155) : '',
  ];
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal, or, from 8 GiB on, eight bytes behind a mark. */
function sizeOf(head: Buffer): number {
  const size = (head[124] as number) & 0x80 ? Number(head.readBigUInt64BE(128)) : octal(head, 124, 12);
  if (!Number.isSafeInteger(size)) throw new BodyUnreadable('the tar has a file without a size');
  return size;
}

/** Of the header, its own eight bytes taken for blanks. */
function sumOf(head: Buffer): number {
  return head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function octal(head: Buffer, at: number, length: number): number {
  const digits = text(head, at, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

function text(head: Buffer, at: number, length: number): string {
  return head.toString('utf8', at, at + length).replace(/\0.*$/s, '');
}
