/**
 * A client that is closed: who still waits for something gets an error that says so, and so does who asks it for more. Used by:
 * `connect.ts`, and handles that wait for results.
 */
import type { ClientParts } from './start-workflow.ts';

/** The client was closed before it had an answer. What was started goes on. */
export class ClientClosed extends Error {
  override readonly name = 'ClientClosed';

  constructor(options?: ErrorOptions) {
    super(
      'The client was closed before the result was there. What was started goes on; `connect()` makes another client.',
      options,
    );
  }
}

/**
 * Waiting for a result, until the client is closed. The SDK asks a question to Temporal that is still open then again
 * on a closed connection. That ends the app by an error that nobody can catch.
 * @throws ClientClosed at once when the client is closed meanwhile.
 */
export async function untilClosed<Result>(
  { client, closing }: Pick<ClientParts, 'client' | 'closing'>,
  wait: () => Promise<Result>,
): Promise<Result> {
  let stopListening = (): void => {};
  const closed = new Promise<never>((_, reject) => {
    const tell = (): void => reject(new ClientClosed());
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

type AnyFunction = (...given: unknown[]) => unknown;

const telling = new WeakSet();

/** The same object, whose functions throw `ClientClosed` where their servers are gone because the client was closed. */
export function tellingWhenClosed<Of extends object>(of: Of, closing: AbortSignal): Of {
  // `as()` gives a client that is finished.
  if (telling.has(of)) return of;
  const wrapped = Object.entries(of).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'function')
      return [name, (...given: unknown[]) => told((value as AnyFunction)(...given), closing)];
    return [name, isPart(value) ? tellingWhenClosed(value, closing) : value];
  });
  const whole = Object.fromEntries(wrapped) as Of;
  telling.add(whole);
  return whole;
}

/** Handles have functions of their own. */
function told(result: unknown, closing: AbortSignal): unknown {
  if (result instanceof Promise)
    return result.then(
      (value) => (isPart(value) ? tellingWhenClosed(value, closing) : value),
      (error: unknown) => {
        throw toClosed(error, closing);
      },
    );
  if (isIterable(result)) return iterated(result, closing);
  return isPart(result) ? tellingWhenClosed(result, closing) : result;
}

async function* iterated(rows: AsyncIterable<unknown>, closing: AbortSignal): AsyncGenerator {
  try {
    yield* rows;
  } catch (error) {
    throw toClosed(error, closing);
  }
}

/** A mistake in what was asked stays one. */
function toClosed(error: unknown, closing: AbortSignal): unknown {
  const isOther = !closing.aborted || error instanceof TypeError || error instanceof ClientClosed;
  return isOther ? error : new ClientClosed({ cause: error });
}

/** A group of functions of the client, or a handle; rows and other answers have none. */
function isPart(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).some((each) => typeof each === 'function')
  );
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
