/**
 * Reads the body of an answer: bounded in bytes, unpacked, and decoded to text. Large bodies take their memory from the budget of
 * the process. Used by: `activities/http/send.ts`. Next: `decompress.ts`, then `decode-text.ts`.
 */
import type { Readable } from 'node:stream';
import type { Answer } from '../../contracts/answers/answer.ts';
import { SMALL_BODY_BYTES, type BodyHold } from './body-budget.ts';
import { BodyTooLarge, BodyUnreadable } from './body-errors.ts';
import type { CallClock } from '../http/call-clock.ts';
import { decodeText } from './decode-text.ts';
import { decompress } from './decompress.ts';
import { isGzip, isZip, showsItsEnd } from './packings.ts';

export interface ReadLimits {
  readonly maxBodyBytes: number;
  readonly hold: BodyHold;
  readonly signal: AbortSignal;
  /** The clock of the call stands still while the body waits for memory. */
  readonly clock: Pick<CallClock, 'stop' | 'goOn'>;
}

/** What has come of a body, also when the rest never comes. */
export interface PartialBody {
  readonly chunks: Buffer[];
}

/**
 * @param so far what is read is left in `so`, for those who want it when this throws.
 * @throws BodyTooLarge, BodyUnreadable, and what the stream throws.
 */
export async function readBody(
  stream: Readable,
  headers: Readonly<Record<string, string>>,
  limits: ReadLimits,
  so: PartialBody,
): Promise<Pick<Answer, 'text' | 'damage' | 'mayBeCut'>> {
  const { maxBodyBytes, hold, signal, clock } = limits;
  let isCounted = false;
  if (!(await readSmall(stream, so.chunks, Math.min(SMALL_BODY_BYTES, maxBodyBytes)))) {
    let bytes = so.chunks.reduce((sum, { length }) => sum + length, 0);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) throw new BodyTooLarge(`more than ${maxBodyBytes} bytes`);
      if (bytes > SMALL_BODY_BYTES && !isCounted) {
        isCounted = true;
        clock.stop();
        await hold.take(Math.max(bytes, mostOf(headers, maxBodyBytes)), signal);
        clock.goOn();
      }
      so.chunks.push(chunk);
    }
  }
  const packed = Buffer.concat(so.chunks);
  const isSure = showsItsEnd(headers, isGzip(packed) || isZip(packed));
  const unpacked = await decompress(packed, headers['content-encoding'], maxBodyBytes);
  if (!unpacked.ok) throw unpacked.isTooLarge ? new BodyTooLarge(unpacked.reason) : new BodyUnreadable(unpacked.reason);
  if (isCounted) hold.keep(unpacked.bytes.length);
  so.chunks.length = 0;
  return { ...decodeText(unpacked.bytes, headers['content-type']), ...(isSure ? {} : { mayBeCut: true }) };
}

/**
 * Reads as long as no more than `most` bytes have come. The iterator of a stream makes ten promises for the one chunk
 * that most bodies are.
 * @returns whether that was all. If not, the iterator has the rest, or says what went wrong.
 */
function readSmall(stream: Readable, chunks: Buffer[], most: number): Promise<boolean> {
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (isAll: boolean): void => {
      stream.off('data', onData).off('end', onEnd).off('close', onEarlyEnd);
      resolve(isAll);
    };
    const onEnd = (): void => done(true);
    const onEarlyEnd = (): void => done(false);
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= most) {
        chunks.push(chunk);
        return;
      }
      stream.pause();
      stream.unshift(chunk);
      done(false);
    };
    // The last stays: an error may come before the iterator listens.
    stream.on('data', onData).once('end', onEnd).once('close', onEarlyEnd).on('error', onEarlyEnd);
  });
}

/** The most bytes that the body may still have: what it says, unless it is packed. */
function mostOf(headers: Readonly<Record<string, string>>, maxBodyBytes: number): number {
  const stated = headers['content-encoding'] === undefined ? Number(headers['content-length']) : Number.NaN;
  return Number.isSafeInteger(stated) && stated >= 0 ? Math.min(stated, maxBodyBytes) : maxBodyBytes;
}
