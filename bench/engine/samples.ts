/**
 * What a long run looks like from outside, every half second: calls so far, memory of the worker, and how long it takes to
 * ask for the run's progress.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { residentMiB } from './cpu.ts';

export interface Sample {
  readonly atMs: number;
  readonly calls: number;
  readonly workerMiB: number;
  readonly progressMs: number;
}

export interface Watched {
  readonly calls: () => Promise<number>;
  readonly workerPid: number;
  readonly progress: () => Promise<unknown>;
}

const EVERY_MS = 500;

/** Watches until the wanted number of calls is reached, or the time is over. */
export async function watch(watched: Watched, wanted: number, capSeconds: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < capSeconds * 1_000) {
    const calls = await watched.calls();
    const askedAt = performance.now();
    await watched.progress();
    const now = performance.now();
    samples.push({
      atMs: askedAt - startedAt,
      calls,
      workerMiB: residentMiB(watched.workerPid),
      progressMs: now - askedAt,
    });
    if (calls >= wanted) break;
    await delay(Math.max(0, EVERY_MS - (performance.now() - now)));
  }
  return samples;
}

/** Calls a second of the last tenth of the calls, against the first tenth. */
export function endAgainstStart(samples: readonly Sample[], wanted: number): number {
  const reached = (share: number) => samples.find(({ calls }) => calls >= share * wanted) ?? samples.at(-1)!;
  const speed = (from: Sample, to: Sample) => (to.calls - from.calls) / (to.atMs - from.atMs);
  const begun = samples.find(({ calls }) => calls > 0) ?? samples[0]!;
  return speed(reached(0.9), reached(1)) / speed(begun, reached(0.1));
}

/** How far memory gets from its middle after the first fifth of the calls, in percent. */
export function memoryDrift(samples: readonly Sample[], wanted: number): number {
  const warm = samples.filter(({ calls }) => calls >= wanted / 5).map(({ workerMiB }) => workerMiB);
  const low = Math.min(...warm);
  const high = Math.max(...warm);
  return ((high - low) / (high + low)) * 100;
}
