/**
 * What follows a piece of a body. The connection stays open while pieces are stored, and each piece has the ceiling of
 * a whole call for itself. Used by: `activities/http/send.ts`. Next: `activities/sync/read-on.ts`.
 */
import type { Readable } from 'node:stream';
import type { Answer } from '../../contracts/answers/answer.ts';
import { createCallClock } from '../http/call-clock.ts';
import type { PieceReader, ReadSoFar } from './read-pieces.ts';
import { errorOf } from '../http/send-errors.ts';

/** An answer of which more may follow. */
export interface SentAnswer extends Answer {
  readonly rest?: RestOfBody;
}

export interface RestOfBody {
  /** What is read. */
  readonly soFar: ReadSoFar;
  /** The next piece, as an answer like the first one; with `rest` where more follows. Never throws for what a third party does. */
  next(): Promise<SentAnswer>;
  /** Ends the connection. */
  close(): void;
}

interface OpenBody extends Pick<Answer, 'status' | 'headers'> {
  readonly body: Readable;
  readonly reader: PieceReader;
  readonly totalMs: number;
  readonly cancelled: AbortSignal | undefined;
}

/** @param soFar what is read with the first piece. */
export function restOfBody(open: OpenBody, soFar: ReadSoFar): RestOfBody {
  // What breaks while a piece is being stored is heard by the next one.
  open.body.on('error', () => {});
  return restFrom(open, soFar);
}

function restFrom(open: OpenBody, soFar: ReadSoFar): RestOfBody {
  const { status, headers, body, reader, totalMs, cancelled } = open;
  return {
    soFar,
    close: () => void body.destroy(),
    next: async () => {
      const startedAt = performance.now();
      const elapsedMs = (): number => Math.round(performance.now() - startedAt);
      const clock = createCallClock(totalMs, cancelled);
      const interrupt = (): void => void body.destroy(clock.signal.reason as Error);
      if (clock.signal.aborted) interrupt();
      clock.signal.addEventListener('abort', interrupt, { once: true });
      try {
        const { soFar: read, ...piece } = await reader.next();
        const answer = { status, headers, ...piece, elapsedMs: elapsedMs() };
        return read ? { ...answer, rest: restFrom(open, read) } : answer;
      } catch (error) {
        body.destroy();
        const isCancelled = cancelled?.aborted === true;
        const isTimeOver = clock.isTimeOver();
        const thrown = errorOf(error, {
          isCancelled,
          isTimeOver,
          totalMs,
          hadHeaders: true,
          isWritten: true,
          hasCertificate: false,
        });
        return { status, headers, text: '', error: thrown, elapsedMs: elapsedMs() };
      } finally {
        clock.signal.removeEventListener('abort', interrupt);
        clock.done();
      }
    },
  };
}

/** What follows is read as its beginning was. */
export function withRest(
  answer: SentAnswer,
  rest: RestOfBody | undefined,
  read: (sent: SentAnswer) => Promise<SentAnswer>,
): SentAnswer {
  return rest ? { ...answer, rest: { ...rest, next: async () => read(await rest.next()) } } : answer;
}
