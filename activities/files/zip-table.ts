/**
 * The table of contents at the end of a zip archive, held against the files that came before it. An archive that was
 * cut has none, and one that was spoilt has another one. Used by: `unzip-stream.ts`.
 */
import { BodyUnreadable } from '../bodies/body-errors.ts';
import { CutShort, type ByteSource } from './byte-source.ts';

/** What is known of a file when all of it has come. */
export interface ZipEntry {
  readonly name: string;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
}

const ENTRY = 0x02014b50;
const IS_64 = 0xffffffff;
const END = 0x06054b50;
/** Marks of what may stand between: a signature, and the two records of large archives. */
const BETWEEN: Readonly<Record<number, (source: ByteSource) => Promise<number>>> = {
  0x05054b50: async (source) => (await source.peek(6)).readUInt16LE(4) + 6,
  0x06064b50: async (source) => Number((await source.peek(12)).readBigUInt64LE(4)) + 12,
  0x07064b50: () => Promise.resolve(20),
};
const MOST_BETWEEN = 1024 * 1024;
/** More entries than this are not counted in the short record. */
const UNCOUNTED = 0xffff;

/** @throws BodyUnreadable, CutShort, and what the stream throws. */
export async function checkTable(source: ByteSource, came: readonly ZipEntry[]): Promise<void> {
  for (let count = 0; ;) {
    const mark = (await source.peek(4)).length === 4 ? (await source.peek(4)).readUInt32LE(0) : undefined;
    if (mark === undefined) throw new CutShort('the archive ends in its table of contents');
    if (mark === ENTRY) {
      const entry = await readEntry(source);
      const file = came[count++];
      if (!file || !isSame(entry, file)) throw other();
    } else if (mark === END) {
      const end = await source.take(22);
      const counted = end.readUInt16LE(10);
      if (count !== came.length || (counted !== UNCOUNTED && counted !== came.length)) throw other();
      return;
    } else {
      const length = await BETWEEN[mark]?.(source);
      if (length === undefined || length > MOST_BETWEEN) throw other();
      await source.take(length);
    }
  }
}

/** Of files beyond 4 GiB they stand in a field of their own (4.5.3). */
export function sizes64(extra: Buffer, size: number, packed: number): [size: number, packed: number] {
  for (let at = 0; at + 4 <= extra.length;) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    at += 4;
    if (id === 1 && at + length <= extra.length) {
      const wide = [size, packed].map((one) => {
        if (one !== IS_64 || at + 8 > extra.length) return one;
        at += 8;
        return Number(extra.readBigUInt64LE(at - 8));
      });
      return wide as [number, number];
    }
    at += length;
  }
  return [size, packed];
}

async function readEntry(source: ByteSource): Promise<ZipEntry> {
  const fixed = await source.take(46);
  const name = (await source.take(fixed.readUInt16LE(28))).toString('utf8');
  const extra = await source.take(fixed.readUInt16LE(30));
  await source.take(fixed.readUInt16LE(32));
  const [size, packed] = sizes64(extra, fixed.readUInt32LE(24), fixed.readUInt32LE(20));
  return { name, crc: fixed.readUInt32LE(16), packed, size };
}

function isSame(told: ZipEntry, came: ZipEntry): boolean {
  return told.name === came.name && told.crc === came.crc && told.packed === came.packed && told.size === came.size;
}

function other(): BodyUnreadable {
  return new BodyUnreadable('the table of contents of the zip names other files than came');
}
