/**
 * Many accounts with little news: a run of one page, and of four, for each of a thousand accounts that are started at once, by Sluice
 * (limiter, outcomes, state, report) and by Temporal written by hand (a workflow that fetches and stores in local activities); and accounts
 * that are due by a schedule at one moment, carried out by fleets and, for comparison, by a workflow for each.
 * Next: `engine/one-run.ts`.
 */
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, median, printTable, rounded, type Measure } from './common/measures.ts';
import { sluice, sluiceEach, sluiceFleets, temporalLocal } from './engine/contestants.ts';
import { measureRun, type RunFigures } from './engine/one-run.ts';
import { startBenchServers, type BenchServers } from './engine/servers.ts';

const TOOLS = [sluice, temporalLocal];
/** Due at one moment; a workflow for each is measured with a tenth of them. */
const DUE = 10_000;

export async function runRuns({
  quick = false,
  rounds = quick ? '1' : '3',
}: BenchOptions): Promise<readonly Measure[]> {
  const accounts = quick ? 100 : 1_000;
  const servers = await startBenchServers();
  const measures: Measure[] = [];
  try {
    for (const pages of [1, 4]) {
      const figures = new Map<string, RunFigures[]>(TOOLS.map(({ name }) => [name, []]));
      // Side by side: what else the machine does meets all of them alike.
      for (let round = 0; round < Number(rounds); round++)
        for (const tool of TOOLS)
          figures.get(tool.name)!.push(await measureRun(servers, tool, '', { accounts, pages }));
      const [ours, byHand] = TOOLS.map(({ name }) => runsPerSecond(figures.get(name)!, accounts));
      console.log(`\n${accounts} runs of ${pages === 1 ? 'one page' : `${pages} pages`}, started at once`);
      printTable(
        ['', 'runs/s', 'worker ms', 'server ms', 'postgres ms'],
        TOOLS.map(({ name }) => {
          const of = figures.get(name)!;
          const cpu = (part: 'worker' | 'server' | 'postgres') =>
            rounded(median(of.map(({ cpuMs }) => cpuMs[part] * pages)));
          return [name, rounded(runsPerSecond(of, accounts)), cpu('worker'), cpu('server'), cpu('postgres')];
        }),
      );
      const missing = [...figures.values()].flat().reduce((sum, { missingRows }) => sum + missingRows, 0);
      if (missing > 0) throw new Error(`${missing} rows did not arrive.`);
      measures.push(atLeast(`runs of ${pages} page(s): against hand-written Temporal`, ours! / byHand!, '×', 0.9));
    }
    measures.push(...(await measureDue(servers, quick ? DUE / 10 : DUE)));
  } finally {
    await servers.stop();
  }
  return measures;
}

async function measureDue(servers: BenchServers, due: number): Promise<readonly Measure[]> {
  const each = await measureRun(servers, sluiceEach, '', { accounts: due / 10, pages: 1, capSeconds: 600 });
  const fleets = await measureRun(servers, sluiceFleets, '', { accounts: due, pages: 1, capSeconds: 600 });
  const cpuOf = ({ cpuMs }: RunFigures): number => Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);
  console.log(`\n${due} accounts of one sync, due at one moment`);
  printTable(
    ['', 'accounts/s', 'CPU ms', 'worker ms', 'server ms', 'postgres ms'],
    [each, fleets].map((of) => {
      const { worker, server, postgres } = of.cpuMs;
      const figures = [of.callsPerSecond, cpuOf(of), worker, server, postgres];
      return [of.tool, ...figures.map(rounded)];
    }),
  );
  return [
    atLeast(
      'accounts that are due, as fleets: against a workflow for each',
      fleets.callsPerSecond / each.callsPerSecond,
      '×',
      6,
    ),
    atLeast('accounts that are due, as fleets', fleets.callsPerSecond, '/s', 200),
    atMost('CPU of an account that is due, as a fleet, in all', cpuOf(fleets), 'ms', 8),
  ];
}

/** From the first call to the last one. */
function runsPerSecond(figures: readonly RunFigures[], accounts: number): number {
  return median(figures.map(({ seconds }) => accounts / seconds));
}
