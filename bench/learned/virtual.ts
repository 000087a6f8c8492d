/**
 * Every scenario in virtual time, several seeds: the real control law, the peers and the oracle in the same world.
 * Next: `bench/learned/measure.ts`, then back to `bench/learned.ts`.
 */
import { leftOver, reactionS, refusedShare, total } from './measure.ts';
import { oracleRun } from './oracle.ts';
import { ourClient } from './our-client.ts';
import { peers } from './policies.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';
import { perSecond } from './servers.ts';
import { run } from './world.ts';
import type { Run } from './world.ts';

/** Means over the seeds. Shares are 0 … 1; utilisation may be a little above 1 where the oracle's last window is cut. */
export interface Result {
  readonly scenario: Scenario;
  readonly used: number;
  readonly refused: number;
  /** Refused share of the whole run, with the search from nothing. */
  readonly refusedAll: number;
  /** Refused calls for one accepted call. */
  readonly refusedPerAccepted: number;
  /** Seconds until it has found a changed limit, and what is allowed. */
  readonly reactionS?: number;
  readonly allowedS?: number;
  readonly outage?: { readonly probes: number; readonly backS: number; readonly fullS: number; readonly kept: number };
  /** Name → used, refused, refused per accepted call. */
  readonly peers: ReadonlyMap<
    string,
    { readonly used: number; readonly refused: number; readonly perAccepted: number }
  >;
}

const first = 1;

/** @param withPeers the peers run once for each scenario whose limit stands still. */
export function runScenario(scenario: Scenario, seeds: number, withPeers: boolean): Result {
  const runs = Array.from({ length: seeds }, (_, index) => one(scenario, first + index));
  const mean = (pick: (each: One) => number | undefined): number => {
    let sum = 0;
    for (const each of runs) sum += pick(each) ?? 0;
    return sum / runs.length;
  };
  const allowedS = runs[0]?.allowedS;
  return {
    scenario,
    used: mean((each) => each.used),
    refused: mean((each) => each.refused),
    refusedAll: mean((each) => each.refusedAll),
    refusedPerAccepted: mean((each) => each.refusedPerAccepted),
    ...(allowedS === undefined ? {} : { reactionS: mean((each) => each.reactionS), allowedS }),
    ...(runs[0]?.outage
      ? {
          outage: {
            probes: mean((each) => each.outage?.probes),
            backS: mean((each) => each.outage?.backS),
            fullS: mean((each) => each.outage?.fullS),
            kept: mean((each) => each.outage?.kept),
          },
        }
      : {}),
    peers: new Map(withPeers ? peerRuns(scenario) : []),
  };
}

type One = Omit<Result, 'peers' | 'scenario'>;

/** The part of a run that counts: the second half where the limit stands still, else all but the first four minutes. */
function span(scenario: Scenario): [fromS: number, toS: number] {
  const toS = Math.floor(scenario.world.durationMs / 1000);
  return [['static', 'slow', 'chance', 'busy'].includes(scenario.group) ? toS / 2 : 240, toS];
}

/** What could have been had in the span. Others' share is not ours to take, so the oracle's run says nothing there. */
function ideal(scenario: Scenario, run: Run, seed: number): number {
  const [fromS, toS] = span(scenario);
  // Nor does it stand still.
  if (['foreign', 'chance', 'busy'].includes(scenario.group)) return leftOver(run, fromS, toS);
  // Nor can it know that a call will fail.
  if (scenario.group === 'outage') return leftOver(run, fromS, toS - 3600);
  return total(oracleRun({ ...scenario.world, seed }).accepted, fromS, toS);
}

function one(scenario: Scenario, seed: number): One {
  const client = ourClient({ kind: 'learned', name: 'hidden' });
  const limits: number[] = [];
  const world = { ...scenario.world, seed };
  const result = run(world, () => ({
    ...client,
    ratePerSecond() {
      limits.push(client.law().state.limit);
      return client.ratePerSecond?.() ?? 0;
    },
  }));
  const [fromS, toS] = span(scenario);
  const accepted = total(result.accepted, fromS, toS);
  const base = {
    used: accepted / ideal(scenario, result, seed),
    refused: refusedShare(result, fromS, toS),
    refusedAll: refusedShare(result, 0, toS),
    refusedPerAccepted: total(result.refused, fromS, toS) / Math.max(1, accepted),
  };
  const atS = scenario.atS ?? 0;
  if (scenario.group === 'outage') return { ...base, outage: outageOf(result, limits, atS, perSecond(world.server)) };
  const factor = world.server.changes?.[0]?.factor;
  if (factor === undefined) return base;
  const windowS = world.server.kind === 'token' ? 0 : world.server.perMs / 1000;
  const allowedS = factor < 1 ? Math.max(30, windowS) : factor === 2 ? Math.max(60, 3 * windowS) : 240;
  const rate = perSecond(world.server) * factor;
  return {
    ...base,
    allowedS,
    reactionS: reactionS(result, atS, rate, Math.max(10, windowS), factor > 1 ? 'up' : 'down'),
  };
}

/** One hour of failures from `atS`. The calls in flight at its beginning (3 s) are not probes. */
function outageOf(result: Run, limits: readonly number[], atS: number, rate: number): NonNullable<Result['outage']> {
  const endS = atS + 3600;
  let backS = endS;
  while (backS < result.accepted.length && result.accepted[backS] === 0) backS += 1;
  let fullS = backS;
  while (fullS < result.accepted.length && total(result.accepted, fullS, fullS + 10) < 0.9 * rate * 10) fullS += 1;
  const probes = total(result.failed, atS + 3, endS);
  return { probes, backS: backS - endS, fullS: fullS - backS, kept: (limits[endS - 1] ?? 0) / (limits[atS - 1] ?? 1) };
}

function* peerRuns(scenario: Scenario): Generator<[string, { used: number; refused: number; perAccepted: number }]> {
  const [fromS, toS] = span(scenario);
  for (const peer of peers(first)) {
    const result = run({ ...scenario.world, seed: first }, peer.make, peer.clients);
    const accepted = total(result.accepted, fromS, toS);
    const used = accepted / ideal(scenario, result, first);
    const perAccepted = total(result.refused, fromS, toS) / Math.max(1, accepted);
    yield [peer.name, { used, refused: refusedShare(result, fromS, toS), perAccepted }];
  }
}

export function runAll(seeds: number, each: (result: Result) => void): Result[] {
  return scenarios.map((scenario) => {
    const isStill = scenario.group === 'static' || scenario.group === 'slow' || scenario.group === 'foreign';
    const result = runScenario(scenario, seeds, isStill);
    each(result);
    return result;
  });
}

/** A server that refuses everything from one moment on, with about 1,000 calls in flight: how many decreases follow. */
export function decreasesOfOneBurst(): { inFlight: number; decreases: number } {
  const closedMs = 60_000;
  const latencyMs = 10_000;
  const client = ourClient({ kind: 'learned', name: 'hidden', startPerSecond: 200, ceilingPerSecond: 200 }, 16);
  let refused = 0;
  let decreases = 0;
  run(
    {
      server: { kind: 'token', max: 1000, perMs: 1000, changes: [{ atMs: closedMs, factor: 0 }], depth: 1000 },
      durationMs: closedMs + 2 * latencyMs,
      workers: 8000,
      seed: first,
      latencyMs,
    },
    () => ({
      ...client,
      answered(nowMs, worker, permit, answer) {
        const before = client.decreases();
        if (answer.kind === 'refused') refused += 1;
        const sleepMs = client.answered(nowMs, worker, permit, answer);
        decreases += client.decreases() - before;
        return sleepMs;
      },
    }),
  );
  return { inFlight: refused, decreases };
}
