/**
 * `npm run bench -- engine`: 40 accounts × 50 pages and one account × 200 pages of 100 rows, stored, without a limit that
 * is ever reached; by Sluice (with its limiter, outcomes and unit state), by a plain loop, hand-written Temporal, Celery
 * and BullMQ, in turns on the same machine in the same minutes. Ratios are of rounds, and the median round counts: other
 * work on the machine then meets all of them.
 */
import { contestants, type Contestant } from './engine/contestants.ts';
import { measureRun, type RunFigures, type Work } from './engine/one-run.ts';
import { startBenchServers, type BenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, median, printTable, type Measure } from './common/measures.ts';

export interface Entrant {
  readonly tool: Contestant;
  readonly packages: string;
}

/** The tools that can run here; says which can't, and why. */
export async function findEntrants(only: string | undefined): Promise<Entrant[]> {
  const wanted = contestants.filter(
    ({ name }) => only === undefined || only.split(',').some((each) => name.startsWith(each)),
  );
  const entrants: Entrant[] = [];
  for (const tool of wanted) {
    try {
      entrants.push({ tool, packages: await tool.install() });
    } catch (error) {
      console.log(`${tool.name} is left out: its packages can't be installed (${(error as Error).message})`);
    }
  }
  return entrants;
}

/** One round: every tool once, in an order that turns from round to round. */
export async function runRound(
  servers: BenchServers,
  entrants: readonly Entrant[],
  work: Work,
  round: number,
): Promise<RunFigures[]> {
  const order = round % 2 === 0 ? entrants : entrants.toReversed();
  const figures: RunFigures[] = [];
  for (const { tool, packages } of order) {
    try {
      const run = await measureRun(servers, tool, packages, work);
      figures.push(run);
      console.log(`  ${run.tool}: ${run.callsPerSecond.toFixed(0)} calls/s`);
    } catch (error) {
      console.log(`  ${tool.name} is left out: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return figures;
}

const SLOW_MS = 300;
const SLOW_LISTS = 100;

/** Long runs whose first quarter is left out, of a third party that takes 5 ms (`--latency`). */
export async function runSteady(options: BenchOptions): Promise<readonly Measure[]> {
  const { quick } = options;
  const rounds = Number(options.rounds ?? 1);
  const latencyMs = Number(options.latency ?? 5);
  const long = { latencyMs, warmUp: 0.25, capSeconds: 600 };
  const entrants = await findEntrants(options.only);
  const servers = await startBenchServers();
  try {
    const many = await runScenario(servers, entrants, { ...long, accounts: 40, pages: quick ? 25 : 500 }, rounds);
    const one = await runScenario(servers, entrants, { ...long, accounts: 1, pages: quick ? 100 : 1_500 }, rounds);
    // As slow as many are: a worker then has time, and what counts is how many lists it has in hand.
    const slow = { ...long, latencyMs: SLOW_MS, accounts: SLOW_LISTS, pages: quick ? 20 : 100 };
    const ofSlow = await runScenario(servers, entrants, slow, rounds);
    const most = SLOW_LISTS / (SLOW_MS / 1_000);
    return [
      atLeast('many accounts, steady: calls/s against Celery', many('celery'), '×', 2),
      atLeast('many accounts, steady: calls/s against BullMQ', many('bullmq'), '×', 1),
      atLeast('many accounts, steady: calls/s against a plain loop', many('plain loop'), '×', 0.75),
      atLeast('one account, steady: calls/s against a plain loop', one('plain loop'), '×', 0.75),
      atLeast('slow third party: share of the calls that its lists could take', ofSlow('sluice', most), '×', 0.6),
    ];
  } finally {
    await servers.stop();
  }
}

export async function runEngine(options: BenchOptions): Promise<readonly Measure[]> {
  const rounds = Number(options.rounds ?? (options.quick ? 1 : 2));
  const many: Work = { accounts: 40, pages: options.quick ? 10 : 50 };
  const one: Work = { accounts: 1, pages: options.quick ? 50 : 200 };
  const entrants = await findEntrants(options.only);
  const servers = await startBenchServers();
  try {
    const ratios: Record<'many' | 'one', Ratio> = {
      many: await runScenario(servers, entrants, many, rounds),
      one: await runScenario(servers, entrants, one, rounds),
    };
    return [
      atLeast('many accounts: calls/s against Celery', ratios.many('celery'), '×', 0.85),
      atLeast('many accounts: calls/s against local activities', ratios.many('temporal, local activities'), '×', 0.9),
      atLeast('one account: calls/s against a plain loop', ratios.one('plain loop'), '×', 0.35),
    ];
  } finally {
    await servers.stop();
  }
}

/** Sluice's calls a second against another tool's, or against so many: the median over the rounds. */
type Ratio = (peer: string, speed?: number) => number;

async function runScenario(
  servers: BenchServers,
  entrants: readonly Entrant[],
  work: Work,
  rounds: number,
): Promise<Ratio> {
  const { accounts, pages, latencyMs = 0, warmUp = 0 } = work;
  const left = warmUp > 0 ? `, the first ${warmUp * 100} % left out` : '';
  console.log(
    `\n${accounts} account${accounts === 1 ? '' : 's'} × ${pages} pages of 100 rows, answers after ${latencyMs} ms${left}, ${rounds} rounds`,
  );
  const all: RunFigures[][] = [];
  for (let round = 0; round < rounds; round++) all.push(await runRound(servers, entrants, work, round));
  const tools = entrants.map(({ tool }) => tool.name);
  const of = (tool: string, pick: (run: RunFigures) => number) =>
    median(
      all
        .flat()
        .filter((run) => run.tool === tool)
        .map(pick),
    );
  const ratio: Ratio = (peer, most) =>
    median(
      all.map((round) => {
        const speed = (tool: string) => round.find((run) => run.tool === tool)?.callsPerSecond ?? Number.NaN;
        return speed('sluice') / (most ?? speed(peer));
      }),
    );
  printTable(
    ['tool (medians)', 'calls/s', 'sluice / it', 'worker', 'server', 'postgres', 'api', 'MiB', 'rows missing'],
    tools.map((tool) => [
      tool,
      of(tool, (run) => run.callsPerSecond).toFixed(0),
      ratio(tool).toFixed(2),
      ...(['worker', 'server', 'postgres', 'api'] as const).map((part) =>
        of(tool, (run) => run.cpuMs[part]).toFixed(2),
      ),
      of(tool, (run) => run.workerMiB).toFixed(0),
      of(tool, (run) => run.missingRows),
    ]),
  );
  console.log('worker … api: milliseconds of CPU for each call; server: Temporal or Redis');
  return ratio;
}
