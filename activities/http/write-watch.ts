/**
 * Sees the moment at which a request is written to its connection: DNS, TCP and TLS come before it and may take seconds. Until
 * then nothing has been sent, and it can still be held back. Used by `agents.ts` and `send.ts`.
 */
import type { Dispatcher } from 'undici';

/** It was held back; the connection stays open for the next one. */
export class NotWritten extends Error {
  constructor() {
    super('the permit had ended when the connection was there');
  }
}

export class WriteWatch {
  isWritten = false;
  readonly #mayWrite: () => boolean;

  /** @param mayWrite asked once, at that moment. */
  constructor(mayWrite: () => boolean) {
    this.#mayWrite = mayWrite;
  }

  /** @throws NotWritten */
  begin(): void {
    if (!this.#mayWrite()) throw new NotWritten();
    this.isWritten = true;
  }
}

/**
 * What undici calls right before it writes a request; what that throws, it takes as the request's end, and keeps the socket.
 * @returns the same handler.
 */
export function watched(
  options: Dispatcher.DispatchOptions,
  handler: Dispatcher.DispatchHandler,
): Dispatcher.DispatchHandler {
  const watch = (options as { readonly opaque?: unknown }).opaque;
  if (!(watch instanceof WriteWatch)) return handler;
  // `request()` of undici 7 brings a handler of the older kind.
  const start = handler.onRequestStart?.bind(handler);
  const connect = handler.onConnect?.bind(handler);
  if (start)
    handler.onRequestStart = (...given) => {
      watch.begin();
      start(...given);
    };
  else
    handler.onConnect = (...given) => {
      watch.begin();
      connect?.(...given);
    };
  return handler;
}
