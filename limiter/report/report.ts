/**
 * Takes in how calls went. Refusals and what is given back go to the store at once. Plain successes are collected and
 * only sent when a learned limit wants to know of them. For a window without hints they cost nothing.
 * Next: `note-outcome.ts`, `note-quota.ts` and `note-told.ts`, then `send-reports.ts`.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';
import type { Observation, Permit } from '../types.ts';
import { noteOutcome, type Notebook } from './note-outcome.ts';
import { fullestOf } from './fullest.ts';
import { noteQuota, toldReset } from './note-quota.ts';
import { createToldNotes } from './note-told.ts';
import { suspectsOf } from './refused-charge.ts';
import { createReportSender, type ReportSenderOptions } from './send-reports.ts';

export interface Reports {
  readonly report: (permit: Permit, observation: Observation) => Promise<void>;
  /** Sends what is collected. */
  readonly flush: () => Promise<void>;
}

export interface ReportsOptions extends ReportSenderOptions {
  readonly idOf: (charge: Charge) => number;
  /** Successes are collected for this long, in milliseconds. Default 200. */
  readonly collectMs?: number;
  /** Calls in flight are given back after at most this long, in milliseconds. Default 10. */
  readonly releaseMs?: number;
}

/** Then they are told once more, which does no harm. */
const MOST_ANSWERED = 10_000;
const defaults = { collectMs: 200, releaseMs: 10 } satisfies Partial<ReportsOptions>;

export function createReports(options: ReportsOptions): Reports {
  const { pool, idOf, collectMs, releaseMs } = { ...defaults, ...options };
  const { tallyOf, sendWithin, flush } = createReportSender(options);
  /** By bucket: the epoch of which an answer was told. */
  const answered = new Map<number, number>();
  const settled = new WeakSet<Permit>();
  const notebook: Notebook = {
    tallyOf: (charge) => tallyOf(idOf(charge)),
    isFirstAnswer: (charge, epoch) => {
      const id = idOf(charge);
      if (answered.get(id) === epoch) return false;
      keepLatest(answered, id, epoch, MOST_ANSWERED);
      return true;
    },
    isSettled: (permit) => settled.has(permit),
    collectMs,
    releaseMs,
  };

  const noteTold = createToldNotes(notebook, idOf);
  const fullest = fullestOf(pool);

  /** Where the answer leaves several limits, the one that is fullest: the others had room. */
  const refusedCharge = async (
    charges: readonly Charge[],
    observation: Observation,
    told: Charge | undefined,
  ): Promise<number> => {
    if (told) return charges.indexOf(told);
    const suspects = suspectsOf(charges, observation);
    return suspects[await fullest(suspects.map((index) => idOf(charges[index]!)))]!;
  };

  const report = async (permit: Permit, observation: Observation): Promise<void> => {
    let delayMs = Infinity;
    const isRefused = observation.result === 'refused';
    // A refusal that says nothing of its own may still say when the quota is whole again.
    const told = isRefused ? toldReset(permit.charges, observation) : undefined;
    const refused = isRefused ? await refusedCharge(permit.charges, observation, told?.charge) : -1;
    for (const [index, charge] of permit.charges.entries()) {
      const heard =
        index === refused && charge === told?.charge ? { ...observation, blockForMs: told.blockMs } : observation;
      delayMs = Math.min(delayMs, noteOutcome(notebook, permit, index, heard, refused));
    }
    settled.add(permit);
    for (const quota of observation.quotas ?? []) {
      const toldMs = noteTold(permit, quota, refused >= 0);
      delayMs = Math.min(delayMs, toldMs, noteQuota(notebook, permit, quota));
    }
    if (delayMs === 0) await flush();
    else if (delayMs < Infinity) sendWithin(delayMs);
  };

  return { report, flush };
}
