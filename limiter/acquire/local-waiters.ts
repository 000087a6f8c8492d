/**
 * Calls that wait in place, by the bucket they wait for: each until its estimate, or until something is given back in
 * this process.
 */
export interface Sleepers {
  /** Resolves true when the time passed or somebody woke it, false when the signal ended it. */
  readonly sleep: (bucketId: number, ms: number, signal: AbortSignal | undefined) => Promise<boolean>;
  /** Wakes the calls that have waited longest for this bucket. */
  readonly wake: (bucketId: number, count: number) => void;
  /** How many calls wait in place. */
  readonly count: () => number;
}

export function createSleepers(): Sleepers {
  const byBucket = new Map<number, Set<() => void>>();
  let total = 0;

  return {
    sleep: (bucketId, ms, signal) =>
      new Promise((resolve) => {
        let sleepers = byBucket.get(bucketId);
        if (sleepers === undefined) byBucket.set(bucketId, (sleepers = new Set()));
        const end = (passed: boolean): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          total -= 1;
          sleepers.delete(wake);
          if (sleepers.size === 0 && byBucket.get(bucketId) === sleepers) byBucket.delete(bucketId);
          resolve(passed);
        };
        const wake = (): void => end(true);
        const onAbort = (): void => end(false);
        // Timers may fire up to a millisecond early.
        const timer = setTimeout(wake, Math.ceil(ms) + 1);
        total += 1;
        sleepers.add(wake);
        signal?.addEventListener('abort', onAbort);
      }),
    wake(bucketId, count) {
      for (const wake of [...(byBucket.get(bucketId) ?? [])].slice(0, count)) wake();
    },
    count: () => total,
  };
}
