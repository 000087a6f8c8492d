/**
 * What answers tell of a limit where none is declared: once it is refused as empty, it is given out by this.
 * Used by: `report.ts`. Next: `pending-report.ts` sums it up, `send-reports.ts` sends it.
 */
import type { Charge, QuotaHint } from '../../contracts/limits/limit.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';
import type { Permit } from '../types.ts';
import type { Notebook } from './note-outcome.ts';

/** Times may be told in whole seconds. */
const LONGER = 1.02;
/** Then they are told once more, which does no harm. */
const MOST_TOLD = 10_000;

/** @returns how soon it must be told, in milliseconds; Infinity = it is no news. */
export type NoteTold = (permit: Permit, quota: QuotaHint, isRefused: boolean) => number;

export function createToldNotes({ tallyOf, collectMs }: Notebook, idOf: (charge: Charge) => number): NoteTold {
  /** By bucket of calls that no limit applies to: what their answers have told of one. */
  const told = new Map<number, { readonly max: number; readonly windowMs: number }>();
  return ({ charges, grantedAt }, quota, isRefused) => {
    const { max = 0, remaining = max, windowMs = quota.resetAfterMs ?? 0 } = quota;
    const charge = charges.find(({ limit }) => limit.kind === 'none');
    if (charge === undefined || max <= 1 || windowMs <= 0) return Infinity;
    const id = idOf(charge);
    const known = told.get(id);
    const isNew = known?.max !== max || windowMs > known.windowMs * LONGER;
    if (!isNew && !(isRefused && remaining <= 0)) return Infinity;
    keepLatest(told, id, { max, windowMs }, MOST_TOLD);
    const tally = tallyOf(charge);
    tally.max = max;
    tally.remaining = isRefused ? remaining : max;
    tally.resetAt = performance.now() + windowMs;
    tally.askedAt = grantedAt;
    return collectMs;
  };
}
