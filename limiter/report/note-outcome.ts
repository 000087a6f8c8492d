/**
 * How one call went, noted for one of its charges. It has what is given back, what it really cost, a refusal, and what
 * a learned limit counts. Each part says how soon it must be told, in milliseconds: Infinity = there is nothing to
 * tell.
 * Used by: `report.ts`. Next: `pending-report.ts` sums it up, `send-reports.ts` sends it.
 */
import type { Charge } from '../../contracts/limits/limit.ts';
import { gridCost } from '../buckets/bucket-row.ts';
import type { Observation, Permit } from '../types.ts';
import { addRefund, outcomesOf, type Tally } from './pending-report.ts';
import { suspectsOf } from './refused-charge.ts';

export interface Notebook {
  readonly tallyOf: (charge: Charge) => Tally;
  /** Whether this is the first answer since the bucket began this epoch, as far as this process remembers. */
  readonly isFirstAnswer: (charge: Charge, epoch: number) => boolean;
  /** It was reported before: what it took was given back, or charged, then. */
  readonly isSettled: (permit: Permit) => boolean;
  /** Successes are collected for this long, in milliseconds. */
  readonly collectMs: number;
  /** Calls in flight are given back after at most this long, in milliseconds. */
  readonly releaseMs: number;
}

/** @param index the charge's place in the permit. @param refused that of the charge that the refusal is about; -1 = none. */
export function noteOutcome(
  notebook: Notebook,
  permit: Permit,
  index: number,
  observation: Observation,
  refused: number,
): number {
  if (observation.result === 'not-sent') return noteNotSent(notebook, permit, index);
  const costMs = noteCost(notebook, permit, index, observation);
  if (index === refused) return noteRefusal(notebook, permit, index, observation);
  const answerMs = noteAnswer(notebook, permit, index, observation);
  const isDown =
    observation.result === 'failed' &&
    observation.blockForMs !== undefined &&
    index === suspectsOf(permit.charges, observation).at(-1);
  if (!isDown) return Math.min(costMs, answerMs);
  // The server is not well and says for how long: nobody calls, but it is no sign of a limit.
  noteBlock(notebook.tallyOf(permit.charges[index]!), observation);
  return 0;
}

function noteNotSent({ tallyOf, releaseMs, isSettled }: Notebook, permit: Permit, index: number): number {
  const charge = permit.charges[index]!;
  const cost = gridCost(charge.cost);
  if (cost <= 0 || isSettled(permit)) return Infinity;
  addRefund(tallyOf(charge), permit.slots[index]!, cost);
  return releaseMs;
}

/** What is given back: the place of a call in flight, or the difference to what the call really cost. */
function noteCost(
  { tallyOf, releaseMs, isSettled }: Notebook,
  permit: Permit,
  index: number,
  observation: Observation,
): number {
  if (isSettled(permit)) return Infinity;
  const charge = permit.charges[index]!;
  const cost = gridCost(charge.cost);
  const slot = permit.slots[index]!;
  if (charge.limit.kind === 'inflight') {
    const tally = tallyOf(charge);
    addRefund(tally, slot, cost);
    tally.releases += 1;
    tally.heldMs += Math.max(0, performance.now() - permit.grantedAt);
    return releaseMs;
  }
  const actual = observation.actualCost?.[charge.limit.name];
  if (actual === undefined || gridCost(actual) === cost) return Infinity;
  const tally = tallyOf(charge);
  if (actual < cost) addRefund(tally, slot, cost - gridCost(actual));
  else tally.charge += gridCost(actual) - cost;
  return releaseMs;
}

function noteRefusal({ tallyOf }: Notebook, permit: Permit, index: number, observation: Observation): number {
  const tally = tallyOf(permit.charges[index]!);
  outcomesOf(tally, permit.epochs[index]!).refusals += 1;
  noteBlock(tally, observation);
  return 0;
}

/** What limits want to know of answers: a known one that has refused, of the first since; a learned one, of all. */
function noteAnswer(notebook: Notebook, permit: Permit, index: number, { result }: Observation): number {
  const charge = permit.charges[index]!;
  const { kind } = charge.limit;
  const epoch = permit.epochs[index]!;
  let delayMs = Infinity;
  if (result === 'ok' && epoch > 0 && notebook.isFirstAnswer(charge, epoch)) {
    if (kind !== 'learned' && kind !== 'none') outcomesOf(notebook.tallyOf(charge), epoch).oks += 1;
    delayMs = notebook.releaseMs;
  }
  if (kind === 'learned' || (kind === 'none' && epoch > 0)) {
    const outcomes = outcomesOf(notebook.tallyOf(charge), epoch);
    if (result === 'failed') outcomes.failures += 1;
    // Refused by another limit: this one let it through.
    else outcomes.oks += 1;
    delayMs = Math.min(delayMs, notebook.collectMs);
  }
  return delayMs;
}

function noteBlock(tally: Tally, { blockForMs, reason }: Observation): void {
  tally.reason = reason ?? tally.reason;
  if (blockForMs !== undefined) tally.blockMs = Math.max(tally.blockMs ?? 0, blockForMs);
}
