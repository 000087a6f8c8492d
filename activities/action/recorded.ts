/**
 * Writes down what became of a call. The answer is in hand. Losing it would leave a write of unknown fate, or repeat a call: so
 * while the database is away, this goes on trying. Used by everything in this folder that has made a call, and by
 * `activities/sync/write-down.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isInfrastructure } from '../call/infrastructure.ts';

/** What connects an attempt with the process that makes it, and with the attempts before it. */
export interface Life {
  /** Aborted when its end is wanted: it was cancelled, or the worker stops. */
  readonly signal?: AbortSignal;
  /** Number of the last sending that an earlier attempt has told of. */
  readonly lastSending?: number;
  /** Tells later attempts of a sending, also when the database forgets it. */
  readonly tellSending?: (sending: number) => void;
}

/** A failover takes a minute or so. The activity may take longer (`workflows/activity-proxies.ts`), and its heartbeat goes on. */
const PATIENCE_MS = 540_000;
/** Of a worker that is to end. */
const LAST_PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 2_000;

/** @throws what `write` throws when waiting does not mend it, or when the database stays away for nine minutes. */
export function recorded<T>({ signal }: Life, write: () => Promise<T>): Promise<T> {
  return whileAway({ patienceMs: PATIENCE_MS, isEnding: () => signal?.aborted === true }, write);
}

export interface Patience {
  readonly patienceMs: number;
  /** The worker, or the attempt, is to end. */
  readonly isEnding: () => boolean;
}

/** @throws what `write` throws when waiting does not mend it, or has not within the patience. */
export async function whileAway<T>({ patienceMs, isEnding }: Patience, write: () => Promise<T>): Promise<T> {
  let lastAt = performance.now() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      const now = performance.now();
      if (isEnding()) lastAt = Math.min(lastAt, now + LAST_PATIENCE_MS);
      if (!isInfrastructure(error) || now > lastAt) throw error;
    }
    await delay(Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(tries, 10)));
  }
}
