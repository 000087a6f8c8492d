/**
 * The clock of one call: interrupts it when its time is over or it is cancelled. It stands still while the call waits for something
 * of ours. (A third of the cost of `AbortSignal.any`, at every call.) Used by: `send.ts`.
 */

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface CallClock {
  readonly signal: AbortSignal;
  isTimeOver(): boolean;
  stop(): void;
  goOn(): void;
  /** All of the time, from now on. */
  restart(): void;
  done(): void;
}

/** Starts it. */
export function createCallClock(totalMs: number, cancelled: AbortSignal | undefined): CallClock {
  const controller = new AbortController();
  let isTimeOver = false;
  let leftMs = Math.min(totalMs, LONGEST_TIMER_MS);
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const cancel = (): void => controller.abort(cancelled?.reason);
  const goOn = (): void => {
    startedAt = performance.now();
    timer = setTimeout(() => {
      isTimeOver = true;
      controller.abort(new DOMException('The call took too long.', 'TimeoutError'));
    }, leftMs);
  };
  goOn();
  if (cancelled?.aborted) cancel();
  else cancelled?.addEventListener('abort', cancel, { once: true });
  return {
    signal: controller.signal,
    isTimeOver: () => isTimeOver,
    stop: () => {
      clearTimeout(timer);
      leftMs -= performance.now() - startedAt;
    },
    goOn,
    restart: () => {
      clearTimeout(timer);
      leftMs = Math.min(totalMs, LONGEST_TIMER_MS);
      goOn();
    },
    done: () => {
      clearTimeout(timer);
      cancelled?.removeEventListener('abort', cancel);
    },
  };
}
