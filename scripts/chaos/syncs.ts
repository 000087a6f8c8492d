/**
 * The work of a chaos run: accounts that are synced one after another, a few at a time, by an app that keeps asking while
 * the servers come and go. Next stop: `verdict.ts` looks at what they left.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import type { RunResult, Sluice } from '../../client/index.ts';
import { network } from './network.ts';

export interface SyncedAccount {
  readonly account: string;
  /** Undefined when it had not ended in time. */
  readonly result?: RunResult;
  readonly error?: string;
}

export interface Syncs {
  /** No more accounts are begun. */
  finishUp(): void;
  /** Settles when all that were begun have ended, or `limitMs` after `finishUp`. */
  readonly ended: Promise<readonly SyncedAccount[]>;
}

const AT_ONCE = 3;
const ASK_AGAIN_MS = 300;
/** An answer that takes longer is asked for again: the connection may have died unnoticed. */
const ONE_WAIT_MS = 15_000;

export function startSyncs(sluice: Sluice, limitMs: number): Syncs {
  let deadline = Number.POSITIVE_INFINITY;
  let begun = 0;
  const patiently = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
    while (performance.now() < deadline) {
      try {
        const waiting = new AbortController();
        const late = delay(ONE_WAIT_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
        const answer = await Promise.race([ask().then((value) => ({ value })), late]).finally(() => waiting.abort());
        if (answer) return answer.value;
      } catch (error) {
        if (error instanceof WorkflowFailedError) throw error;
        await delay(ASK_AGAIN_MS); // a server is away
      }
    }
    return undefined;
  };
  const syncOne = async (account: string): Promise<SyncedAccount> => {
    try {
      const run = await patiently(() => sluice.start(network, { account, input: { id: account } }));
      const result = run && (await patiently(() => run.result()));
      return { account, ...(result ? { result } : {}) };
    } catch (error) {
      const { message, cause } = error as Error;
      return { account, error: cause instanceof Error ? `${message}: ${cause.message}` : message };
    }
  };
  const lane = async (): Promise<SyncedAccount[]> => {
    const done: SyncedAccount[] = [];
    do done.push(await syncOne(`a${++begun}`));
    while (deadline === Number.POSITIVE_INFINITY);
    return done;
  };
  return {
    finishUp: () => void (deadline = performance.now() + limitMs),
    ended: Promise.all(Array.from({ length: AT_ONCE }, lane)).then((lanes) => lanes.flat()),
  };
}
