/**
 * Steps of a file that is read piece by piece (NDJSON, CSV). They are the next piece, and a file that is another one
 * when it is asked for again. Pure. Used by: `activities/page/store-page.ts`, `activities/sync/decide.ts`.
 */
import { memoryOf } from '../loop-guard.ts';
import { step, type ListState, type Step } from '../step.ts';

/** Pieces in a row without a new row: a file that never ends. */
export const STALLED_PIECES = 100;

/** @param soFar what is read of the file. */
export function afterPiece(at: ListState, soFar: { readonly bytes: number; readonly digest: string }): Step {
  return step(at, { position: { ...at.position, ...soFar }, isReread: at.guard?.['begunAgain'] === 1 });
}

/** It is read again from its beginning, once. */
export function afterChangedBody(at: ListState, reason: string): Step {
  const memory = memoryOf(at.guard);
  if (memory['begunAgain'])
    return step(at, { end: { kind: 'truncated', reason: `it changes faster than it can be read: ${reason}, twice` } });
  return step(at, { position: null, guard: { begunAgain: 1, itemsBefore: at.items } });
}
