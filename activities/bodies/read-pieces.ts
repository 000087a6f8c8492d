/**
 * A body of rows read piece by piece, each cut at the end of a row. So a file of any size takes the memory of one
 * piece. How far it is read is a number of bytes, with a digest of them. When the file is asked for again it is read
 * over them and held against the digest. A zip, or a tar, is its files, one after another.
 * Used by: `activities/http/send.ts`. Next: `activities/sync/read-on.ts` stores piece after piece.
 */
import { createHash } from 'node:crypto';
import type { Answer } from '../../contracts/answers/answer.ts';
import { SMALL_BODY_BYTES, type BodyHold } from './body-budget.ts';
import { BodyChanged, BodyTooLarge, BodyUnreadable } from './body-errors.ts';
import { charsetOf, decodeText } from './decode-text.ts';
import { ByteSource } from '../files/byte-source.ts';
import { filesInTar, isTar } from '../files/untar-stream.ts';
import { filesInZip, type FileInZip } from '../files/unzip-stream.ts';
import { isZip, showsItsEnd } from './packings.ts';
import { unpackStream } from './unpack-stream.ts';

/** Bytes and rows of one piece, about. */
const PIECE_BYTES = 1024 * 1024;
const PIECE_ROWS = 2_000;
/** Bytes that are waited for at once. */
const READ_BYTES = 64 * 1024;
/** A row is no larger than this, in bytes. */
const MOST_ROW_BYTES = 2 * 1024 * 1024;
const HELD_BYTES = 2 * (PIECE_BYTES + MOST_ROW_BYTES);
const LINE_END = 10;
const QUOTE = 34;

/** How far a body is read. */
export interface ReadSoFar {
  readonly bytes: number;
  readonly digest: string;
}

export interface PieceOptions {
  /** A line end between quotes ends no row. */
  readonly hasQuotes: boolean;
  /** Its first row has the names of the others: each piece begins with it. */
  readonly hasHead: boolean;
  /** Which files of a zip are read. */
  readonly isWanted?: ((name: string) => boolean) | undefined;
  readonly from?: ReadSoFar | undefined;
}

export interface Piece extends Pick<Answer, 'text' | 'damage' | 'file' | 'mayBeCut'> {
  /** What is read with this piece; undefined: all. */
  readonly soFar?: ReadSoFar;
}

export interface PieceReader {
  /** @throws BodyTooLarge, BodyUnreadable, BodyChanged, and what the stream throws. */
  next(): Promise<Piece>;
}

export interface PieceLimits {
  readonly maxBodyBytes: number;
  readonly hold: BodyHold;
  readonly signal: AbortSignal;
}

export function createPieceReader(
  stream: AsyncIterable<Buffer>,
  headers: Readonly<Record<string, string>>,
  { maxBodyBytes, hold, signal }: PieceLimits,
  { hasQuotes, hasHead, isWanted = () => true, from }: PieceOptions,
): PieceReader {
  const contentType = headers['content-type'];
  const digest = createHash('sha256');
  const told = { isPacked: false };
  let isBegun = false;
  let isCounted = false;
  let bytes = 0;
  /** The one body, or the file of a zip that is being read. */
  let source = new ByteSource(unpackStream(stream, headers['content-encoding'], told));
  let files: AsyncGenerator<FileInZip, void> | undefined;
  let file: string | undefined;
  let buffer: Buffer = Buffer.alloc(0);
  const read = { isEnded: false };
  let charset = '';
  let head: Buffer = Buffer.alloc(0);

  const more = async (): Promise<void> => {
    // A third party may send byte after byte: they are not put together one by one.
    const chunks = [buffer];
    for (let came = 0; came < READ_BYTES && !read.isEnded;) {
      const chunk = await source.chunk();
      read.isEnded = !chunk;
      if (!chunk) break;
      chunks.push(chunk);
      came += chunk.length;
    }
    buffer = Buffer.concat(chunks);
    if (buffer.length <= SMALL_BODY_BYTES || isCounted) return;
    isCounted = true;
    await hold.take(HELD_BYTES, signal);
  };
  const take = (count: number): Buffer => {
    const taken = buffer.subarray(0, count);
    buffer = buffer.subarray(count);
    bytes += count;
    digest.update(taken);
    return taken;
  };
  /** Where the last row that fits ends; the whole rest at the end of the body. */
  const rows = async (mostBytes: number, mostRows: number): Promise<number> => {
    const scan = createRowScan(hasQuotes);
    for (;;) {
      const end = scan(buffer, mostBytes, mostRows);
      if (end.isFull) return end.at;
      if (read.isEnded) return buffer.length;
      if (buffer.length > mostBytes && end.at > 0) return end.at;
      if (buffer.length > MOST_ROW_BYTES) throw new BodyTooLarge(`a row of more than ${MOST_ROW_BYTES} bytes`);
      await more();
    }
  };
  const begin = async (): Promise<void> => {
    while (buffer.length < 4 && !read.isEnded) await more();
    charset = charsetOf(buffer, contentType);
    head = hasHead && !isWide(charset) ? Buffer.from(take(await rows(0, 1))) : Buffer.alloc(0);
  };
  /** @returns false when there is none. */
  const nextFile = async (): Promise<boolean> => {
    for (let next = await files?.next(); next && !next.done; next = await files?.next()) {
      const { name, content } = next.value;
      if (!wants(isWanted, name)) continue;
      // As exports of events are: a zip of files that are packed themselves.
      source = new ByteSource(unpackStream(content, undefined, { isPacked: false }));
      file = name;
      buffer = Buffer.alloc(0);
      read.isEnded = false;
      // Where one ends and the next begins is a part of what is read.
      digest.update(`file ${name}`);
      await begin();
      return true;
    }
    return false;
  };
  const beginAll = async (): Promise<void> => {
    const archive = isZip(await source.peek(4)) ? filesInZip : isTar(await source.peek(512)) ? filesInTar : undefined;
    if (archive) {
      files = archive(source);
      if (!(await nextFile())) throw new BodyUnreadable('the body is an archive without a file that is wanted');
    } else await begin();
    if (!from) return;
    while (bytes !== from.bytes || digest.copy().digest('hex') !== from.digest) {
      if (buffer.length === 0 && !read.isEnded) await more();
      else if (buffer.length > 0 && bytes < from.bytes) take(Math.min(buffer.length, from.bytes - bytes));
      // The next file of a zip may begin there: of one without a line of names no byte was read with the piece before.
      else if (buffer.length > 0 || !(await nextFile()))
        throw new BodyChanged('the file is not the one any more of which a part has been read');
    }
  };
  /** Characters of two bytes are cut nowhere. */
  const whole = async (): Promise<number> => {
    while (!read.isEnded) {
      await more();
      if (buffer.length > maxBodyBytes) throw new BodyTooLarge(`more than ${maxBodyBytes} bytes`);
    }
    return buffer.length;
  };
  return {
    next: async () => {
      if (!isBegun) {
        isBegun = true;
        await beginAll();
      }
      const body = take(isWide(charset) ? await whole() : await rows(PIECE_BYTES, PIECE_ROWS));
      // What is left may be nothing but the end.
      while (buffer.length === 0 && !read.isEnded) await more();
      const piece = {
        ...decodeText(Buffer.concat([head, body]), contentType, charset),
        ...(file === undefined ? {} : { file }),
      };
      const isOver = read.isEnded && buffer.length === 0 && !(await nextFile());
      const isSure = showsItsEnd(headers, told.isPacked || files !== undefined);
      if (isOver) return isSure ? piece : { ...piece, mayBeCut: true };
      return { ...piece, soFar: { bytes, digest: digest.copy().digest('hex') } };
    },
  };
}

function isWide(charset: string): boolean {
  return charset.startsWith('utf-16');
}

function wants(isWanted: (name: string) => boolean, name: string): boolean {
  try {
    return isWanted(name);
  } catch (error) {
    throw new BodyUnreadable(`\`format.files\` threw ${String(error)}`);
  }
}

/**
 * Goes on where it was left when more of the buffer has come, so that each byte is looked at once.
 * @returns the end of the last row within so many bytes and rows (0: of none), and whether no more fits.
 */
function createRowScan(hasQuotes: boolean) {
  let at = 0;
  let lastEnd = 0;
  let found = 0;
  let isQuoted = false;
  return (buffer: Buffer, mostBytes: number, mostRows: number): { at: number; isFull: boolean } => {
    let quote = hasQuotes ? buffer.indexOf(QUOTE, at) : -1;
    while (at < buffer.length) {
      const end = buffer.indexOf(LINE_END, at);
      if (quote !== -1 && (isQuoted || end === -1 || quote < end)) {
        isQuoted = !isQuoted;
        at = quote + 1;
        quote = buffer.indexOf(QUOTE, at);
        continue;
      }
      if (isQuoted || end === -1) {
        at = buffer.length;
        break;
      }
      if (lastEnd > 0 && end + 1 > mostBytes) return { at: lastEnd, isFull: true };
      at = end + 1;
      lastEnd = at;
      found++;
      if (found >= mostRows) return { at: lastEnd, isFull: true };
    }
    return { at: lastEnd, isFull: false };
  };
}
