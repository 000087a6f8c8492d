/**
 * Waiting for a result, until the client is closed: a question to Temporal that is still open then is asked again by the SDK
 * on a closed connection, which ends the app by an error that nobody can catch.
 */
import type { ClientParts } from './start-workflow.ts';

/** @throws Error at once when the client is closed meanwhile; what was started goes on. */
export async function untilClosed<Result>(
  { client, closing }: Pick<ClientParts, 'client' | 'closing'>,
  wait: () => Promise<Result>,
): Promise<Result> {
  let stopListening = (): void => {};
  const closed = new Promise<never>((_, reject) => {
    const tell = (): void =>
      reject(new Error('The client was closed before the result was there. What was started goes on.'));
    if (closing.aborted) return tell();
    closing.addEventListener('abort', tell, { once: true });
    stopListening = () => closing.removeEventListener('abort', tell);
  });
  try {
    return await Promise.race([closed, client.withAbortSignal(closing, wait)]);
  } finally {
    stopListening();
  }
}
