/**
 * What the headers of an answer say of the file that it is: its name, type, length and digests. Also whether it is one
 * at all. Pure. Used by: `receive-file.ts`, `activities/http/send.ts`.
 */
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { ExpectedFile } from '../../providers/files/file-format.ts';

type Headers = Readonly<Record<string, string>>;

const MOST_NAME = 200;

/** Lower case, without parameters. */
export function typeOf(headers: Headers): string | null {
  const type = ((headers['content-type'] ?? '').slice(0, 200).split(';', 1)[0] ?? '').trim().toLowerCase();
  return type === '' ? null : type;
}

/**
 * Why an answer of success is no file, in words that follow "the body"; undefined when it is one. Other answers are for the rules.
 * @param types that it may have; undefined: all but those of messages, unless the answer says that it is a file.
 */
export function whyNoFile(status: number, headers: Headers, types: readonly string[] | undefined): string | undefined {
  if (status !== 200 && status !== 203) return `is no file, or a part of one (HTTP ${status})`;
  const type = typeOf(headers);
  if (types)
    return types.some((one) => fits(one, type ?? ''))
      ? undefined
      : `is ${type ?? 'of no type'}, and was to be ${types.join(' or ')}`;
  const isMessage =
    type !== null &&
    (/^(text|application)\/(html|json)$/.test(type) || type.endsWith('+json') || type === 'application/xhtml+xml');
  if (!isMessage || /^\s*(attachment|inline\s*;.*filename)/i.test(headers['content-disposition'] ?? ''))
    return undefined;
  return `is ${type}, which is a message and no file (if it is the file, its \`format\` needs types: ["${type}"])`;
}

function fits(pattern: string, type: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted === '*/*' || wanted === type || (wanted.endsWith('/*') && type.startsWith(wanted.slice(0, -1)));
}

/** A plain name, without folders: as the answer tells it (RFC 6266), else the last part of its address. */
export function nameOf(headers: Headers, url: string): string {
  const told = toldName((headers['content-disposition'] ?? '').slice(0, 4_000));
  const [last = ''] = new URL(url).pathname.split('/').slice(-1);
  return plainName(told) ?? plainName(decoded(last)) ?? 'file';
}

function toldName(disposition: string): string | undefined {
  // RFC 8187: a charset, a language, and percent-encoded bytes; it counts before the plain one.
  const extended = /;\s*filename\*\s*=\s*"?utf-8'[^']*'([^;"\s]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) return decoded(extended);
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1];
  const name = quoted?.replaceAll(/\\(.)/g, '$1') ?? /;\s*filename\s*=\s*([^;"\s]+)/i.exec(disposition)?.[1];
  // Bytes beyond ASCII come as Latin-1, and are nearly always UTF-8.
  const bytes = name === undefined ? undefined : Buffer.from(name, 'latin1');
  const text = bytes?.toString('utf8');
  return text?.includes('\ufffd') ? name : text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function plainName(name: string | undefined): string | undefined {
  const [last = ''] = cleanText(name ?? '', 1_000)
    .split(/[/\\]/)
    .slice(-1);
  const plain = last
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, MOST_NAME);
  return plain === '' || plain === '.' || plain === '..' ? undefined : plain;
}

/** In bytes; undefined where it is not told, or is that of the packed file. */
export function lengthOf(headers: Headers): number | undefined {
  const length = headers['content-encoding'] === undefined ? headers['content-length'] : undefined;
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** The connection says where the body ends: a cut is noticed. */
export function saysItsEnd(headers: Headers): boolean {
  return headers['content-length'] !== undefined || /\bchunked\b/i.test(headers['transfer-encoding'] ?? '');
}

/** Of a file that was put there in parts it is one of the parts' digests. */
function wholeDigest(told: string | undefined): string | undefined {
  return told !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(told) ? told : undefined;
}

/** What the answer promises of the file itself: RFC 9530, RFC 1864, and the headers of well-known stores. */
export function promised(headers: Headers): ExpectedFile[] {
  const isPacked = headers['content-encoding'] !== undefined;
  const digests = [headers['repr-digest'], headers['digest'], isPacked ? undefined : headers['content-digest']].join(
    ',',
  );
  const sha256 =
    /\bsha-256=:?([A-Za-z0-9+/]{43}=)/i.exec(digests)?.[1] ?? wholeDigest(headers['x-amz-checksum-sha256']);
  const md5 = headers['content-md5'] ?? /\bmd5=([A-Za-z0-9+/]{22}==)/.exec(headers['x-goog-hash'] ?? '')?.[1];
  return isPacked ? [{ sha256 }] : [{ sha256, md5, bytes: lengthOf(headers) }];
}
