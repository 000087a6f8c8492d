/** What Prometheus reads from a real worker process. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Sluice } from '../../../client/index.ts';
import { freePort } from '../../../dev-servers/free-port.ts';
import type { FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { sluice as command } from '../../setup/programs/command-line.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { ensurePrometheus, NO_PROMETHEUS, promtool, startPrometheus } from '../../setup/programs/prometheus.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';

const rules = readFileSync(new URL('../../../deploy/prometheus/sluice-alerts.yml', import.meta.url), 'utf8');
const board = readFileSync(new URL('../../../deploy/grafana/sluice.json', import.meta.url), 'utf8');
const hasPrometheus = ensurePrometheus();
const LINE =
  /^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (?:[-+]?[\d.]+(?:e[-+]?\d+)?|[-+]Inf|NaN)$/i;

describe('the metrics of a worker', () => {
  const taskQueue = `metrics-${process.pid}`;
  let api: FakeApi;
  let db: TestDatabase;
  let worker: WorkerProcess;
  let client: Sluice;
  let address: string;
  const scrape = async (): Promise<string> => (await fetch(`http://${address}/metrics`)).text();
  const env = () => ({ DATABASE_URL: db.url, TEMPORAL_ADDRESS: temporalAddress(), SLUICE_TASK_QUEUE: taskQueue });

  beforeAll(async () => {
    api = await startForestApi({ friends: 12, posts: 25 });
    db = await createTestDatabase();
    await db.pool.query(
      `insert into sluice.audit (at, by, via, act, subject_kind, subject) values (now() - interval '500 days', 'system', 'cli', 'x', 'limit', 'y')`,
    );
    address = `127.0.0.1:${await freePort()}`;
    worker = await startWorkerProcess({
      module: 'forest.ts',
      databaseUrl: db.url,
      taskQueue,
      env: { FOREST_URL: api.url, SLUICE_METRICS_ADDRESS: address },
    });
    client = await connect({ databaseUrl: db.url, temporal: { address: temporalAddress() }, taskQueue });
  });
  afterAll(async () => {
    await client?.close();
    await worker?.stop();
    await db?.drop();
    await api?.stop();
  });

  it("are its calls by meaning, ages of syncs, states, limits, and the SDK's own, in lines that Prometheus reads", async () => {
    api.script('/users/m1-f3/posts', [{ status: 404 }]);
    api.script('/users/m1-f4/posts', [{ status: 429, headers: { 'retry-after': '1' }, body: {} }]);
    await db.pool.query(
      `insert into sluice.account (provider, account, status) values ('forest', 'lost', 'needs_reconnect')`,
    );
    const run = await client.start(forest, { account: 'account-of-metrics', input: { id: 'm1' } });
    const { calls, state } = await run.result();
    expect(state).toBe('incomplete');
    const text = await scrape();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => !LINE.test(line))).toEqual([]);

    const value = (name: string): number =>
      lines.filter((line) => line.startsWith(name)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    expect(value('sluice_calls_total{')).toBe(calls);
    expect(value('sluice_calls_total{provider="forest",endpoint="posts",outcome="permanent"}')).toBe(1);
    expect(value('sluice_calls_total{provider="forest",endpoint="posts",outcome="limited"}')).toBe(1);
    expect(value('sluice_limit_refused_total{provider="forest"}')).toBe(1);
    expect(value('sluice_call_seconds_count{')).toBe(calls);
    // A permit that a busy machine has used too late is taken again.
    expect(value('sluice_wait_seconds_count{reason="turn"}')).toBeGreaterThanOrEqual(calls);
    expect(value('sluice_sync_age_seconds_count{sync="forest"}')).toBe(1);
    expect(value('sluice_sync_age_seconds_bucket{sync="forest",le="300"}')).toBe(1);
    expect(value('sluice_accounts{state="needs_reconnect"}')).toBe(1);
    expect(value('sluice_runs{state="running"}')).toBe(0);
    expect(value('sluice_limit_waiting{key_class="forest/app"}')).toBe(0);
    expect(value('sluice_database_up')).toBe(1);
    expect(value('sluice_rows_removed_total{table="audit"}')).toBe(1);
    expect(value('sluice_build_info{version="')).toBe(1);
    await expect.poll(async () => (await scrape()).includes('sluice_reports_total{outcome="failed"} 1')).toBe(true);
    expect(value('temporal_worker_start')).toBeGreaterThan(0);
    // However many there are, no account makes a series.
    expect(text).not.toContain('account-of-metrics');
    expect(text).not.toMatch(/[{,](?:account|tenant|run|workflow_id)=/);

    const asked = [...new Set(`${rules}${board}`.match(/\b(?:sluice|temporal)_[a-z_]+/g))];
    expect(asked.length).toBeGreaterThan(8);
    // No limit here has a rate of its own.
    const isThere = (name: string) => lines.some((line) => line.startsWith(name)) || name === 'sluice_limit_rate';
    expect(asked.filter((name) => !isThere(name))).toEqual([]);
  });

  it('are the numbers that `sluice overview` shows', async () => {
    const shown = await command(['overview'], env());
    expect(shown.code).toBe(0);
    expect(shown.output).toMatch(/^accounts {2}0 connected, 1 must be connected again\nruns {2}0 running, 0 paused/);
    expect(shown.output).toMatch(
      /\nlast good run, or first start without one {2}forest: 1 account on average [\d.]+ s ago\n/,
    );
    expect(shown.output).toMatch(/\nlimit {2}forest\/app: 1 key, 0 calls wait/);
    expect(JSON.parse((await command(['overview', '--json'], env())).output)).toMatchObject({ untold: 0 });
  });

  it.skipIf(!hasPrometheus)(
    `satisfy a real Prometheus: the alert rules are right, and every panel of the dashboard has numbers${hasPrometheus ? '' : ` (left out: ${NO_PROMETHEUS})`}`,
    async () => {
      const file = fileURLToPath(new URL('../../../deploy/prometheus/sluice-alerts.yml', import.meta.url));
      expect(await promtool('check', 'rules', file)).toMatch(/SUCCESS: \d+ rules found/);
      const prometheus = await startPrometheus(address, file);
      try {
        type Rule = {
          readonly name: string;
          readonly health: string;
          readonly lastError?: string;
          readonly state: string;
        };
        const rulesNow = async () =>
          (await prometheus.ask<{ groups: readonly { rules: readonly Rule[] }[] }>('rules')).groups.flatMap(
            (group) => group.rules,
          );
        await expect
          .poll(async () => (await rulesNow().catch(() => [])).filter(({ health }) => health === 'ok').length)
          .toBe(rules.match(/- alert:/g)?.length);
        expect((await rulesNow()).filter(({ state }) => state === 'firing')).toEqual([]);
        const { panels } = JSON.parse(board) as {
          panels: readonly { title: string; targets: readonly { expr: string }[] }[];
        };
        const answers = async (expr: string): Promise<number> =>
          (await prometheus.ask<{ result: readonly unknown[] }>('query', { query: expr })).result.length;
        for (const { title, targets } of panels)
          for (const { expr } of targets) {
            // No limit of this worker has a rate of its own.
            if (expr.includes('sluice_limit_rate')) expect(await answers(expr), title).toBe(0);
            else await expect.poll(() => answers(expr), { message: `${title}: ${expr}` }).toBeGreaterThan(0);
          }
        await expect(prometheus.ask('query', { query: 'sum by (' })).rejects.toThrow('parse error');
      } finally {
        await prometheus.end();
      }
    },
  );

  it('are at /metrics, beside what probes ask for, and end with the worker; an address that is taken is told', async () => {
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
    expect(await (await fetch(`http://${address}/readyz`)).text()).toBe('serving\n');
    expect((await fetch(`http://${address}/`)).status).toBe(404);
    const second = startWorkerProcess({
      module: 'forest.ts',
      databaseUrl: db.url,
      taskQueue,
      env: { SLUICE_METRICS_ADDRESS: address },
    });
    await expect(second).rejects.toThrow(/can't be served at SLUICE_METRICS_ADDRESS=.*EADDRINUSE.*Name a free port/);
    expect(await worker.stop()).toBe(0);
    await expect(scrape()).rejects.toThrow();
    const bad = await command(['worker'], { ...env(), SLUICE_METRICS_ADDRESS: '9464' });
    expect(bad.output).toContain('SLUICE_METRICS_ADDRESS is "9464": expected host:port');
  });
});
