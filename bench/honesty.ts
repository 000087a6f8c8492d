/**
 * `npm run bench -- honesty`: every kind of list and answer, each with some definitions that a reader of the documentation would
 * write, over five seeds. No run may end complete while a row is missing, and hardly one may fail to when all could be read.
 * The fewest calls are those of a reader who knows that the list stands still, how large the server's pages are, and how this
 * definition lets the end be seen: each page once and without overlap, one call more where only a page without rows shows the end, or a
 * last page that came full, and the refusals that nobody can avoid. What moves has to be read again, so that only lists that stand still
 * are held to it.
 * Next: `honesty/kinds/index.ts` has the kinds, `honesty/run-kind.ts` reads and judges one.
 */
import { createPool, migrate } from '../db/index.ts';
import { startFakeApi } from '../testing/index.ts';
import { startBenchServers } from './engine/servers.ts';
import { kinds } from './honesty/kinds/index.ts';
import { jobsOf, runJobs, type Verdict } from './honesty/run-kind.ts';
import type { BenchOptions } from './main.ts';
import { atLeast, atMost, printTable, type Measure } from './common/measures.ts';

const SEEDS = 5;
const AT_ONCE = 16;

/** `only`: kinds whose names have these words; `rounds`: seeds. */
export async function runHonesty({ quick, only, rounds }: BenchOptions): Promise<readonly Measure[]> {
  const words = only?.split(',') ?? [''];
  const wanted = kinds.filter(({ name, group }) => words.some((word) => `${group}: ${name}`.includes(word)));
  const seeds = Array.from({ length: Number(rounds ?? (quick ? 1 : SEEDS)) }, (_, n) => n + 1);
  const jobs = jobsOf(wanted, seeds);
  console.log(`${wanted.length} kinds, ${jobs.length} runs`);
  const servers = await startBenchServers();
  try {
    const pool = createPool(await servers.createDatabase('honesty'), { max: 20 });
    await migrate(pool);
    const api = await startFakeApi();
    try {
      const verdicts = await runJobs(pool, api, jobs, { atOnce: AT_ONCE, onEnd: tellWrong });
      tell(verdicts);
      return measures(wanted.length, verdicts);
    } finally {
      await api.stop();
      await pool.end();
    }
  } finally {
    await servers.stop();
  }
}

function tellWrong(verdict: Verdict): void {
  const { kind, definition, seed, end, reason, lost, rows, isWrongGreen, isFalseAlarm } = verdict;
  if (!isWrongGreen && !isFalseAlarm && end !== 'endless') return;
  const what = isWrongGreen ? 'WRONG GREEN' : isFalseAlarm ? 'false alarm' : 'endless';
  console.log(
    `${what}: ${kind.name}, ${definition}, seed ${seed}: ${end}, ${rows} rows, ${lost} lost. ${reason ?? ''}`,
  );
}

/** A line for each group, and the kinds that take the most calls. */
function tell(verdicts: readonly Verdict[]): void {
  const groups = groupBy(verdicts, ({ kind }) => kind.group);
  const head = ['', 'kinds', 'runs', 'complete', 'wrong greens', 'false alarms', 'calls', 'of the fewest'];
  const line = (name: string, of: readonly Verdict[]): (string | number)[] => {
    const { calls, share } = callsOf(of);
    return [
      name,
      new Set(of.map(({ kind }) => kind.name)).size,
      of.length,
      of.filter(({ end }) => end === 'complete').length,
      of.filter(({ isWrongGreen }) => isWrongGreen).length,
      of.filter(({ isFalseAlarm }) => isFalseAlarm).length,
      calls,
      share.toFixed(2),
    ];
  };
  console.log();
  printTable(head, [...[...groups].map(([name, of]) => line(name, of)), line('all', verdicts)]);
  const dear = [...groupBy(verdicts, ({ kind, definition }) => `${kind.name}, ${definition}`)]
    .map(([name, of]) => ({ name, ...callsOf(of) }))
    .filter(({ share }) => share > 1.25)
    .toSorted((a, b) => b.share - a.share);
  console.log(`\nabove 1.25 of the fewest calls:`);
  for (const { name, calls, fewest, share } of dear)
    console.log(`  ${share.toFixed(2)}  ${calls} of ${fewest}  ${name}`);
}

function groupBy(verdicts: readonly Verdict[], nameOf: (verdict: Verdict) => string): Map<string, Verdict[]> {
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) groups.set(nameOf(verdict), [...(groups.get(nameOf(verdict)) ?? []), verdict]);
  return groups;
}

/** Only runs that saw the end of a list: of the others no number of calls would have been enough. */
function callsOf(verdicts: readonly Verdict[]): { calls: number; fewest: number; share: number } {
  const seen = verdicts.filter(({ end, truth }) => end === 'complete' && truth !== 'short');
  const sum = (of: (verdict: Verdict) => number): number => seen.reduce((all, each) => all + of(each), 0);
  const [calls, fewest] = [sum((each) => each.calls), sum((each) => each.fewest)];
  return { calls, fewest, share: calls / fewest };
}

function measures(count: number, verdicts: readonly Verdict[]): Measure[] {
  const of = (is: (verdict: Verdict) => boolean): Verdict[] => verdicts.filter(is);
  const whole = of(({ truth }) => truth === 'whole');
  const green = of(({ end }) => end === 'complete');
  return [
    atLeast('kinds', count, '', 80),
    atMost('wrong greens', of(({ isWrongGreen }) => isWrongGreen).length, 'runs', 0),
    atMost(
      'rows lost in runs that end complete',
      green.reduce((all, { lost }) => all + lost, 0),
      'rows',
      0,
    ),
    atMost('runs without an end', of(({ end }) => end === 'endless').length, 'runs', 0),
    atMost('false alarms', (of(({ isFalseAlarm }) => isFalseAlarm).length / whole.length) * 100, '%', 2),
    atMost('calls, lists that stand still', callsOf(of(({ kind }) => !kind.isMoving)).share, '× the fewest', 1.25),
  ];
}
