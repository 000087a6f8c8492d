/**
 * Names of pages that are a number in a message of Protocol Buffers, as Google writes them: `CDIQAA` is 50, and a flag. The number is the
 * first field, and nothing follows but flags: what holds more than that counts nothing. Pure.
 * Used by: `counting.ts`, to which such a name is a text: the number in digits, and the flags in letters.
 * @see https://protobuf.dev/programming-guides/encoding/
 */

const FIRST_FIELD = 0x08;
/** Of the second to the sixth field. Each holds 0 or 1. */
const FLAG_FIELDS = [0x10, 0x18, 0x20, 0x28, 0x30];
const MOST_BYTES = 16;
const LARGEST = 2 ** 42;

/** @returns the number and the flags behind it; undefined where the bytes are anything else. */
export function varintText(bytes: Buffer): string | undefined {
  if (bytes.length < 2 || bytes.length > MOST_BYTES || bytes[0] !== FIRST_FIELD) return undefined;
  const last = bytes.findIndex((byte, at) => at > 0 && byte < 0x80);
  if (last === -1) return undefined;
  const number = bytes.subarray(1, last + 1).reduce((sum, byte, at) => sum + (byte & 0x7f) * 2 ** (7 * at), 0);
  const flags = bytes.subarray(last + 1);
  if (number > LARGEST || !areFlags(flags)) return undefined;
  return `${number} ${[...flags].map(letters).join('')}`;
}

const areFlags = (bytes: Buffer): boolean =>
  bytes.length % 2 === 0 && bytes.every((byte, at) => (at % 2 === 0 ? FLAG_FIELDS.includes(byte) : byte <= 1));

export function varintBytes(text: string): Buffer {
  const [digits = '', flags = ''] = text.split(' ');
  const bytes = [FIRST_FIELD];
  let left = Number(digits);
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
  for (let at = 0; at < flags.length; at += 2) bytes.push(byteOf(flags.slice(at, at + 2)));
  return Buffer.from(bytes);
}

const A = 'a'.charCodeAt(0);
const letters = (byte: number): string => String.fromCharCode(A + (byte >> 4), A + (byte & 0xf));
const byteOf = (pair: string): number => ((pair.charCodeAt(0) - A) << 4) | (pair.charCodeAt(1) - A);
