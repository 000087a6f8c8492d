/**
 * A real Prometheus that this machine has, or Debian's: it reads the metrics of a worker, and says whether rules and queries hold.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../dev-servers/free-port.ts';

/** Why the tests of rules and of the dashboard are left out. */
export const NO_PROMETHEUS =
  'no `prometheus` and `promtool` on the PATH, and none could be installed (Debian: apt-get install prometheus)';

const has = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const isThere = (): boolean => has('prometheus') && has('promtool');

/**
 * Looks for it, or installs Debian's where this process may.
 * @throws Error in CI, where these tests may not be left out.
 */
export function ensurePrometheus(): boolean {
  if (!isThere() && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args: string[]) => spawnSync('apt-get', args, { env, stdio: 'ignore', timeout: 300_000 });
    const install = () => apt('install', '-y', '--no-install-recommends', 'prometheus').status === 0;
    if (!install()) {
      apt('update');
      install();
    }
  }
  const found = isThere();
  if (!found && process.env['CI']) throw new Error(NO_PROMETHEUS);
  return found;
}

/** @returns what `promtool` says. @throws Error with it when it finds a mistake. */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('promtool', args);
  return stdout + stderr;
}

export interface Prometheus {
  /** What `/api/v1/<path>` answers. @throws Error with what is wrong with a query. */
  ask<Data>(path: string, params?: Readonly<Record<string, string>>): Promise<Data>;
  end(): Promise<void>;
}

/** @param address `host:port` whose `/metrics` it reads every half second. @param rules a file of rules. */
export async function startPrometheus(address: string, rules: string): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  const port = await freePort();
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: [rules],
      scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets: [address] }] }],
    }),
  );
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`]; // prettier-ignore
  const child = spawn('prometheus', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  return {
    ask: async <Data>(path: string, params: Readonly<Record<string, string>> = {}) => {
      if (child.exitCode !== null) throw new Error(`Prometheus has ended:\n${said}`);
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(params).toString()}`);
      const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: Data };
      if (status !== 'success') throw new Error(`${JSON.stringify(params)}: ${error}`);
      return data;
    },
    end: async () => {
      const ended = once(child, 'exit');
      if (child.exitCode === null && child.kill()) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
