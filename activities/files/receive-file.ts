/**
 * The body of an answer, given to a sink of the user's as it comes. It is counted, digested, and held against what was
 * promised before the sink hears of its end. So what a sink has kept is whole. Used by: `activities/http/send.ts`.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Answer } from '../../contracts/answers/answer.ts';
import { cleanText } from '../../contracts/values/clean-text.ts';
import type { ExpectedFile, FileFormat, StoredFile } from '../../providers/files/file-format.ts';
import { BodyTooLarge } from '../bodies/body-errors.ts';
import { unpackEncoding } from '../bodies/unpack-stream.ts';
import { thrown } from '../call/thrown.ts';
import { untilAborted } from '../call/until-aborted.ts';
import type { CallClock } from '../http/call-clock.ts';
import { lengthOf, nameOf, promised, saysItsEnd, typeOf } from './file-facts.ts';

export interface FileToReceive {
  readonly format: Pick<FileFormat, 'into' | 'types'> & { readonly mostBytes: number };
  readonly account: string;
  /** What its parent's row tells of it. */
  readonly expected: ExpectedFile;
}

/** The sink has failed: that is not the third party's fault. */
export class SinkFailed extends Error {}

/** So much may take the ceiling of a call, in bytes; all of it no longer than this, in milliseconds. */
const STRETCH_BYTES = 1024 * 1024;
const LONGEST_MS = 3_000_000;

/**
 * @param clock begins anew with each megabyte.
 * @returns the row as JSON. @throws SinkFailed, BodyTooLarge, BodyUnreadable, and what the stream throws.
 */
export async function receiveFile(
  stream: Readable,
  { headers, url }: { readonly headers: Answer['headers']; readonly url: string },
  { format, account, expected }: FileToReceive,
  clock: Pick<CallClock, 'signal' | 'restart'>,
): Promise<Pick<Answer, 'text' | 'damage'>> {
  const endsAt = performance.now() + LONGEST_MS;
  const sha256 = createHash('sha256');
  const promises = [expected, ...promised(headers)];
  const md5 = promises.some((one) => one.md5) ? createHash('md5') : undefined;
  const came = { bytes: 0, isWhole: false, broken: undefined as Error | undefined };
  const read = async function* (): AsyncGenerator<Buffer> {
    try {
      let stretch = 0;
      for await (const chunk of unpackEncoding(stream, headers['content-encoding'])) {
        came.bytes += chunk.length;
        stretch += chunk.length;
        if (came.bytes > format.mostBytes) throw new BodyTooLarge(`more than ${format.mostBytes} bytes`);
        if (performance.now() > endsAt)
          throw new Error(`only ${came.bytes} bytes came within ${LONGEST_MS / 60_000} min`);
        if (stretch >= STRETCH_BYTES) {
          stretch = 0;
          clock.restart();
        }
        sha256.update(chunk);
        md5?.update(chunk);
        yield chunk;
      }
      const digests = { sha256: sha256.digest(), md5: md5?.digest() };
      const broken = promises.map((one) => mistakeIn(one, came.bytes, digests)).find((one) => one !== undefined);
      if (broken !== undefined) throw new Error(broken);
      row.sha256 = digests.sha256.toString('hex');
      came.isWhole = true;
    } catch (error) {
      came.broken = error as Error;
      throw error;
    }
  };
  const row = { name: nameOf(headers, url), type: typeOf(headers), sha256: '' };
  const about = { account, name: row.name, type: row.type, bytes: lengthOf(headers) };
  const content = Readable.from(read(), { objectMode: false });
  // A sink that does not listen any more.
  content.on('error', () => {});
  try {
    const ref = await untilAborted(kept(format.into, content, about), clock.signal);
    if (came.broken) throw came.broken;
    if (!came.isWhole) throw new SinkFailed('it came to its end before the file did');
    const stored: StoredFile = {
      ...row,
      bytes: came.bytes,
      ref: typeof ref === 'string' ? cleanText(ref, 2_000) : null,
    };
    const isSure = saysItsEnd(headers) || promises.some((one) => one.sha256 ?? one.md5 ?? one.bytes);
    const damage = 'nothing says where the file ends, neither its length nor chunks, so that it may be cut';
    return { text: JSON.stringify(stored), ...(isSure ? {} : { damage }) };
  } catch (error) {
    throw came.broken ?? error;
  } finally {
    content.destroy();
    stream.on('error', () => {}).destroy();
  }
}

async function kept(...[into, content, about]: [FileFormat['into'], ...Parameters<FileFormat['into']>]) {
  try {
    return await into(content, about);
  } catch (error) {
    const { name, message } = thrown(error);
    throw new SinkFailed(`it threw ${name}: ${cleanText(message, 300)}`, { cause: error });
  }
}

function mistakeIn(
  { bytes, sha256, md5 }: ExpectedFile,
  came: number,
  digests: { readonly sha256: Buffer; readonly md5: Buffer | undefined },
): string | undefined {
  if (typeof bytes === 'number' && bytes !== came) return `${came} bytes came, and ${bytes} were promised`;
  for (const [name, wanted] of [
    ['sha256', sha256],
    ['md5', md5],
  ] as const)
    if (wanted && !isSame(wanted, digests[name])) return `its ${name} is not the one that was promised`;
  return undefined;
}

/** In hex or base64. */
function isSame(wanted: string, found: Buffer | undefined): boolean {
  const text = wanted.trim();
  return text.toLowerCase() === found?.toString('hex') || text === found?.toString('base64');
}
