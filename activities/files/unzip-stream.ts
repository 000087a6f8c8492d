/**
 * The files of a zip archive, one after another as they come, without its table of contents, which stands at its end. There it is read all
 * the same: only an archive whose table names the very files that came is whole.
 * Used by: `activities/bodies/read-pieces.ts`, `untar-stream.ts`. See https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3 and 4.4.
 */
import { createInflateRaw, crc32 } from 'node:zlib';
import { BodyUnreadable } from '../bodies/body-errors.ts';
import { checkRatio } from '../bodies/packings.ts';
import { ByteSource, CutShort } from './byte-source.ts';
import { checkTable, sizes64, type ZipEntry } from './zip-table.ts';

export interface FileInZip {
  readonly name: string;
  readonly content: AsyncGenerator<Buffer, void>;
}

const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const MOST_FILES = 10_000;

/** Folders are left out. @throws BodyUnreadable, CutShort, and what the stream throws. */
export async function* filesInZip(stream: AsyncIterable<Buffer>): AsyncGenerator<FileInZip, void> {
  const source = new ByteSource(stream);
  const entries: ZipEntry[] = [];
  try {
    for (;;) {
      const mark = await source.peek(4);
      if (mark.length < 4) throw new CutShort('the archive ends before its table of contents');
      if (mark.readUInt32LE(0) !== LOCAL) break;
      if (entries.length >= MOST_FILES) throw new BodyUnreadable(`the zip has more than ${MOST_FILES} files`);
      const header = await readHeader(source);
      const came = { entry: undefined as ZipEntry | undefined };
      const content = read(source, header, came);
      if (!header.name.endsWith('/')) yield { name: header.name, content };
      // What was not wanted is read over.
      while (!(await content.next()).done);
      entries.push(came.entry as ZipEntry);
    }
    await checkTable(source, entries);
  } finally {
    await source.close();
  }
}

interface Header extends ZipEntry {
  readonly isDeflated: boolean;
  /** Its sizes follow it. */
  readonly isOpen: boolean;
}

async function readHeader(source: ByteSource): Promise<Header> {
  const fixed = await source.take(30);
  const flags = fixed.readUInt16LE(6);
  const method = fixed.readUInt16LE(8);
  const nameBytes = await source.take(fixed.readUInt16LE(26));
  const extra = await source.take(fixed.readUInt16LE(28));
  // Without the flag of UTF-8 it is an old code page, whose first half is ASCII.
  const name = nameBytes.toString('utf8');
  const what = `the file ${JSON.stringify(name.slice(0, 60))} of the zip`;
  if (flags & 1) throw new BodyUnreadable(`${what} is encrypted`);
  if (method !== 0 && method !== 8)
    throw new BodyUnreadable(`${what} is packed by method ${method}, which is not read here`);
  const isOpen = (flags & 8) !== 0;
  if (isOpen && method === 0)
    throw new BodyUnreadable(`${what} is not packed, and its size is told behind it: nothing says where it ends`);
  const [size, packed] = sizes64(extra, fixed.readUInt32LE(22), fixed.readUInt32LE(18));
  return { name, crc: fixed.readUInt32LE(14), packed, size, isDeflated: method === 8, isOpen };
}

async function* read(
  source: ByteSource,
  header: Header,
  came: { entry: ZipEntry | undefined },
): AsyncGenerator<Buffer, void> {
  const { name, isDeflated, isOpen } = header;
  const counted = { packed: 0 };
  let size = 0;
  let crc = 0;
  for await (const chunk of isDeflated ? inflated(source, counted) : stored(source, header.packed, counted)) {
    size += chunk.length;
    crc = crc32(chunk, crc);
    checkRatio(counted.packed, size);
    yield chunk;
  }
  const { packed } = counted;
  const found: ZipEntry = { name, crc, packed, size };
  const told = isOpen ? await readDescriptor(source, found) : header;
  if (told.crc !== crc || told.size !== size || told.packed !== packed)
    throw new BodyUnreadable(`the file ${JSON.stringify(name.slice(0, 60))} of the zip is damaged`);
  came.entry = found;
}

/** With or without its mark, with sizes of four bytes or of eight: as they fit what came. */
async function readDescriptor(
  source: ByteSource,
  { packed, size }: ZipEntry,
): Promise<Pick<ZipEntry, 'crc' | 'size' | 'packed'>> {
  const mark = await source.peek(8);
  if (mark.length === 8 && mark.readUInt32LE(0) === DESCRIPTOR) await source.take(4);
  const crc = (await source.take(4)).readUInt32LE(0);
  const ahead = await source.peek(16);
  // Of an empty file both fit; behind the short ones the next record begins.
  const isShort = ahead.length >= 10 && ahead.readUInt32LE(4) === size && ahead.toString('latin1', 8, 10) === 'PK';
  const isLong =
    !isShort &&
    ahead.length === 16 &&
    Number(ahead.readBigUInt64LE(0)) === packed &&
    Number(ahead.readBigUInt64LE(8)) === size;
  if (isLong) {
    await source.take(16);
    return { crc, packed, size };
  }
  const sizes = await source.take(8);
  return { crc, packed: sizes.readUInt32LE(0), size: sizes.readUInt32LE(4) };
}

/** So many bytes as they are. @throws CutShort */
export async function* stored(
  source: ByteSource,
  length: number,
  counted: { packed: number },
): AsyncGenerator<Buffer, void> {
  for (let left = length; left > 0;) {
    const chunk = await source.chunk();
    if (!chunk) throw new CutShort('the archive ends in the middle of a file');
    const taken = chunk.subarray(0, left);
    if (taken.length < chunk.length) source.giveBack(chunk.subarray(left));
    left -= taken.length;
    counted.packed += taken.length;
    yield taken;
  }
}

/** A deflated file says itself where it ends; what was given beyond that goes back. */
async function* inflated(source: ByteSource, counted: { packed: number }): AsyncGenerator<Buffer, void> {
  const inflater = createInflateRaw();
  let given = 0;
  let last: Buffer = Buffer.alloc(0);
  const file = { isOver: false };
  inflater.once('close', () => (file.isOver = true));
  const feed = async (): Promise<void> => {
    while (!file.isOver) {
      const chunk = await source.chunk();
      if (!chunk) throw new CutShort('the archive ends in the middle of a file');
      last = chunk;
      given += chunk.length;
      counted.packed = given;
      await new Promise<void>((resolve) => {
        inflater.once('close', resolve);
        inflater.write(chunk, () => {
          inflater.off('close', resolve);
          // What follows the file's end is not taken.
          file.isOver ||= inflater.bytesWritten < given;
          resolve();
        });
      });
    }
  };
  let broken: Error | undefined;
  const feeding = feed().catch((error: Error) => {
    broken = error;
    inflater.destroy(error);
  });
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw broken ?? new BodyUnreadable(`the zip can't be unpacked: ${(error as Error).message}`);
  } finally {
    inflater.destroy();
    await feeding;
  }
  counted.packed = inflater.bytesWritten;
  source.giveBack(last.subarray(last.length - (given - counted.packed)));
}
