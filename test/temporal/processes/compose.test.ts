/**
 * What `deploy/docker/compose.yaml` says, without containers: Temporal's server on Postgres from its own program, its schema and namespace
 * made as the file says, two worker processes, the page, and Prometheus where it is installed.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { connect, diagnose } from '../../../client/index.ts';
import { ensurePostgres, findTemporalBinary } from '../../../dev-servers/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { findProgram, isOpen, lowPorts, readCompose, type Running } from '../../setup/compose.ts';
import { startForestApi } from '../../setup/forest-api.ts';
import { TEST_KEYS } from '../../setup/programs/credential-worker.ts';
import { built } from '../../setup/programs/programs.ts';

const folder = process.env['SLUICE_TEMPORAL_SERVER'];
const server = findProgram('server', folder);
const schemaTool = findProgram('sql', folder);
const prometheus = findProgram('prometheus', undefined);
const isMissing = folder === undefined || server === undefined || schemaTool === undefined;
if (isMissing)
  console.warn(
    "What compose.yaml says is not run: Temporal's server is not here. Build it as CONTRIBUTING.md says, and name its folder by SLUICE_TEMPORAL_SERVER.",
  );

const TOKEN = 'a-token-of-this-test-alone';
const stops: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop().catch((error: unknown) => console.error(error));
});

describe.skipIf(isMissing)('what compose.yaml says, on one machine', () => {
  it("serves runs of every role on Temporal's own server with Postgres, shows them on the page, and is read by Prometheus", async () => {
    const home = await mkdtemp(join(tmpdir(), 'sluice-compose-'));
    stops.push(() => rm(home, { recursive: true, force: true }));
    // Of a user of its own, who may not go below a folder of ours.
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-compose-postgres-'));
    stops.push(() => rm(dataDir, { recursive: true, force: true }));
    const postgres = await ensurePostgres({ dataDir });
    stops.push(() => postgres.stop());
    const api = await startForestApi({ friends: 6, posts: 3 });
    stops.push(() => api.stop());
    const of = new URL(postgres.url);
    const ports = await lowPorts(13);
    const [frontend = 0, page = 0, bulkMetrics = 0, interactiveMetrics = 0, prometheusPort = 0, ...inner] = ports;

    // The programs of its images, by the names that they have there.
    const bin = join(home, 'bin');
    await mkdir(bin);
    await symlink(schemaTool as string, join(bin, 'temporal-sql-tool'));
    await symlink(await findTemporalBinary({ log: console.log }), join(bin, 'temporal'));
    const dynamic = fileURLToPath(new URL('../../../deploy/docker/temporal-dynamic-config.yaml', import.meta.url));
    const address = `127.0.0.1:${frontend}`;
    const compose = readCompose(
      [
        ['postgresql://sluice:', `postgresql://${of.username}:`],
        ['@postgres:5432/sluice', `@127.0.0.1:${of.port}${of.pathname}`],
        ['/etc/temporal/dynamic-config.yaml', dynamic],
        ['temporal:7233', address],
        ['0.0.0.0:9464', `127.0.0.1:${bulkMetrics}`],
        ['/etc/prometheus/', `${home}/`],
        ['=/prometheus', `=${home}/prometheus`],
        ['8400', String(page)],
        ['dist/sluice.js', built('test/fixtures/forest.ts')],
      ],
      { POSTGRES_PASSWORD: of.password, SLUICE_ENCRYPTION_KEYS: TEST_KEYS, SLUICE_DASHBOARD_TOKEN: TOKEN },
      { PATH: `${bin}${delimiter}${process.env['PATH']}`, HOME: home, FOREST_URL: api.url, NODE_OPTIONS: '' },
    );
    const start = (name: string, program: readonly string[], more?: Record<string, string>): Running => {
      const running = compose.start(name, program, more);
      stops.push(() => running.stop());
      return running;
    };
    const serves = (running: Running, what: string) =>
      vi.waitUntil(
        () => {
          if (running.child.exitCode !== null) throw new Error(`It has ended:\n${running.said()}`);
          return running.said().includes(what);
        },
        { timeout: 120_000, interval: 100 },
      );

    const sql = { SQL_HOST: '127.0.0.1', SQL_PORT: of.port, SQL_USER: of.username };
    await compose.run('temporal-schema', sql);
    const temporal = start('temporal', [server as string, 'start'], {
      POSTGRES_SEEDS: '127.0.0.1',
      DB_PORT: of.port,
      POSTGRES_USER: of.username,
      BIND_ON_IP: '127.0.0.1',
      FRONTEND_GRPC_PORT: String(frontend),
      ...Object.fromEntries(INNER_PORTS.map((name, index) => [name, String(inner[index])])),
    });
    await vi.waitUntil(
      async () => {
        if (temporal.child.exitCode !== null) throw new Error(`Temporal has ended:\n${temporal.said().slice(-4_000)}`);
        return isOpen(frontend);
      },
      { timeout: 120_000, interval: 200 },
    );
    await vi.waitUntil(() => compose.run('temporal-namespace').then(() => true, () => false), { timeout: 120_000, interval: 1_000 }); // prettier-ignore

    const program = [process.execPath, built('cli/main.ts')];
    const worker = start('worker', program);
    await serves(worker, 'worker is serving');
    const interactive = start('worker-interactive', program, {
      SLUICE_METRICS_ADDRESS: `127.0.0.1:${interactiveMetrics}`,
    });
    await serves(interactive, 'worker is serving');
    await serves(start('dashboard', program), 'Dashboard  http');

    const databaseUrl = postgres.url;
    const sluice = await connect({ databaseUrl, temporal: { address } });
    stops.push(() => sluice.close());
    let calls = 0;
    for (const priority of ['interactive', 'bulk', 'background'] as const) {
      const run = await sluice.start(forest, { account: priority, input: { id: 'm1' }, priority });
      const result = await run.result();
      expect(result).toMatchObject({ state: 'done', complete: true });
      calls += result.calls;
    }
    expect(interactive.said()).not.toContain('"level":50');
    const findings = await diagnose({ databaseUrl, temporal: { address }, encryptionKeys: TEST_KEYS });
    expect(findings.filter(({ status }) => status === 'wrong')).toEqual([]);
    expect(findings.find(({ check }) => check === 'search-attributes')?.found).toBe('all are registered');
    expect((await sluice.workers.list()).queues.map(({ workers }) => workers)).toEqual([1, 1, 1]);

    const shown = await fetch(`http://127.0.0.1:${page}/runs`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const text = await shown.text();
    expect([shown.status, ...['interactive', 'bulk', 'background'].filter((name) => !text.includes(`>${name}<`))]).toEqual([200]); // prettier-ignore
    expect((await fetch(`http://127.0.0.1:${page}/runs`, { redirect: 'manual' })).status).not.toBe(200);

    if (prometheus === undefined) return console.warn('Prometheus is not installed: what it reads is not looked at.');
    const config = await readFile(new URL('../../../deploy/prometheus/prometheus.yml', import.meta.url), 'utf8');
    await writeFile(
      join(home, 'prometheus.yml'),
      config.replace('worker:9464', `127.0.0.1:${bulkMetrics}`).replace('worker-interactive:9464', `127.0.0.1:${interactiveMetrics}`).replace('15s', '1s'), // prettier-ignore
    );
    await symlink(
      fileURLToPath(new URL('../../../deploy/prometheus/sluice-alerts.yml', import.meta.url)),
      join(home, 'sluice-alerts.yml'),
    );
    start('prometheus', [prometheus, `--web.listen-address=127.0.0.1:${prometheusPort}`]);
    const ask = async (query: string): Promise<number[]> => {
      const url = `http://127.0.0.1:${prometheusPort}/api/v1/query?query=${encodeURIComponent(query)}`;
      const answer = await fetch(url).then((each) => each.json() as Promise<Answer>, () => undefined); // prettier-ignore
      return answer?.data?.result.map(({ value }) => Number(value[1])) ?? [];
    };
    await expect.poll(() => ask('up{job="sluice"}')).toEqual([1, 1]);
    await expect.poll(() => ask('sum(sluice_calls_total{outcome="ok"})')).toEqual([calls]);
    const board = JSON.parse(
      await readFile(new URL('../../../deploy/grafana/sluice.json', import.meta.url), 'utf8'),
    ) as Board;
    const queries = board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const refused: string[] = [];
    for (const query of queries) {
      const asked = query.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h').replaceAll('$__interval', '15s'); // prettier-ignore
      const { ok } = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/query?query=${encodeURIComponent(asked)}`);
      if (!ok) refused.push(query);
    }
    expect([queries.length > 10, refused]).toEqual([true, []]);
    const rules = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/rules`);
    expect(await rules.text()).toContain('SluiceNoWorker');
  });
});

/** Of the server's services among themselves. */
const INNER_PORTS = [
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
];

interface Board {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

interface Answer {
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}
