/**
 * What a person and a machine feel of a page: how soon it is painted, how soon a change is seen, and what it costs while it is open and
 * nothing happens. Used by: `bench/dashboard.ts`, test/temporal/dashboard/scale.test.ts.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Pool } from '../../db/index.ts';

/** A machine that has other work to do is not measured: the best of some tries counts. */
export async function best(tries: number, goal: number, measure: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let made = 0; made < tries && least > goal; made++) least = Math.min(least, await measure());
  return least;
}

/** @returns milliseconds from the request to the first paint of content. */
export async function firstPaintMs(page: Page, url: string): Promise<number> {
  await page.goto('about:blank');
  await page.goto(url);
  for (let looks = 0; looks < 100; looks++) {
    const ms = await page.evaluate<number | null>(
      `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null`,
    );
    if (ms !== null) return ms;
    await delay(20);
  }
  return Infinity;
}

/** @returns milliseconds from a change of a run in the database to its text on its page, which is open already. */
export async function updateMs(page: Page, pool: Pool, runId: string): Promise<number> {
  const text = `changed-${Math.random().toString(36).slice(2)}`;
  const changedAt = performance.now();
  await pool.query('update sluice.run set error = $2 where id = $1', [runId, text]);
  await page.getByText(text).first().waitFor({ timeout: 30_000 });
  return performance.now() - changedAt;
}

export interface IdleCost {
  /** Shares of one core. */
  readonly browser: number;
  readonly server: number;
  /** NaN where Postgres is on another machine. */
  readonly database: number;
}

/** Of the page that is open; the server of the page is this process. */
export async function idleCost(page: Page, pool: Pool, ms: number): Promise<IdleCost> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const tasks = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000;
  };
  const [tasksBefore, backendsBefore] = [await tasks(), await backendsMs(pool)];
  const own = process.cpuUsage();
  const begun = performance.now();
  await delay(ms);
  const { user, system } = process.cpuUsage(own);
  const took = performance.now() - begun;
  const [tasksAfter, backendsAfter] = [await tasks(), await backendsMs(pool)];
  await session.detach();
  return {
    browser: (tasksAfter - tasksBefore) / took,
    server: (user + system) / 1_000 / took,
    database: (backendsAfter - backendsBefore) / took,
  };
}

/** In proc(5) times are ticks of 10 ms. */
const TICK_MS = 10;

/** CPU time of the connections of clients, so far. */
async function backendsMs(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and application_name = 'sluice-client'`,
  );
  const times = await Promise.all(
    rows.map(async ({ pid }) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    }),
  );
  return times.reduce((sum, each) => sum + each, 0);
}
