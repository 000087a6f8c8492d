/**
 * The work of a chaos run: accounts that are synced one after another, a few at a time, by an app that keeps asking while
 * the servers come and go. Next: `verdict.ts` looks at what they left.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { RunResult, Sluice, SyncHandle } from '../../client/index.ts';
import { network } from './network.ts';
import { LANES_OF_RUNS } from './schedule.ts';

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
  /** Accounts whose lists are rightly read more than once: their runs were started again. */
  readonly readAgain: ReadonlySet<string>;
  /** Pauses the run of a lane, and resumes it. @returns false when there was none. */
  pause(lane: number, forMs: number): Promise<boolean>;
  /** Cancels the run of a lane; it is started again. @returns false when there was none. */
  cancel(lane: number): Promise<boolean>;
  /** The database was put back: what has ended since, by `performance.now()`, is synced again, as an app would have to. */
  putBack(since: number): Promise<void>;
}

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
  const current = new Map<number, string>();
  const readAgain = new Set<string>();
  /** Their runs have ended, or may have, after the moment to which the database was put back. */
  const again: string[] = [];
  const doubtful = new Set<string>();
  const done: (SyncedAccount & { readonly at: number })[] = [];
  const runOf = (account: string): SyncHandle => sluice.run({ sync: network, account });

  const syncOne = async (account: string): Promise<SyncedAccount> => {
    for (;;) {
      doubtful.delete(account);
      try {
        const run = await patiently(() => sluice.start(network, { account, input: { id: account } }));
        const result = run && (await patiently(() => run.result()));
        if (doubtful.has(account) && result) continue;
        return { account, ...(result ? { result } : {}) };
      } catch (error) {
        // Cancelled by us, or not known any more to a database that was put back.
        if (readAgain.has(account) && performance.now() < deadline) continue;
        const { message, cause } = error as Error;
        return { account, error: cause instanceof Error ? `${message}: ${cause.message}` : message };
      }
    }
  };
  const lane = async (_: unknown, number: number): Promise<void> => {
    do {
      const account = again.shift() ?? `a${++begun}`;
      current.set(number, account);
      done.push({ ...(await syncOne(account)), at: performance.now() });
      current.delete(number);
    } while (deadline === Number.POSITIVE_INFINITY || again.length > 0);
  };
  /** Until it has been heard, or its run has ended. */
  const resume = (account: string): Promise<unknown> =>
    patiently(() =>
      runOf(account)
        .resume()
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        }),
    );
  return {
    finishUp: () => void (deadline = performance.now() + limitMs),
    ended: Promise.all(Array.from({ length: LANES_OF_RUNS }, lane)).then(() => done),
    readAgain,
    pause: async (number, forMs) => {
      const account = current.get(number);
      if (account === undefined) return false;
      await runOf(account)
        .pause()
        .catch(() => {
          // A server is away, or the run has ended: whatever became of it, it is resumed.
        });
      await delay(forMs);
      await resume(account);
      return true;
    },
    cancel: async (number) => {
      const account = current.get(number);
      if (account === undefined) return false;
      readAgain.add(account);
      return runOf(account)
        .cancel()
        .then(
          () => true,
          () => false,
        );
    },
    putBack: async (since) => {
      for (const account of current.values()) {
        readAgain.add(account);
        doubtful.add(account);
      }
      for (const { account } of done.filter(({ at }) => at >= since)) {
        readAgain.add(account);
        again.push(account);
        done.splice(
          done.findIndex((each) => each.account === account),
          1,
        );
      }
      // One that was paused at that moment is paused again.
      await Promise.all([...current.values()].map(resume));
    },
  };
}
