/**
 * Takes in how calls went. Refusals and what is given back go to the store at once, plain successes are collected and
 * only sent when a learned limit wants to know of them; for a window without hints they cost nothing.
 * Next: `db/functions/limiter/report/report.sql`, then `limiter/adaptive/controller.ts`.
 */
import type { Charge, QuotaHint } from '../../contracts/limits/limit.ts';
import { isDataError } from '../../db/data-error.ts';
import type { Pool } from '../../db/pool.ts';
import { gridCost } from '../buckets/bucket-row.ts';
import { LimiterUnavailable } from '../errors.ts';
import { fullestOf } from './fullest.ts';
import { suspectsOf } from './refused-charge.ts';
import { matchQuota } from '../quota-headers/match-limit.ts';
import { REPORT } from '../statements.ts';
import { addRefund, emptyTally, mergeTally, outcomesOf, ownCountsOf, tallyJson, type Tally } from './pending-report.ts';
import type { Observation, Permit } from '../types.ts';

export interface Reports {
  readonly report: (permit: Permit, observation: Observation) => Promise<void>;
  /** Sends what is collected. */
  readonly flush: () => Promise<void>;
}

export interface ReportsOptions {
  readonly pool: Pool;
  readonly idOf: (charge: Charge) => number;
  /** Called with learned buckets whose control law should be stepped. */
  readonly onLawDue: (ids: readonly number[]) => void;
  /** Called with a bucket and how many calls in flight ended. */
  readonly onRelease: (id: number, calls: number) => void;
  /** Called for a bucket of whose report the store refused a part: that part is lost. */
  readonly onDropped: () => void;
  /** Successes are collected for this long, in milliseconds. Default 200. */
  readonly collectMs?: number;
  /** Calls in flight are given back after at most this long, in milliseconds. Default 10. */
  readonly releaseMs?: number;
}

const NEARLY_EMPTY = 0.1;
/** Times may be told in whole seconds. */
const LONGER = 1.02;
/** Then they are told once more, which does no harm. */
const MOST_ANSWERED = 10_000;
const defaults = { collectMs: 200, releaseMs: 10 } satisfies Partial<ReportsOptions>;

export function createReports(options: ReportsOptions): Reports {
  const { pool, idOf, onLawDue, onRelease, onDropped, collectMs, releaseMs } = { ...defaults, ...options };
  let collected = new Map<number, Tally>();
  /** By bucket: the epoch of which an answer was told. */
  const answered = new Map<number, number>();
  const fullest = fullestOf(pool);
  /** By bucket of calls that no limit applies to: what their answers have told of one. */
  const told = new Map<number, { readonly max: number; readonly windowMs: number }>();
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Infinity;
  let sending = Promise.resolve();

  return { report, flush };

  async function report(permit: Permit, observation: Observation): Promise<void> {
    let delayMs = Infinity;
    const { result } = observation;
    // A refusal that says nothing of its own may still say when the quota is whole again.
    const told = result === 'refused' ? toldReset(permit.charges, observation) : undefined;
    const refused = result === 'refused' ? await refusedCharge(permit.charges, observation, told?.charge) : -1;
    for (const [index, charge] of permit.charges.entries()) {
      const heard =
        index === refused && charge === told?.charge ? { ...observation, blockForMs: told.blockMs } : observation;
      delayMs = Math.min(delayMs, note(permit, index, charge, heard, index === refused));
    }
    for (const quota of observation.quotas ?? []) {
      noteTold(permit, quota, refused >= 0);
      delayMs = Math.min(delayMs, noteQuota(permit, quota));
    }
    if (delayMs === 0) await flush();
    else if (delayMs < Infinity) schedule(delayMs);
  }

  /** Where the answer leaves several limits, the one that is fullest: the others had room. */
  async function refusedCharge(
    charges: readonly Charge[],
    observation: Observation,
    told: Charge | undefined,
  ): Promise<number> {
    if (told) return charges.indexOf(told);
    const suspects = suspectsOf(charges, observation);
    const ids = suspects.map((index) => idOf(charges[index]!));
    return suspects[await fullest(ids)]!;
  }

  /** Returns how soon it must be told, in milliseconds; Infinity = there is nothing to tell. */
  function note(permit: Permit, index: number, charge: Charge, observation: Observation, isRefused: boolean): number {
    const { limit } = charge;
    const { result } = observation;
    const cost = gridCost(charge.cost);
    const slot = permit.slots[index]!;
    if (result === 'not-sent') {
      if (cost > 0) addRefund(entryOf(charge), slot, cost);
      return cost > 0 ? releaseMs : Infinity;
    }
    let delayMs = Infinity;
    if (limit.kind === 'inflight') {
      const entry = entryOf(charge);
      addRefund(entry, slot, cost);
      entry.releases += 1;
      entry.heldMs += Math.max(0, performance.now() - permit.grantedAt);
      delayMs = releaseMs;
    }
    const actual = observation.actualCost?.[limit.name];
    if (actual !== undefined && limit.kind !== 'inflight' && gridCost(actual) !== cost) {
      const entry = entryOf(charge);
      if (actual < cost) addRefund(entry, slot, cost - gridCost(actual));
      else entry.charge += gridCost(actual) - cost;
      delayMs = Math.min(delayMs, releaseMs);
    }
    if (isRefused) {
      const entry = entryOf(charge);
      outcomesOf(entry, permit.epochs[index]!).refusals += 1;
      entry.reason = observation.reason ?? entry.reason;
      if (observation.blockForMs !== undefined) entry.blockMs = Math.max(entry.blockMs ?? 0, observation.blockForMs);
      return 0;
    }
    const epoch = permit.epochs[index]!;
    // A known limit that has refused hears of the first answer since.
    if (result === 'ok' && epoch > 0 && isFirstAnswer(idOf(charge), epoch)) {
      if (limit.kind !== 'learned' && limit.kind !== 'none') outcomesOf(entryOf(charge), epoch).oks += 1;
      delayMs = Math.min(delayMs, releaseMs);
    }
    if (limit.kind === 'learned' || (limit.kind === 'none' && epoch > 0)) {
      const outcomes = outcomesOf(entryOf(charge), epoch);
      if (result === 'failed') outcomes.failures += 1;
      // Refused by another limit: this one let it through.
      else outcomes.oks += 1;
      delayMs = Math.min(delayMs, collectMs);
    }
    if (
      result === 'failed' &&
      observation.blockForMs !== undefined &&
      index === suspectsOf(permit.charges, observation).at(-1)
    ) {
      // The server is not well and says for how long: nobody calls, but it is no sign of a limit.
      const entry = entryOf(charge);
      entry.blockMs = Math.max(entry.blockMs ?? 0, observation.blockForMs);
      entry.reason = observation.reason ?? entry.reason;
      return 0;
    }
    return delayMs;
  }

  function noteQuota(permit: Permit, quota: QuotaHint): number {
    const match = matchQuota(permit.charges, quota);
    if (match === undefined) return Infinity;
    const entry = entryOf(match.charge);
    if (match.blockMs !== undefined) {
      entry.blockMs = Math.max(entry.blockMs ?? 0, match.blockMs);
      entry.reason ??= 'the third party says that nothing is left';
    }
    // Answers arrive out of order: the lowest count is the latest one, within a flush.
    if (match.remaining !== undefined && match.remaining <= (entry.remaining ?? Infinity)) {
      entry.remaining = match.remaining;
      entry.resetAt = match.resetMs === undefined ? undefined : performance.now() + match.resetMs;
      entry.askedAt = permit.grantedAt;
    }
    if (match.max !== undefined) entry.max = Math.min(entry.max ?? Infinity, match.max);
    if (match.blockMs !== undefined) return 0;
    return match.remaining !== undefined && match.remaining <= (quota.max ?? 0) * NEARLY_EMPTY ? releaseMs : collectMs;
  }

  /** What is told where no limit is declared: once it is refused as empty, it is given out by this. Only news are sent. */
  function noteTold({ charges: [charge], grantedAt }: Permit, quota: QuotaHint, isRefused: boolean): void {
    const { max = 0, remaining = max, windowMs = quota.resetAfterMs ?? 0 } = quota;
    if (charge?.limit.kind !== 'none' || max <= 1 || windowMs <= 0) return;
    const id = idOf(charge);
    const known = told.get(id);
    const isNew = known?.max !== max || windowMs > known.windowMs * LONGER;
    if (!isNew && !(isRefused && remaining <= 0)) return;
    if (told.size >= MOST_ANSWERED) told.clear();
    told.set(id, { max, windowMs });
    const entry = entryOf(charge);
    entry.max = max;
    entry.remaining = isRefused ? remaining : max;
    entry.resetAt = performance.now() + windowMs;
    entry.askedAt = grantedAt;
    schedule(collectMs);
  }

  function isFirstAnswer(id: number, epoch: number): boolean {
    if (answered.get(id) === epoch) return false;
    if (answered.size >= MOST_ANSWERED) answered.clear();
    answered.set(id, epoch);
    return true;
  }

  function entryOf(charge: Charge): Tally {
    const id = idOf(charge);
    let entry = collected.get(id);
    if (entry === undefined) collected.set(id, (entry = emptyTally(id)));
    return entry;
  }

  function schedule(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      // The store is down: what was collected is kept and goes with the next report.
      flush().catch(() => schedule(1_000));
    }, delayMs);
  }

  /** One statement on its way at a time; what comes meanwhile goes with the next. */
  function flush(): Promise<void> {
    sending = sending.then(sendCollected, sendCollected);
    return sending;
  }

  async function sendCollected(): Promise<void> {
    if (collected.size === 0) return;
    clearTimeout(timer);
    dueAt = Infinity;
    const batch = collected;
    collected = new Map();
    const unsent = new Set(batch.values());
    try {
      await send([...unsent], (entry) => unsent.delete(entry));
    } catch (error) {
      for (const entry of unsent) putBack(entry);
      schedule(1_000);
      throw new LimiterUnavailable(error);
    }
  }

  /** What the store can't hold must not keep the rest from being told: then each bucket's report goes by itself. */
  async function send(entries: readonly Tally[], settle: (entry: Tally) => void): Promise<void> {
    try {
      await store(entries);
      for (const entry of entries) settle(entry);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const [only, another] = entries;
      if (only && !another) {
        await sendOwnCounts(only);
        settle(only);
      } else for (const entry of entries) await send([entry], settle);
    }
  }

  /** The bucket's own counts, without what the third party said. What is refused even so is given up. */
  async function sendOwnCounts(entry: Tally): Promise<void> {
    onDropped();
    try {
      await store([ownCountsOf(entry)]);
    } catch (error) {
      if (!isDataError(error)) throw error;
    }
  }

  async function store(entries: readonly Tally[]): Promise<void> {
    const { rows } = await pool.query<{ law_due: string[] }>({
      name: 'sluice-limit-report',
      text: REPORT,
      values: [JSON.stringify(entries.map(tallyJson))],
    });
    const due = rows[0]!.law_due;
    for (const { id, releases } of entries) if (releases > 0) onRelease(id, releases);
    if (due.length > 0) onLawDue(due.map(Number));
  }

  function putBack(entry: Tally): void {
    const newer = collected.get(entry.id);
    collected.set(entry.id, newer === undefined ? entry : mergeTally(entry, newer));
  }
}

/** When the quota of a refusal that says no time is whole again, as its headers have it, and of which limit they speak. */
function toldReset(
  charges: readonly Charge[],
  { limit, blockForMs, quotas = [] }: Observation,
): { readonly charge: Charge; readonly blockMs: number } | undefined {
  if (blockForMs !== undefined) return undefined;
  const matches = quotas.flatMap((quota) => {
    const isEmpty = (quota.remaining ?? 0) <= 0 && (quota.resetAfterMs ?? 0) > 0;
    const match = isEmpty ? matchQuota(charges, { ...quota, remaining: 0 }) : undefined;
    return match?.resetMs === undefined ? [] : [{ ...match, blockMs: match.resetMs }];
  });
  return limit === undefined ? matches[0] : matches.find(({ charge }) => charge.limit.name === limit);
}
