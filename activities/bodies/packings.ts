/**
 * How bodies are packed, as headers and first bytes say it, and how much may come out. Pure. Used by: `decompress.ts`, `unpack-stream.ts`,
 * `read-pieces.ts`, `activities/files/unzip-stream.ts`.
 */
import { saysItsEnd } from '../files/file-facts.ts';
import { BodyUnreadable } from './body-errors.ts';

/** JSON with ever the same names packs to a hundredth; a body that unpacks to more is made to fill memory. */
const MOST_RATIO = 250;
/** Below this size no ratio is suspicious, in bytes. */
const HARMLESS_BYTES = 1024 * 1024;
export const TOO_MUCH = `the body unpacks to more than ${MOST_RATIO} times its size`;

/** Bytes that may come out of so many. */
export function mostOutOf(packed: number): number {
  return Math.max(HARMLESS_BYTES, packed * MOST_RATIO);
}

/** @throws BodyUnreadable */
export function checkRatio(packed: number, unpacked: number): void {
  if (unpacked > mostOutOf(packed)) throw new BodyUnreadable(TOO_MUCH);
}

/** Those of a `Content-Encoding`, in lower case. */
export function packingsOf(encoding: string | undefined): string[] {
  const names = (encoding ?? '').slice(0, 200).toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
}

export function isKnownPacking(name: string): boolean {
  return ['gzip', 'x-gzip', 'deflate', 'br'].includes(name);
}

export function unknownEncoding(packings: readonly string[]): string {
  return `the body has the content encoding "${packings.join(', ')}", which is not read here`;
}

/** A body that is cut is noticed: by its length, by chunks, or by what it is packed in. */
export function showsItsEnd(headers: Readonly<Record<string, string>>, isPackedFile: boolean): boolean {
  return isPackedFile || saysItsEnd(headers) || packingsOf(headers['content-encoding']).length > 0;
}

export function isGzip([first, second, third]: Buffer): boolean {
  return first === 0x1f && second === 0x8b && third === 8;
}

/** A file, or the end of an archive without one. */
export function isZip([first, second, third, fourth]: Buffer): boolean {
  return first === 0x50 && second === 0x4b && ((third === 3 && fourth === 4) || (third === 5 && fourth === 6));
}
