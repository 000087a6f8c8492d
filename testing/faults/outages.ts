/**
 * The whole third party gone for a while: answering 503, resetting, silent, or not even listening; and paused, as a
 * frozen process is. Next: `testing/fake-api/server.ts` asks here before it does anything with a call.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { HostileKind } from './hostile.ts';

/** `refuse`: connections are refused, as when the process is down. The others are hostile kinds. */
export type OutageKind =
  'refuse' | Extract<HostileKind, '500' | '502' | '503' | '504' | 'reset' | 'silent' | 'html-503'>;

export interface OutageOptions {
  /** Default `503`. */
  readonly kind?: OutageKind;
  /** Begins after this long, in milliseconds. Default now. */
  readonly afterMs?: number;
  /** Ends by itself after this long, in milliseconds. Default: when `end()` is called. */
  readonly durationMs?: number;
}

export interface OutageHandle {
  /** Settles when it has begun: for `refuse`, when connections are refused. */
  readonly begun: Promise<void>;
  /** Settles when it is over. */
  readonly over: Promise<void>;
  /** Ends it now; settles when calls are answered again. */
  end(): Promise<void>;
}

/** What the outage needs of the server. */
export interface Listener {
  /** Stops listening and cuts all connections. */
  close(): Promise<void>;
  /** Listens again on the same port. */
  reopen(): Promise<void>;
}

/** Outages and pauses of one server. */
export function createOutages(listener: Listener, signal: AbortSignal) {
  let current: OutageKind | undefined;
  let paused: { readonly until: Promise<void>; readonly resume: () => void } | undefined;

  return {
    /** What every call gets now, if there is an outage. */
    current: (): Exclude<OutageKind, 'refuse'> | undefined => (current === 'refuse' ? 'reset' : current),
    /** Settles when calls may be handled; undefined when they may now. */
    gate: (): Promise<void> | undefined => paused?.until,

    begin({ kind = '503', afterMs = 0, durationMs }: OutageOptions = {}): OutageHandle {
      const ending = new AbortController();
      const endSignal = AbortSignal.any([signal, ending.signal]);
      const begin = async () => {
        if (afterMs > 0) await pause(afterMs, endSignal);
        if (endSignal.aborted) return;
        current = kind;
        if (kind === 'refuse') await listener.close();
      };
      const end = async () => {
        if (current !== kind) return;
        current = undefined;
        if (kind === 'refuse' && !signal.aborted) await listener.reopen();
      };
      const begun = begin();
      const over = begun.then(() => pause(durationMs, endSignal)).then(end);
      return {
        begun,
        over,
        end: () => {
          ending.abort();
          return over;
        },
      };
    },

    pause(): void {
      if (paused) return;
      let resume = () => undefined as void;
      const until = new Promise<void>((resolve) => {
        resume = resolve;
      });
      paused = { until, resume };
    },
    resume(): void {
      paused?.resume();
      paused = undefined;
    },
  };
}

export type Outages = ReturnType<typeof createOutages>;

/** Waits for so long, or until the signal; without a length only for the signal. */
async function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms !== undefined) {
    await delay(ms, undefined, { signal, ref: false }).catch(() => undefined); // aborted: the wait is over all the same
  } else if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}
