/**
 * Bodies that arrive packed (`Content-Encoding`), asked for or not: unpacked within a bound of size and ratio. What can't be
 * unpacked is refused with a sentence. Used by: `read-body.ts`.
 */
import { promisify } from 'node:util';
import { brotliDecompress, inflateRaw, unzip } from 'node:zlib';

export type Unpacked =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly isTooLarge: boolean; readonly reason: string };

/** JSON with ever the same names packs to a hundredth; a body that unpacks to more is made to fill memory. */
const MOST_RATIO = 250;
/** Below this size no ratio is suspicious, in bytes. */
const HARMLESS_BYTES = 1024 * 1024;

const unpack = { unzip: promisify(unzip), inflateRaw: promisify(inflateRaw), br: promisify(brotliDecompress) };

/**
 * @param encoding header of the answer; packed bodies without one are recognised by the first bytes of gzip.
 * @param maxBytes of what comes out.
 */
export async function decompress(bytes: Buffer, encoding: string | undefined, maxBytes: number): Promise<Unpacked> {
  const names = (encoding ?? '').slice(0, 200).toLowerCase().split(',');
  const packings = names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
  if (packings.length === 0 && isGzip(bytes)) packings.push('gzip');
  if (packings.length === 0 || bytes.length === 0) return { ok: true, bytes };
  const [packing = ''] = packings;
  if (packings.length > 1 || !['gzip', 'x-gzip', 'deflate', 'br'].includes(packing))
    return refused(`the body has the content encoding "${packings.join(', ')}", which is not read here`);
  const ratio = Math.max(HARMLESS_BYTES, bytes.length * MOST_RATIO);
  try {
    return { ok: true, bytes: await unpacked(bytes, packing, Math.min(maxBytes, ratio)) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_BUFFER_TOO_LARGE') return refused(`the body says that it is ${packing}, and is not: ${message}`);
    return maxBytes <= ratio
      ? { ok: false, isTooLarge: true, reason: `more than ${maxBytes} bytes when it is unpacked` }
      : refused(`the body unpacks to more than ${MOST_RATIO} times its size`);
  }
}

async function unpacked(bytes: Buffer, packing: string, maxOutputLength: number): Promise<Buffer> {
  if (packing === 'br') return unpack.br(bytes, { maxOutputLength });
  // `deflate` means the format of zlib (RFC 9110 §8.4.1.2); some servers leave out its two bytes.
  if (packing === 'deflate' && !isZlib(bytes)) return unpack.inflateRaw(bytes, { maxOutputLength });
  return unpack.unzip(bytes, { maxOutputLength });
}

const refused = (reason: string): Unpacked => ({ ok: false, isTooLarge: false, reason });

function isGzip([first, second, third]: Buffer): boolean {
  return first === 0x1f && second === 0x8b && third === 8;
}

/** RFC 1950 §2.2: the method is 8, and both bytes together are a multiple of 31. */
function isZlib([first = 0, second = 0]: Buffer): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
