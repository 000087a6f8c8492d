/**
 * What callers of the limiter see: the request, the answer, the permit, and what they report back. Plain data.
 * Next: `create-limiter.ts` puts the parts together, `acquire/acquire.ts` takes a permit.
 */
import type { Charge, Priority, QuotaHint } from '../contracts/limits/limit.ts';

export interface AcquireRequest {
  /** Identity of the waiting call. The same key keeps its place in the queue over retries, restarts and workers. */
  readonly callKey: string;
  /**
   * What the call takes: all of it at once, or nothing. From the widest limit to the most specific one. The first part of
   * the first key names the provider, whose gate (breaker, pauses) the call passes; without charges there is none.
   */
  readonly charges: readonly Charge[];
  /**
   * The part of the provider that is called. It has a gate of its own, so that one that fails holds up no other; without it
   * outages are judged by the provider as a whole.
   */
  readonly endpoint?: string;
  /** On a limit shared by several accounts, calls of one account are served in order and accounts take turns. */
  readonly account: string;
  /** Share of this account against others that wait for the same limit, 0.001 … 1,000. Default 1. */
  readonly weight?: number;
  /** Default `bulk`. */
  readonly priority?: Priority;
  /** Wait in place at most this long, in milliseconds. Default 1,000; 0 = never wait. */
  readonly maxWaitMs?: number;
  /** Ends the wait; the place in the queue stays. Use `abandon` when the call will never be made. */
  readonly signal?: AbortSignal;
}

export type AcquireResult =
  | { readonly granted: true; readonly permit: Permit; readonly waitedMs: number }
  | {
      readonly granted: false;
      /** When to ask again, in milliseconds, ≥ 100: an estimate, not a promise. The place in the queue is kept. */
      readonly retryAfterMs: number;
      readonly wait: WaitReason;
    };

/**
 * Why a call waits: `full` the quota is used up · `blocked` an answer blocked the key · `paused` by an operator · `queue`
 * there is room, and earlier calls have a claim on it · `probing` one call at a time finds out whether it accepts calls again ·
 * `failing` the provider, or the endpoint, fails, and one call at a time finds out whether it is back.
 */
export type WaitCause = 'full' | 'blocked' | 'paused' | 'queue' | 'probing' | 'failing';

export interface WaitReason {
  readonly key: string;
  readonly limit: string;
  readonly cause: WaitCause;
  /** For people. */
  readonly detail: string;
  /** For a blocked key: milliseconds until it is free. */
  readonly untilMs?: number;
  /** Calls that wait before this one. */
  readonly ahead?: number;
}

/** What a call passes: the gate of its provider, then that of its endpoint. Opaque. */
export interface CallGate {
  readonly id: number;
  readonly key: string;
}

/** The right to make one call now. Plain data, but `expiresAt` holds only in the process that got it. */
export interface Permit {
  readonly callKey: string;
  readonly charges: readonly Charge[];
  readonly endpoint?: string;
  readonly gates: readonly CallGate[];
  /** For each charge: where in its window it was counted. Opaque; needed to give it back. */
  readonly slots: readonly number[];
  /** For each charge: refusals are counted once per epoch, however many calls were in flight. Opaque. */
  readonly epochs: readonly number[];
  /** `performance.now()` when it was taken. */
  readonly grantedAt: number;
  /**
   * `performance.now()` after which the call must not be sent any more: report it as `not-sent` and acquire again.
   * Half of the smallest guard, so that calls that travel at different speeds stay inside the window.
   */
  readonly expiresAt: number;
  /** The provider, or its endpoint, is failing, and this call finds out whether it is back. Say in any case what became of it. */
  readonly isProbe?: boolean;
  /** Ids of the gates that it finds out about. Opaque. */
  readonly probeOf?: readonly number[];
}

export interface Observation {
  /**
   * `ok` answered · `refused` the third party said that a limit was hit · `failed` it was sent and went wrong otherwise
   * (5xx, connection lost) · `not-sent` it was never sent, and what it took is given back.
   */
  readonly result: 'ok' | 'refused' | 'failed' | 'not-sent';
  /**
   * Name of the limit that refused. Without it: the one of which the quotas say that nothing is left, else the one that is nearest to full, or
   * the learned one that is declared last.
   */
  readonly limit?: string;
  /** How long the third party asked to wait, in milliseconds; blocks the key for everybody. */
  readonly blockForMs?: number;
  readonly quotas?: readonly QuotaHint[];
  /** What the call really cost, by limit name: less is given back, more is charged now. */
  readonly actualCost?: Readonly<Record<string, number>>;
  readonly latencyMs?: number;
  /** The caller ended the call itself: how it ended says nothing about the third party. */
  readonly isEndedByUs?: boolean;
  /** With `failed`: there was no connection at all, which is the same for all endpoints of the provider. */
  readonly isUnreachable?: boolean;
  /**
   * With `failed`: it may lie in this call alone (a plain 500, a body that can't be read). Until something succeeds, such
   * failures of one `callKey` count once for the provider, so that a page that always fails is not taken for an outage.
   */
  readonly isMaybeItsOwn?: boolean;
  /** Shown to operators when a key is blocked. */
  readonly reason?: string;
}
