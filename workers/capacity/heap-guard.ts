/**
 * Keeps a worker from being killed by V8 for want of memory. Near the limit of its heap the worker makes no more calls,
 * and says so. They are made by other workers, or by this one when there is room again. Used by: `workers/open-parts.ts`;
 * asked in `activities/sync/fetch-page.ts` and `activities/action/perform-action.ts`.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Log } from '../../activities/index.ts';

export interface HeapGuard {
  /** Whether the worker is to take no more calls. To be asked before each: it looks at the heap at most ten times a second. */
  isFull(): boolean;
  /** Bytes in use, as V8 counts them, and its limit (`node --max-old-space-size`). */
  use(): HeapUse;
}

export interface HeapUse {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

export interface HeapGuardOptions {
  /** Share of the limit above which no call is made, 0.1 … 1; with 1 it never is full. */
  readonly maxShare: number;
  /** For tests. Default: this process's. */
  readonly read?: () => HeapUse;
  /** For tests: removes what nobody holds any more. Default: V8's own. */
  readonly collect?: () => void;
  /** For tests: milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

const LOOK_AGAIN_MS = 100;
/** A collection of a large heap stops everything for a part of a second. */
const COLLECT_AGAIN_MS = 2_000;
/** It takes calls again below this part of the share: not at once full again. */
const ROOM_AGAIN = 0.9;
const SAY_AGAIN_MS = 60_000;
const MIB = 2 ** 20;

export function createHeapGuard(log: Log, options: HeapGuardOptions): HeapGuard {
  const { maxShare, read = ownHeap, collect = collectGarbage, now = () => performance.now() } = options;
  let lookedAt = -Infinity;
  let collectedAt = -Infinity;
  let saidAt = -Infinity;
  let isFull = false;
  const isAbove = (share: number): boolean => {
    const { usedBytes, limitBytes } = read();
    return usedBytes > share * limitBytes;
  };
  const look = (): void => {
    const share = isFull ? maxShare * ROOM_AGAIN : maxShare;
    let isStill = isAbove(share);
    // What is in use includes what nobody holds any more.
    if (isStill && now() - collectedAt >= COLLECT_AGAIN_MS) {
      collect();
      collectedAt = now();
      isStill = isAbove(share);
    }
    if (isStill !== isFull || (isStill && now() - saidAt >= SAY_AGAIN_MS)) say(isStill);
    isFull = isStill;
  };
  const say = (isStill: boolean): void => {
    saidAt = now();
    const { usedBytes, limitBytes } = read();
    const fields = { usedMiB: Math.round(usedBytes / MIB), limitMiB: Math.round(limitBytes / MIB) };
    if (isStill)
      log.warn(
        fields,
        'the heap is nearly full: this worker makes no more calls until there is room. Lower SLUICE_CONCURRENCY, or raise ' +
          'the limit (node --max-old-space-size); if it stays so, something beside Sluice holds the memory',
      );
    else log.info(fields, 'there is room in the heap again: this worker makes calls');
  };
  return {
    use: read,
    isFull: () => {
      if (maxShare >= 1) return false;
      if (now() - lookedAt >= LOOK_AGAIN_MS) {
        lookedAt = now();
        look();
      }
      return isFull;
    },
  };
}

function ownHeap(): HeapUse {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
  return { usedBytes, limitBytes };
}

let gc: (() => void) | undefined;

function collectGarbage(): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  gc();
}
