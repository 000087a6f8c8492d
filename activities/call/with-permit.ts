/**
 * Sends something only with a fresh permit, and tells the limiter how it went. Next: `limiter/acquire/acquire.ts`, then
 * `limiter/report/report.ts`.
 */
import {
  isFresh,
  LimiterUnavailable,
  type AcquireRequest,
  type Observation,
  type Permit,
} from '../../limiter/index.ts';
import type { ActivityDeps } from '../deps.ts';

export type Sent<T> =
  | {
      readonly sent: false;
      readonly because: string;
      readonly retryAfterMs: number;
      /** Nothing can be sent until the account's user has connected it again. */
      readonly needsReconnect?: boolean;
      /** What is wrong with the definition or the credentials, so that no such call can be made: no retry mends it. */
      readonly mistake?: string;
    }
  | {
      readonly sent: true;
      readonly value: T;
      readonly waitedMs: number;
      /** The provider was taken for failing, and this call was to find out whether it is back. */
      readonly isProbe?: boolean;
    };

/** What must be written down before a call goes out, e.g. that a write is about to be sent. */
export interface SendGate {
  /** @returns false when the call must not be made. */
  open(): Promise<boolean>;
  /** It was opened, and nothing was sent. */
  close(): Promise<void>;
}

/**
 * How long an activity waits in place for a permit, in milliseconds. Temporal's timers take at least a second where
 * they are as delivered (`history.timerProcessorMaxTimeShift`). So a caller that has waited for its turn a little too
 * long would miss it by one.
 */
export const WAIT_IN_PLACE_MS = 1_500;
/** A gate takes a commit's time, and a new connection DNS, TCP and TLS, in which a permit can end: then one more is taken. */
const FRESH_PERMITS = 3;

/**
 * @param send makes the call, unless the permit has ended (`isFresh`) by the time at which it is written to its
 *   connection. Then it gives undefined back, having sent nothing. What it throws leaves the permit counted as used.
 * @throws LimiterUnavailable when no permit could be asked for; nothing was sent.
 */
export async function withPermit<T>(
  deps: Pick<ActivityDeps, 'limiter' | 'log'>,
  ask: AcquireRequest,
  gate: SendGate | undefined,
  send: (isFresh: () => boolean) => Promise<{ readonly value: T; readonly observation: Observation } | undefined>,
): Promise<Sent<T>> {
  let isOpen = gate === undefined;
  let waitedMs = 0;
  const giveUp = async (because: string, retryAfterMs: number): Promise<Sent<T>> => {
    if (isOpen) await gate?.close();
    return { sent: false, because, retryAfterMs };
  };
  for (let permits = 0; permits < FRESH_PERMITS; permits++) {
    const acquired = await deps.limiter.acquire(ask).catch(async (error: unknown) => {
      if (isOpen) await gate?.close();
      throw error;
    });
    if (!acquired.granted) return giveUp(acquired.wait.detail, acquired.retryAfterMs);
    waitedMs += acquired.waitedMs;
    if (!isOpen && !(await openGate(deps, gate, acquired.permit)))
      return { sent: false, because: 'somebody else has it in hand, or it is not wanted any more', retryAfterMs: 500 };
    isOpen = true;
    const { permit } = acquired;
    const made = gate && !isFresh(permit) ? undefined : await send(() => isFresh(permit));
    await report(deps, permit, made?.observation ?? { result: 'not-sent' });
    if (made) return { sent: true, value: made.value, waitedMs, ...(permit.isProbe ? { isProbe: true } : {}) };
  }
  return giveUp('database and connection were too slow to use a permit in time', 1_000);
}

async function openGate(
  deps: Pick<ActivityDeps, 'limiter' | 'log'>,
  gate: SendGate | undefined,
  permit: Permit,
): Promise<boolean> {
  try {
    if (await gate?.open()) return true;
  } catch (error) {
    await report(deps, permit, { result: 'not-sent' });
    throw error;
  }
  await report(deps, permit, { result: 'not-sent' });
  return false;
}

async function report(
  deps: Pick<ActivityDeps, 'limiter' | 'log'>,
  permit: Permit,
  observation: Observation,
): Promise<void> {
  try {
    await deps.limiter.report(permit, observation);
  } catch (error) {
    // The answer that is in hand must not be lost because of it, whatever it is.
    if (error instanceof LimiterUnavailable)
      deps.log.warn({ error: error.message }, 'the limiter could not store how a call went; it tries again');
    else deps.log.error({ error: String(error) }, 'the limiter could not take how a call went');
  }
}

/** What a call asks the limiter for. */
export function askOf(call: Required<Omit<AcquireRequest, 'signal'>> & Pick<AcquireRequest, 'signal'>): AcquireRequest {
  const { callKey, charges, endpoint, account, weight, priority, maxWaitMs, signal } = call;
  return { callKey, charges, endpoint, account, weight, priority, maxWaitMs, ...(signal ? { signal } : {}) };
}
