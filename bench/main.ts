/**
 * `npm run bench -- <name> [--json]`: measures against stated goals. The last line of `--json` is the list of measures;
 * the exit code is 1 when a goal is missed. Next: the file of the benchmark, e.g. `engine.ts`.
 */
import { existsSync } from 'node:fs';
import { Argument, Command } from 'commander';
import type { Measure } from './common/measures.ts';
import { printTable } from './common/measures.ts';

export interface BenchOptions {
  readonly json?: boolean;
  /** A few seconds instead of minutes, to see that it runs; its figures mean little. */
  readonly quick?: boolean;
  readonly only?: string;
  readonly rounds?: string;
  /** Milliseconds that the third party takes. */
  readonly latency?: string;
  /** Share of the full size. */
  readonly size?: string;
  /** Give up after this many seconds. */
  readonly cap?: string;
}

/** What each benchmark's file exports as its run function. */
type Run = (options: BenchOptions) => Promise<readonly Measure[]>;

const benchmarks: Readonly<Record<string, string>> = {
  engine: 'calls a second beside a plain loop, Celery, BullMQ and hand-written Temporal',
  steady: 'the same once all is warm: 20,000 calls, the first quarter left out',
  runs: 'a thousand runs of one page and of four, beside hand-written Temporal',
  scale: 'a million rows of one account, and 100,000 lists of one page',
  crawl: 'a hidden limit of 20 calls a second: time against the ideal, and calls refused',
  limiter: 'permits a second, and how long one takes',
  learned: 'the control law against many hidden limits',
  failover: 'a fifth of all calls failing, and outages: time and calls against the run without',
  refresh: 'access tokens that end while many calls are on their way',
  hostile: 'every status with every kind of hostile answer: typed ends, one write, nobody else disturbed',
  starts: 'a thousand runs started at once: workflow tasks that time out, calls made twice',
  operate:
    'answers to operators with 10,000 accounts and a million lists; a one-page run of a person beside forty lists of 400 pages',
  dashboard: 'the page on 10,000 runs, 50,000 keys and a million units: first paint, updates, cost while idle',
  schedules:
    '10,000 accounts that start by themselves: how soon they have their times, how evenly, and how fast what is due is started',
  files: 'a gigabyte in one answer: memory that it takes',
  kills: 'processes killed at random: calls repeated, rows lost',
  gitea: 'a real Gitea, built once: rows and calls of the provider that comes along',
  honesty: 'every kind of list and answer: runs that end complete and should not, or should and do not',
};

const program = new Command('bench')
  .description('Measures Sluice against its goals, side by side with other tools')
  .addArgument(new Argument('<name>', 'what to measure').choices(Object.keys(benchmarks)))
  .option('--json', 'print the measures as JSON in the last line')
  .option('--quick', 'a small run, to see that it works')
  .option(
    '--only <names>',
    'engine, steady and crawl: only these tools, separated by commas; scale: list or units; hostile: only these kinds; operate: runs or answers',
  )
  .option('--size <share>', 'scale and starts: share of the full size (default 1)')
  .option('--cap <seconds>', 'scale and starts: give up after this time (default 1800, 600)')
  .option('--rounds <n>', 'engine and steady: how often each tool runs (default 2 and 1)')
  .option('--latency <ms>', 'steady: how long the third party takes (default 5)')
  .addHelpText(
    'after',
    `\n${Object.entries(benchmarks)
      .map(([name, what]) => `  ${name.padEnd(9)} ${what}`)
      .join('\n')}`,
  )
  .action(runBenchmark);

async function runBenchmark(name: string, options: BenchOptions): Promise<void> {
  const file = new URL(`./${name}.ts`, import.meta.url);
  if (!existsSync(file)) {
    console.error(`The benchmark "${name}" (${benchmarks[name]}) is not there: bench/${name}.ts is missing.`);
    process.exitCode = 2;
    return;
  }
  const runName = `run${name[0]!.toUpperCase()}${name.slice(1)}`;
  const run = ((await import(file.href)) as Record<string, Run | undefined>)[runName];
  if (run === undefined) throw new TypeError(`bench/${name}.ts does not export ${runName}(options)`);
  const measures = await run(options);
  console.log();
  printTable(
    ['measure', 'value', 'unit', 'goal', 'ok'],
    measures.map((each) => [each.measure, each.value, each.unit, each.goal, each.ok ? 'yes' : 'NO']),
  );
  if (options.json) console.log(JSON.stringify(measures));
  if (measures.some(({ ok }) => !ok)) process.exitCode = 1;
}

await program.parseAsync();
// The exit hook of a Postgres that runs in this process would end it with 0 once nothing is left to do.
process.exit();
