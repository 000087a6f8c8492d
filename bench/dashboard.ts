/**
 * `npm run bench -- dashboard`: the page on a large database, in a real Chromium: the first paint of its views, how soon a change is seen,
 * the slowest of its queries, and what it costs while it is open and nothing happens.
 */
import { execFileSync } from 'node:child_process';
import { chromium, type Page } from 'playwright-core';
import { connect } from '../client/index.ts';
import { serveDashboard } from '../dashboard/index.ts';
import { createPool, migrate, type Pool } from '../db/index.ts';
import { best, firstPaintMs, idleCost, updateMs } from './dashboard/measure-page.ts';
import { KEY, seedLarge } from './dashboard/seed.ts';
import { watchQueries } from './dashboard/slowest-query.ts';
import { startBenchServers } from './engine/servers.ts';
import type { BenchOptions } from './main.ts';
import { atMost, type Measure } from './common/measures.ts';

const UNITS = 1_000_000;
const QUICK_UNITS = 50_000;
const IDLE_MS = 20_000;
const TRIES = 5;

export async function runDashboard({ quick = false }: BenchOptions): Promise<readonly Measure[]> {
  const program = process.env['SLUICE_CHROMIUM'] || onPath('chromium');
  const stops: (() => Promise<unknown>)[] = [];
  const servers = await startBenchServers();
  stops.push(() => servers.stop());
  try {
    const databaseUrl = await servers.createDatabase('bench_dashboard');
    const temporal = await servers.startTemporal();
    stops.push(() => temporal.stop());
    const pool = createPool(databaseUrl, { max: 2 });
    stops.push(() => pool.end());
    await migrate(pool);
    const newest = await seedLarge(pool, quick ? QUICK_UNITS : UNITS);
    const sluice = await connect({ databaseUrl, temporal: { address: temporal.address } });
    stops.push(() => sluice.close());
    const served = await serveDashboard(sluice, { port: 0 });
    stops.push(() => served.close());
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
    stops.push(() => browser.close());
    const page = await browser.newPage();
    return await measure(page, pool, served.url, newest, quick);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function measure(page: Page, pool: Pool, url: string, newest: string, quick: boolean): Promise<Measure[]> {
  const measures: Measure[] = [];
  const run = `runs/${newest}`;
  const views = [
    '',
    'runs',
    run,
    'accounts',
    'limits',
    `limits/${encodeURIComponent(KEY)}?span=quarter`,
    'schedules',
    'audit',
  ];
  const slowestQuery = watchQueries();
  // Once unmeasured: the server has just taken in a million rows, and has read none of them.
  for (const view of views) await page.goto(`${url}${view}`);
  slowestQuery();
  for (const view of views) {
    const ms = await best(TRIES, 1_000, () => firstPaintMs(page, `${url}${view}`));
    measures.push(atMost(`first paint of /${view.replace(newest, ':run')}`, ms, 'ms', 1_000));
  }
  const { ms: slowest, text } = slowestQuery();
  console.log(
    `  the slowest query took ${slowest.toFixed(1)} ms: ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 100)}`,
  );
  measures.push(atMost('the slowest query of these views', slowest, 'ms', 50));
  await page.goto(`${url}${run}`);
  const seen = await best(TRIES, 2_000, () => updateMs(page, pool, newest));
  measures.push(atMost('a change is seen after', seen, 'ms', 2_000));
  for (const view of ['', run]) {
    await page.goto(`${url}${view}`);
    await page.getByText('Live: changes appear').waitFor();
    const { browser, server, database } = await idleCost(page, pool, quick ? 5_000 : IDLE_MS);
    const name = view === '' ? 'overview' : 'run';
    measures.push(atMost(`${name}, open and idle: its tab`, browser * 100, '% of a core', 2));
    measures.push(atMost(`${name}, open and idle: its server`, server * 100, '% of a core', 2));
    measures.push(atMost(`${name}, open and idle: the database for it`, database * 100, '% of a core', 2));
  }
  return measures;
}

/** @throws Error where it is not there. */
function onPath(program: string): string {
  try {
    return execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  } catch (cause) {
    throw new Error(`There is no ${program} on the PATH; SLUICE_CHROMIUM names one.`, { cause });
  }
}
