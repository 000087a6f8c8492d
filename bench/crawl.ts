/**
 * `npm run bench -- crawl`: 40 accounts × 20 pages from a third party that lets through 20 calls a second (a token bucket,
 * 10 deep) and tells nobody. Sluice meets it twice, with a `learned` limit: on a key never seen before, and on the key that
 * the first run has learned. Celery and BullMQ meet it with the retries that they offer. The ideal is a caller who knows
 * everything: (calls − depth) ÷ rate.
 */
import { findEntrants } from './engine.ts';
import { sluice } from './engine/contestants.ts';
import { measureRun, type RunFigures, type Work } from './engine/one-run.ts';
import { startBenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atMost, printTable, type Measure } from './common/measures.ts';

const ratePerSecond = 20;
const burst = 10;

export async function runCrawl(options: BenchOptions): Promise<readonly Measure[]> {
  const size = options.quick ? { accounts: 10, pages: 10 } : { accounts: 40, pages: 20 };
  const work: Work = { ...size, ratePerSecond, burst, limit: 'learned', capSeconds: 150 };
  const idealSeconds = (size.accounts * size.pages - burst) / ratePerSecond;
  console.log(`${size.accounts} accounts × ${size.pages} pages at ${ratePerSecond} calls/s; ideal ${idealSeconds} s`);
  const peers = await findEntrants(options.only ?? 'celery,bullmq');
  const servers = await startBenchServers();
  const rows: [string, RunFigures][] = [];
  const note = (name: string, run: RunFigures): RunFigures => {
    rows.push([name, run]);
    console.log(`  ${name}: ${run.seconds.toFixed(1)} s, ${run.refused} of ${run.calls} calls refused`);
    return run;
  };
  try {
    const first = note('sluice, key never seen', await measureRun(servers, sluice, '', work));
    const { databaseUrl } = first;
    const second = note('sluice, key learned', await measureRun(servers, sluice, '', { ...work, databaseUrl }));
    for (const { tool, packages } of peers) {
      if (tool === sluice) continue;
      try {
        note(tool.name, await measureRun(servers, tool, packages, work));
      } catch (error) {
        console.log(`  ${tool.name} is left out: ${(error as Error).message.split('\n')[0]}`);
      }
    }
    printTable(
      ['tool', 'seconds', 'against ideal', 'calls', 'refused', 'pages missing', 'rows missing'],
      rows.map(([name, run]) => [
        name,
        run.seconds.toFixed(1),
        (run.seconds / idealSeconds).toFixed(2),
        run.calls,
        `${(share(run) * 100).toFixed(1)} %`,
        run.missingPages,
        run.missingRows,
      ]),
    );
    return [
      atMost('never-seen key: seconds against ideal', against(first, idealSeconds), '×', 1.25),
      atMost('never-seen key: refused', share(first) * 100, '%', 3),
      atMost('learned key: seconds against ideal', against(second, idealSeconds), '×', 1.1),
      atMost('learned key: refused', share(second) * 100, '%', 1),
    ];
  } finally {
    await servers.stop();
  }
}

/** A run that did not end has no time. */
function against(run: RunFigures, idealSeconds: number): number {
  return run.missingPages + run.missingRows === 0 ? run.seconds / idealSeconds : Number.NaN;
}

function share(run: RunFigures): number {
  return run.refused / run.calls;
}
