/**
 * The bytes of a body as text. Which characters they are says, in this order: a byte-order mark; UTF-16's zero bytes
 * beside JSON's first character; the `charset` of the content type. Then the declaration of XML; else UTF-8, as JSON
 * must be (RFC 8259 §8.1).
 * Used by: `read-body.ts`, `read-pieces.ts`.
 */
import { isUtf8 } from 'node:buffer';

export interface DecodedText {
  readonly text: string;
  /** Some bytes are no characters of that charset: they became U+FFFD. In words; undefined when all was read. */
  readonly damage?: string;
}

/** The charset of a body, by its first bytes and its content type; a name in lower case, known here or not. */
export function charsetOf(bytes: Buffer, contentType: string | undefined): string {
  return markedCharset(bytes) ?? statedCharset(contentType) ?? declaredCharset(bytes) ?? 'utf-8';
}

/**
 * @param contentType as the answer has it.
 * @param charset of pieces of a larger body: as its beginning says it.
 */
export function decodeText(
  bytes: Buffer,
  contentType: string | undefined,
  charset = charsetOf(bytes, contentType),
): DecodedText {
  if (charset === 'utf-8') return decodeUtf8(bytes);
  const whole = decoderFor(charset, true);
  if (!whole) {
    const plain = decodeUtf8(bytes);
    return plain.damage === undefined ? plain : { ...plain, damage: `the charset "${charset}" is not known` };
  }
  try {
    return { text: whole.decode(bytes) };
  } catch {
    // The decoder says no more than that some bytes do not fit.
    const text = decoderFor(charset, false)?.decode(bytes) ?? '';
    return { text, damage: `not all of the body is ${whole.encoding}` };
  }
}

function decodeUtf8(bytes: Buffer): DecodedText {
  const text = (hasUtf8Mark(bytes) ? bytes.subarray(3) : bytes).toString('utf8');
  return isUtf8(bytes) ? { text } : { text, damage: 'not all of the body is utf-8, and no other charset was named' };
}

function hasUtf8Mark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function markedCharset(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if (hasUtf8Mark(bytes)) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0 && second !== 0 && second !== undefined) return 'utf-16be';
  return second === 0 && first !== 0 ? 'utf-16le' : undefined;
}

/** The `charset` parameter of a content type (RFC 9110 §8.3.1), in lower case. */
function statedCharset(contentType: string | undefined): string | undefined {
  for (const parameter of (contentType ?? '').slice(0, 1_000).split(';').slice(1)) {
    const [name = '', value = ''] = parameter.split('=', 2);
    if (name.trim().toLowerCase() !== 'charset') continue;
    const charset = value.trim().replaceAll('"', '').replaceAll("'", '').toLowerCase();
    return charset === '' || charset === 'utf8' ? 'utf-8' : charset;
  }
  return undefined;
}

/** What `<?xml version="1.0" encoding="ISO-8859-1"?>` says. Where that can be read byte by byte, it is no UTF-16, whatever it says. */
function declaredCharset(bytes: Buffer): string | undefined {
  const [, charset] =
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(bytes.toString('latin1', 0, 200)) ?? [];
  return charset === undefined || /^(utf|ucs)-?(8|16|32)?/i.test(charset) ? undefined : charset.toLowerCase();
}

function decoderFor(charset: string, fatal: boolean): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(charset, { fatal });
  } catch {
    return undefined; // no name of a charset
  }
}
