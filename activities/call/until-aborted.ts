/**
 * Waits for code that may not listen to its signal. What it does after that is not waited for, and counts for nothing.
 * Used by: `activities/action/action-call.ts`, `activities/files/receive-file.ts`.
 */

/** Rejects with the reason of the signal as soon as it is aborted. */
export function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
