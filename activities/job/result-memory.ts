/**
 * Where the results of jobs are read, remembered by this process from page to page; forgotten, the third party is asked again. They are
 * stored nowhere: a presigned address lets in whoever has it. Used by: `activities/sync/unit-cache.ts`.
 */
import type { JobResult } from '../../contracts/job.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';

export interface ResultMemory {
  keep(unit: number, id: string, results: readonly JobResult[]): void;
  /** @returns undefined when they must be asked for. */
  get(unit: number, id: string): readonly JobResult[] | undefined;
  forget(unit: number): void;
}

/** Addresses live for some minutes at least, in milliseconds. */
const LONGEST_MS = 120_000;
const MOST_UNITS = 1_000;

export function createResultMemory(now: () => number): ResultMemory {
  const known = new Map<number, { readonly id: string; readonly results: readonly JobResult[]; readonly at: number }>();
  return {
    keep: (unit, id, results) => {
      const at = known.get(unit)?.at ?? now();
      keepLatest(known, unit, { id, results, at }, MOST_UNITS);
    },
    get: (unit, id) => {
      const found = known.get(unit);
      if (found && (found.id !== id || now() - found.at > LONGEST_MS)) known.delete(unit);
      return known.get(unit)?.results;
    },
    forget: (unit) => void known.delete(unit),
  };
}
