/**
 * Bodies that arrive packed by `Content-Encoding`, asked for or not. Also files that are packed themselves (gzip, or
 * zip with one file), also inside such an encoding. Unpacked within a bound of size and ratio. What can't be unpacked
 * is refused with a sentence.
 * Used by: `read-body.ts`. Next: `unzip.ts`.
 */
import { promisify } from 'node:util';
import { brotliDecompress, inflateRaw, unzip as unzlib } from 'node:zlib';
import { isGzip, isKnownPacking, isZip, mostOutOf, packingsOf, TOO_MUCH, unknownEncoding } from './packings.ts';
import { unzip } from './unzip.ts';

export type Unpacked =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly isTooLarge: boolean; readonly reason: string };

const zlib = { unzip: promisify(unzlib), inflateRaw: promisify(inflateRaw), br: promisify(brotliDecompress) };

/**
 * @param encoding header of the answer; packed bodies without one are recognised by the first bytes of gzip and zip.
 * @param maxBytes of what comes out.
 */
export async function decompress(bytes: Buffer, encoding: string | undefined, maxBytes: number): Promise<Unpacked> {
  const packings = packingsOf(encoding);
  if (packings.length > 1) return refused(unknownEncoding(packings));
  const [packing] = packings;
  if (packing === undefined) return unpackFile(bytes, maxBytes);
  const body = await unpack(bytes, packing, maxBytes);
  return body.ok ? unpackFile(body.bytes, maxBytes) : body;
}

async function unpackFile(bytes: Buffer, maxBytes: number): Promise<Unpacked> {
  if (isGzip(bytes)) return unpack(bytes, 'gzip', maxBytes);
  return isZip(bytes) ? unzip(bytes, (packed) => mostOf(packed, maxBytes)) : { ok: true, bytes };
}

/** Bytes that may come out of so many. */
function mostOf(packed: number, maxBytes: number): number {
  return Math.min(maxBytes, mostOutOf(packed));
}

async function unpack(bytes: Buffer, packing: string, maxBytes: number): Promise<Unpacked> {
  if (bytes.length === 0) return { ok: true, bytes };
  if (!isKnownPacking(packing)) return refused(unknownEncoding([packing]));
  const most = mostOf(bytes.length, maxBytes);
  try {
    return { ok: true, bytes: await unpacked(bytes, packing, most) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_BUFFER_TOO_LARGE') return refused(`the body says that it is ${packing}, and is not: ${message}`);
    return most === maxBytes ? tooLarge(maxBytes) : refused(TOO_MUCH);
  }
}

async function unpacked(bytes: Buffer, packing: string, maxOutputLength: number): Promise<Buffer> {
  if (packing === 'br') return zlib.br(bytes, { maxOutputLength });
  // `deflate` means the format of zlib (RFC 9110 §8.4.1.2); some servers leave out its two bytes.
  if (packing === 'deflate' && !isZlib(bytes)) return zlib.inflateRaw(bytes, { maxOutputLength });
  return zlib.unzip(bytes, { maxOutputLength });
}

const refused = (reason: string): Unpacked => ({ ok: false, isTooLarge: false, reason });
const tooLarge = (maxBytes: number): Unpacked => ({
  ok: false,
  isTooLarge: true,
  reason: `more than ${maxBytes} bytes when it is unpacked`,
});
/** RFC 1950 §2.2: the method is 8, and both bytes together are a multiple of 31. */
function isZlib([first = 0, second = 0]: Buffer): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
