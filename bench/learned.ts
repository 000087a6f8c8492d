/**
 * `npm run bench -- learned`: the control law for unknown limits against hidden limits. In virtual time (the law itself,
 * hours in milliseconds, many seeds, peers and an oracle in the same world) and in real time (processes, HTTP, Postgres).
 * Next: `bench/learned/virtual.ts`, `bench/learned/real.ts`.
 */
import { drawPlots } from './learned/plots.ts';
import type { Group } from './learned/scenarios.ts';
import { decreasesOfOneBurst, runAll } from './learned/virtual.ts';
import type { Result } from './learned/virtual.ts';
import { atLeast, atMost, printTable } from './common/measures.ts';
import type { Measure } from './common/measures.ts';

export interface LearnedBenchOptions {
  /** Prints the measures as JSON in the last line. Default false. */
  readonly json?: boolean;
  /** Default virtual. */
  readonly mode?: 'virtual' | 'real';
  /** Runs of each scenario; its value is their mean. Default 3. */
  readonly seeds?: number;
}

/** Called by `bench/main.ts`: virtual time, then, unless `quick`, real time. */
export async function runLearned(options: { readonly quick?: boolean }): Promise<readonly Measure[]> {
  const measures = virtualMeasures(options.quick ? 1 : 3);
  if (options.quick) return measures;
  const { realMeasures } = await import('./learned/real.ts');
  return [...measures, ...(await realMeasures())];
}

/** The same for programs: prints the table, with `json` the measures as last line, and returns the exit code. */
export async function runLearnedBench(options: LearnedBenchOptions = {}): Promise<number> {
  const { json = false, mode = 'virtual', seeds = 3 } = options;
  const real = mode === 'real' ? await import('./learned/real.ts') : undefined;
  const measures = real ? await real.realMeasures() : virtualMeasures(seeds);
  printMeasures(measures);
  if (json) console.log(JSON.stringify(measures));
  return measures.every(({ ok }) => ok) ? 0 : 1;
}

function printMeasures(measures: readonly Measure[]): void {
  console.log();
  const rows = measures.map((each) => [each.measure, each.value, each.unit, each.goal, each.ok ? 'yes' : 'NO']);
  printTable(['measure', 'value', 'unit', 'goal', 'ok'], rows);
}

const head = ['set', 'hidden limit', 'used', 'refused', 'with search', 'found after', 'allowed', 'backoff', 'AWS CUBIC', 'AIMD', 'ATB ×16']; // prettier-ignore

function virtualMeasures(seeds: number): Measure[] {
  const rows: string[][] = [];
  const results = runAll(seeds, (result) => rows.push(row(result)));
  console.log(
    'Used: share of what the oracle takes. Refused: share of all calls, steady half; with search: whole run.',
  );
  console.log('Peers: used / refused, same world, same seed.');
  printTable(head, rows);
  drawPlots();
  return judge(results);
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

function row({ scenario, used, refused, refusedAll, reactionS, allowedS, outage, peers }: Result): string[] {
  const found = outage ? `${outage.fullS.toFixed(1)} s, ${outage.probes.toFixed(0)} probes` : seconds(reactionS);
  const rest = [...peers.values()].map((peer) => `${percent(peer.used, 0)} / ${percent(peer.refused)}`);
  const ours = [percent(used), percent(refused, 2), percent(refusedAll, 2)];
  return [scenario.set, scenario.name, ...ours, found, seconds(allowedS), ...rest];
}

function seconds(value: number | undefined): string {
  return value === undefined ? '' : `${value.toFixed(0)} s`;
}

/** One line for each goal and set; its value is the worst scenario. */
function judge(results: readonly Result[]): Measure[] {
  const { decreases } = decreasesOfOneBurst();
  const sets = ['train', 'held out'] as const;
  return [
    ...sets.flatMap((set) => judgeSet(results.filter(({ scenario }) => scenario.set === set), set)),
    atMost('decreases for 1,000 refusals in flight, 16 processes', decreases, 'decreases', 1),
  ]; // prettier-ignore
}

function judgeSet(results: readonly Result[], set: string): Measure[] {
  const of = (...groups: Group[]): Result[] => results.filter(({ scenario }) => groups.includes(scenario.group));
  const least = (list: readonly Result[], pick: (result: Result) => number): number => Math.min(...list.map(pick));
  const most = (list: readonly Result[], pick: (result: Result) => number): number => Math.max(...list.map(pick));
  const still = of('static');
  const windowOf = ({ scenario }: Result): { calls: number; ms: number } =>
    scenario.world.server.kind === 'token'
      ? { calls: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY }
      : { calls: scenario.world.server.max, ms: scenario.world.server.perMs };
  const small = still.filter((result) => windowOf(result).calls < 20);
  const short = still.filter((result) => windowOf(result).ms <= 1000);
  const normal = still.filter((result) => !small.includes(result) && !short.includes(result));
  const fewer = (result: Result): number =>
    1 - result.refusedPerAccepted / (result.peers.get('backoff')?.perAccepted ?? 0);
  const measures: Measure[] = [
    atLeast(
      `unknown limit, used, worst (${set})`,
      least(normal, ({ used }) => used),
      'share',
      0.95,
    ),
  ];
  if (small.length > 0) measures.push(atLeast(`windows under 20 calls, used, worst (${set})`, least(small, ({ used }) => used), 'share', 0.88)); // prettier-ignore
  if (short.length > 0) measures.push(atLeast(`windows of one second, used, worst (${set})`, least(short, ({ used }) => used), 'share', 0.88)); // prettier-ignore
  measures.push(
    atMost(`unknown limit, refused, worst (${set})`, most(still, ({ refused }) => refused), 'share', 0.005),
    atLeast(`refusals per accepted call, fewer than backoff, worst (${set})`, least(still, fewer), 'share', 0.98),
  ); // prettier-ignore
  for (const group of ['halved', 'doubled', 'fourfold'] as const) {
    const ratio = most(of(group), ({ reactionS, allowedS }) => (reactionS ?? Number.NaN) / (allowedS ?? 1));
    measures.push(atMost(`limit ${group}: found, worst (${set})`, ratio, 'of the time allowed', 1));
  }
  const hour = of('outage');
  measures.push(
    atMost(`one hour of 5xx: probes, worst (${set})`, most(hour, ({ outage }) => outage?.probes ?? Number.NaN), 'probes', 80),
    atMost(`one hour of 5xx: from the first answer to 90 % of the old rate, worst (${set})`, most(hour, ({ outage }) => outage?.fullS ?? Number.NaN), 's', 15),
    atLeast(`one hour of 5xx: estimate kept, worst (${set})`, least(hour, ({ outage }) => outage?.kept ?? Number.NaN), 'share', 0.95),
  ); // prettier-ignore
  for (const [group, name] of [['foreign', 'others take 30 %'], ['partial', 'partial demand'],
    ['late', 'partial demand, limit met late'], ['slow', 'calls take 2 s ± 50 %']] as const) {
    measures.push(
      atLeast(`${name}: used of what is left, worst (${set})`, least(of(group), ({ used }) => used), 'share', 0.85),
      atMost(`${name}: refused, worst (${set})`, most(of(group), ({ refused }) => refused), 'share', 0.01),
    );
  } // prettier-ignore
  measures.push(
    atLeast(
      `a busy machine: used, worst (${set})`,
      least(of('busy'), ({ used }) => used),
      'share',
      0.75,
    ),
    atMost(
      `a busy machine: refused, worst (${set})`,
      most(of('busy'), ({ refused }) => refused),
      'share',
      0.01,
    ),
    atLeast(
      `0.5 and 2 % refused by chance: used, worst (${set})`,
      least(of('chance'), ({ used }) => used),
      'share',
      0.6,
    ),
  );
  return measures;
}
