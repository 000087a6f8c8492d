/** The files of `deploy/` say what the code does: settings that exist, commands that exist, its ports, and time enough to drain. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createProgram } from '../../../cli/program.ts';
import { readWorkerSettings } from '../../../workers/index.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const DRAIN_SECONDS = readWorkerSettings({}).drainSeconds;
const METRICS_PORT = 9464;
/** Settings that the code reads, wherever it does. */
const known = new Set([
  ...(read('workers/config.ts').match(/\bSLUICE_[A-Z_]+(?=:)/g) ?? []),
  ...(read('workers/config.ts').match(/(?<=env\[')SLUICE_[A-Z_]+/g) ?? []),
  ...(read('cli/dashboard/run-dashboard.ts').match(/(?<=env\[')SLUICE_[A-Z_]+/g) ?? []),
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'NODE_ENV',
]);

/** @throws what commander says of a command or an option that does not exist. */
function checkCommand(args: readonly string[]): void {
  const program = createProgram().exitOverride();
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
    command.action(() => {});
  }
  program.configureOutput({ writeErr: () => {} }).parse(args, { from: 'user' });
}

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

interface Container {
  readonly args: readonly string[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Manifest {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly template: {
      readonly spec: { readonly terminationGracePeriodSeconds?: number; readonly containers: readonly Container[] };
    };
  };
}

describe('compose.yaml', () => {
  const compose = parse(read('deploy/docker/compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
  };
  const workers = Object.values(compose.services).filter(({ command }) => command?.[0] === 'worker');

  it('starts workers for every role, by commands and settings that exist, with time to drain', () => {
    expect(workers).toHaveLength(2);
    const roles = workers.flatMap(({ command = [] }) => command.slice(command.indexOf('--role') + 1));
    expect(roles.sort()).toEqual(['background', 'bulk', 'interactive']);
    for (const { command = [], environment = {}, stop_grace_period: grace = '' } of workers) {
      checkCommand(command);
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
      expect(environment['SLUICE_METRICS_ADDRESS']).toBe(`0.0.0.0:${METRICS_PORT}`);
      expect(Number.parseInt(grace, 10)).toBeGreaterThan(Number(environment['SLUICE_DRAIN_SECONDS'] ?? DRAIN_SECONDS));
    }
    expect(() => checkCommand(['worker', '--roles', 'bulk'])).toThrow('unknown option');
  });

  it('serves the page by a command and settings that exist, behind a token, and lets Prometheus read every worker', () => {
    const { command = [], environment = {} } = compose.services['dashboard'] ?? {};
    checkCommand(command);
    expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
    expect(environment['SLUICE_DASHBOARD_TOKEN']).toMatch(/^\$\{SLUICE_DASHBOARD_TOKEN:\?/);
    const { scrape_configs: jobs } = parse(read('deploy/prometheus/prometheus.yml')) as {
      readonly scrape_configs: readonly {
        readonly static_configs: readonly { readonly targets: readonly string[] }[];
      }[];
    };
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((each) => each.targets));
    const names = Object.entries(compose.services).filter(([, service]) => workers.includes(service)).map(([name]) => name); // prettier-ignore
    expect(targets.toSorted()).toEqual(names.map((name) => `${name}:${METRICS_PORT}`).toSorted());
  });

  it('opens ports to the machine alone, names what it depends on, and versions of all images', () => {
    const names = Object.keys(compose.services);
    for (const { ports = [], depends_on = {}, image } of Object.values(compose.services)) {
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
      expect(Object.keys(depends_on).filter((name) => !names.includes(name))).toEqual([]);
      if (image !== undefined) expect(image).toMatch(/:(?:v?\d|\$\{\w+:-\d)/);
    }
    const dynamic = parse(read('deploy/docker/temporal-dynamic-config.yaml')) as Readonly<Record<string, unknown>>;
    const documented = read('docs/operate/deploy.md');
    expect(Object.keys(dynamic).filter((key) => !documented.includes(`\`${key}\``))).toEqual([]);
  });
});

describe('the Kubernetes manifests', () => {
  const manifests = parseAllDocuments(read('deploy/kubernetes/workers.yaml')).map((one) => {
    expect(one.errors).toEqual([]);
    return one.toJS() as Manifest;
  });
  const settings = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  const containers = manifests
    .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
    .flatMap(({ spec }) => spec.template.spec.containers);

  it('run commands that exist, every role among them, with settings that exist', () => {
    for (const { args } of containers) checkCommand(args);
    const roles = containers.flatMap(({ args }) => (args.includes('--role') ? args.slice(args.indexOf('--role') + 1) : [])); // prettier-ignore
    expect(roles.sort()).toEqual(['background', 'bulk', 'interactive']);
    expect(Object.keys(settings).filter((name) => !known.has(name))).toEqual([]);
  });

  it('give pods longer than they need to drain, and probe what a worker answers', () => {
    const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
    expect(deployments).toHaveLength(2);
    const served = read('workers/metrics/serve-metrics.ts');
    for (const { spec } of deployments) {
      const { terminationGracePeriodSeconds = 0, containers: of } = spec.template.spec;
      expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(settings['SLUICE_DRAIN_SECONDS'] ?? DRAIN_SECONDS));
      for (const { ports, livenessProbe, readinessProbe, startupProbe } of of) {
        expect(ports?.[0]?.containerPort).toBe(METRICS_PORT);
        for (const probe of [livenessProbe, readinessProbe, startupProbe])
          expect(served).toContain(`path === '${probe?.httpGet.path}'`);
      }
    }
    expect(settings['SLUICE_METRICS_ADDRESS']).toBe(`0.0.0.0:${METRICS_PORT}`);
  });
});

describe('the Dockerfile', () => {
  const file = read('deploy/docker/Dockerfile');
  const { bin, engines } = JSON.parse(read('package.json')) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly engines: { readonly node: string };
  };

  it('runs the program of the package itself on a Node that it supports, not as root, and not by npx', () => {
    const majors = [...file.matchAll(/^FROM node:(\d+)\S*/gm)].map(([, major]) => Number(major));
    expect(majors).toHaveLength(2);
    expect(majors.every((major) => major > Number.parseInt(engines.node.replace(/^>=/, ''), 10))).toBe(true);
    const program = `node_modules/sluice/${bin['sluice']?.replace('./', '')}`;
    expect(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(file)?.[1] ?? '')).toEqual(['node', program]);
    checkCommand(JSON.parse(/^CMD (.*)$/m.exec(file)?.[1] ?? '') as string[]);
    expect(file).toMatch(/^USER node$/m);
    expect(file).toContain(`EXPOSE ${METRICS_PORT}`);
  });
});

describe('the systemd unit', () => {
  const unit = read('deploy/systemd/sluice-worker@.service');

  it('runs a command that exists, for each role, and waits longer than it needs to drain', () => {
    const command = /^ExecStart=\S+ \S+ (.*)$/m.exec(unit)?.[1] ?? '';
    for (const role of ['interactive', 'bulk', 'background']) checkCommand(command.replace('%i', role).split(' '));
    const drain = Number(/SLUICE_DRAIN_SECONDS=(\d+)/.exec(unit)?.[1]);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(drain);
    expect((unit.match(/\bSLUICE_[A-Z_]+/g) ?? []).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the rules for Prometheus', () => {
  const { groups } = parse(read('deploy/prometheus/sluice-alerts.yml')) as {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  };
  const names = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));

  it('are each explained to whom they wake: what it means, and what to do', () => {
    const page = read('docs/operate/operating.md');
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !new RegExp(`^\\| \`${name}\` +\\| \\S`, 'm').test(page))).toEqual([]);
  });

  it('are each seen to fire on series that were made up', () => {
    const played = read('test/fixtures/alert-rules.yml');
    const firing = [...played.matchAll(/alertname: (\w+)\n\s+exp_alerts:|alertname="(\w+)"/g)].map(
      ([, a, b]) => a ?? b,
    );
    expect(names.filter((name) => !firing.includes(name))).toEqual([]);
  });

  const promtool = ['/usr/bin/promtool', '/usr/local/bin/promtool'].find((path) => existsSync(path));
  if (promtool === undefined) console.warn('promtool is not installed: it does not check the rules for Prometheus.');
  it.skipIf(promtool === undefined)('and the configuration are taken by promtool', () => {
    const check = (...args: string[]) => execFileSync(promtool as string, ['check', ...args], { encoding: 'utf8' });
    const at = (path: string) => fileURLToPath(new URL(`../../../deploy/prometheus/${path}`, import.meta.url));
    expect(check('rules', at('sluice-alerts.yml'))).toContain(`${names.length} rules found`);
    expect(check('config', at('prometheus.yml'))).toContain(`${names.length} rules found`);
    const played = fileURLToPath(new URL('../../fixtures/alert-rules.yml', import.meta.url));
    expect(execFileSync(promtool as string, ['test', 'rules', played], { encoding: 'utf8' })).toContain('SUCCESS');
  });
});

describe('the Grafana dashboard', () => {
  it('asks for metrics that a worker has, each panel for one', () => {
    const { panels } = JSON.parse(read('deploy/grafana/sluice.json')) as {
      readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
    };
    const made = new Set(read('workers/metrics/sluice-metrics.ts').match(/(?<=')sluice_[a-z_]+(?=')/g));
    expect(panels.length).toBeGreaterThan(10);
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        const asked = (expr.match(/\bsluice_[a-z_]+/g) ?? []).map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));
        expect(asked, title).not.toEqual([]);
        expect(asked.filter((name) => !made.has(name)), title).toEqual([]); // prettier-ignore
      }
  });
});
