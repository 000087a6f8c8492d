/**
 * How many calls a run still has to make, and how far off that may be. Each node's open lists, and those that its
 * parent will bring, cost what its ended lists cost on average. Called by `explain-run.ts`.
 */
import type { Forecast } from '../../contracts/operate/explanation.ts';
import type { ForecastFacts, ForecastNode } from '../../db/index.ts';

/** An average of fewer lists says too little. */
const FEWEST_LISTS = 5;
/** Nineteen of twenty are within two deviations. */
const DEVIATIONS = 2;
/** No estimate is better than this. */
const LEAST_ERROR = 0.02;

/** A number that is not known exactly. */
interface Estimate {
  readonly value: number;
  readonly variance: number;
}

const NOTHING: Estimate = { value: 0, variance: 0 };

/** @returns undefined when too little of the run has been seen, and there was no good run before it. */
export function callsLeft({
  nodes,
  lastCalls,
}: ForecastFacts): Pick<Forecast, 'callsLeft' | 'errorShare' | 'from'> | undefined {
  const made = nodes.reduce((sum, { calls }) => sum + calls, 0);
  const seen = fromThisRun(nodes);
  if (seen) {
    // Short lists end first, so that those in hand are the longer ones: all of them by as much as lists differ.
    const bias = nodes.reduce(
      (sum, { hasEnded, begun, sample }) => sum + (hasEnded ? 0 : begun * sample.deviationOfCalls),
      0,
    );
    const error = DEVIATIONS * Math.sqrt(seen.variance) + bias;
    const left = Math.max(0, Math.round(seen.value));
    return { callsLeft: left, errorShare: Math.max(LEAST_ERROR, left === 0 ? 0 : error / left), from: 'this-run' };
  }
  if (lastCalls === null) return undefined;
  // How much an account changes from run to run is not known.
  return { callsLeft: Math.max(0, lastCalls - made), errorShare: 0.5, from: 'last-run' };
}

function fromThisRun(nodes: readonly ForecastNode[]): Estimate | undefined {
  const coming = new Map<string, Estimate>();
  let left = NOTHING;
  for (const node of nodes) {
    if (node.hasEnded) continue;
    // How deep a tree goes, its first lists do not say.
    if (node.isTree) return undefined;
    const parent = nodes.find(({ name }) => name === node.parent);
    // A row of the parent brings so many lists; all of them where it has none yet.
    const perRow = parent === undefined || parent.rows === 0 ? 1 : (node.open + node.ended) / parent.rows;
    const rows = node.parent === null ? NOTHING : (coming.get(node.parent) ?? NOTHING);
    const lists: Estimate = {
      value: node.open + rows.value * perRow,
      variance: rows.variance * perRow ** 2,
    };
    const { sample } = node;
    if (lists.value > 0 && sample.lists < FEWEST_LISTS) return undefined;
    const calls = sumOf(lists, sample.averageCalls, sample.deviationOfCalls, sample.lists);
    left = {
      value: left.value + Math.max(0, calls.value - node.openCalls),
      variance: left.variance + calls.variance,
    };
    coming.set(node.name, sumOf(lists, sample.averageRows, sample.deviationOfRows, sample.lists));
  }
  return left;
}

/** Of so many lists: each differs, the average itself is not exact, and neither is the number of lists. */
function sumOf(lists: Estimate, average: number, deviation: number, sampled: number): Estimate {
  const ofMean = sampled === 0 ? 0 : deviation ** 2 / sampled;
  return {
    value: lists.value * average,
    variance: lists.value * deviation ** 2 + lists.value ** 2 * ofMean + lists.variance * average ** 2,
  };
}

export interface Pace {
  /** Calls of the run so far, and in how long. */
  readonly calls: number;
  readonly elapsedMs: number;
  /** Of the limits that it waits for: what they give out in all, and the run's share of those who wait. */
  readonly limits: readonly { readonly perSecond: number; readonly share: number }[];
}

/** @returns calls a second; null when nothing says how many. */
export function paceOf({ calls, elapsedMs, limits }: Pace): number | null {
  const given = limits.map(({ perSecond, share }) => perSecond * share).filter((rate) => rate > 0);
  if (given.length > 0) return Math.min(...given);
  return calls === 0 || elapsedMs <= 0 ? null : (calls / elapsedMs) * 1_000;
}
