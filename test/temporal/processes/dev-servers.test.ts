/** Development servers, real ones: found, started, remembered, taken over, replaced, and gone when they should be. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { test as base, expect, vi } from 'vitest';
import { searchAttributes } from '../../../contracts/names.ts';
import { findDevServers, startDevServers, stopDevServers, type DevServers } from '../../../dev-servers/index.ts';
import { postgresServer, temporalAddress } from '../../setup/servers/servers.ts';
import { built } from '../../setup/programs/programs.ts';

const env = { ...process.env };
for (const name of Object.keys(env)) if (name === 'DATABASE_URL' || name.startsWith('TEMPORAL_')) delete env[name];

/** One data folder for each test; what runs on it at the end of a test is ended, and must then be gone. */
const test = base.extend<{ site: Site }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest wants to see which fixtures a fixture needs
  site: async ({}, use) => {
    const site = new Site(await mkdtemp(join(tmpdir(), 'sluice-dev-servers-')));
    await use(site);
    await site.clear();
  },
}).concurrent;

test('the first start owns both servers, a second one finds them and leaves them running', async ({ site }) => {
  const first = await site.start();
  expect(first.owned).toEqual({ postgres: true, temporal: true });
  expect((await fetch(first.webUiUrl ?? '')).status).toBe(200);
  const second = await site.start();
  expect(second.owned).toEqual({ postgres: false, temporal: false });
  expect(addresses(second)).toEqual(addresses(first));
  await second.stop();
  expect(await findDevServers({ dataDir: site.dataDir })).toEqual(addresses(first));
  expect(await query(first, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await attributesOf(first)).toEqual(Object.values(searchAttributes).sort());
  await first.stop();
  await site.noProcessLeft();
  expect(await findDevServers({ dataDir: site.dataDir })).toEqual({});
});

test('starts at the same moment make one server each', async ({ site }) => {
  const all = await Promise.all([site.start(), site.start(), site.start()]);
  expect(all.filter(({ owned }) => owned.postgres)).toHaveLength(1);
  expect(all.filter(({ owned }) => owned.temporal)).toHaveLength(1);
  expect(new Set(all.map(({ databaseUrl, temporalAddress }) => databaseUrl + temporalAddress)).size).toBe(1);
  expect(site.servers()).toHaveLength(2);
  await Promise.all(all.map((servers) => servers.stop()));
});

test('rows, workflows and ports are the same after a restart', async ({ site }) => {
  const first = await site.start();
  await query(first, 'create table kept as select 42 as answer');
  await startWorkflow(first, 'kept-workflow');
  await first.stop();
  await site.noProcessLeft();
  const second = await site.start();
  expect(addresses(second)).toEqual(addresses(first));
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(await workflowStatus(second, 'kept-workflow')).toBe('RUNNING');
  await second.stop();
});

test('a port that somebody took meanwhile is replaced by a free one', async ({ site }) => {
  const first = await site.start();
  await first.stop();
  const thief = createServer().listen(Number(new URL(first.databaseUrl).port), '127.0.0.1');
  await once(thief, 'listening');
  const second = await site.start();
  expect(new URL(second.databaseUrl).port).not.toBe(new URL(first.databaseUrl).port);
  expect(second.temporalAddress).toBe(first.temporalAddress);
  expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
  thief.close();
  await second.stop();
});

test('Ctrl-C ends the owner and both servers when nobody handles it', async ({ site }) => {
  const owner = await site.startOwner('die');
  process.kill(-owner.pid, 'SIGINT');
  expect(await owner.ended).toEqual([null, 'SIGINT']);
  await site.noProcessLeft();
});

test('at Ctrl-C an owner that drains still has its servers until it stops them', async ({ site }) => {
  const owner = await site.startOwner('drain');
  process.kill(-owner.pid, 'SIGINT');
  expect(await owner.nextLine()).toEqual({ webUiStatus: 200 });
  expect(await owner.ended).toEqual([0, null]);
  expect(site.servers()).toEqual([]);
  await site.noProcessLeft();
});

test('servers of an owner that was killed end by themselves, and a start at once has their data', async ({ site }) => {
  const owner = await site.startOwner('die');
  await query(owner.servers, 'create table kept as select 42 as answer');
  await startWorkflow(owner.servers, 'kept-workflow');
  const before = site.servers().map(({ pid }) => pid);
  process.kill(owner.pid, 'SIGKILL');
  await owner.ended;
  const next = await site.start();
  expect(next.owned).toEqual({ postgres: true, temporal: true });
  expect(site.servers().filter(({ pid }) => before.includes(pid))).toEqual([]);
  expect(await query(next, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(await workflowStatus(next, 'kept-workflow')).toBe('RUNNING');
  await next.stop();
});

test('an owner that is killed while its servers start leaves none, and the next start has its own', async ({
  site,
}) => {
  const owner = site.spawnOwner('die');
  await vi.waitFor(() => expect(site.servers().length).toBeGreaterThan(0), { timeout: 30_000, interval: 1 });
  owner.kill('SIGKILL');
  await site.noProcessLeft();
  const next = await site.start();
  expect(next.owned).toEqual({ postgres: true, temporal: true });
  await next.stop();
});

test('a server that outlived its killed owner and guard is taken over, and ends with the new owner', async ({
  site,
}) => {
  const owner = await site.startOwner('die');
  const before = site.servers().map(({ pid }) => pid);
  for (const { pid } of guardsOf(before)) process.kill(pid, 'SIGKILL');
  process.kill(owner.pid, 'SIGKILL');
  await owner.ended;
  const next = await site.start();
  expect(next.owned).toEqual({ postgres: true, temporal: true });
  expect(site.servers().map(({ pid }) => pid)).toEqual(before);
  expect(site.lines.filter((line) => line.includes('taken over'))).toHaveLength(2);
  await next.stop();
  await site.noProcessLeft();
});

test('a server that hangs is replaced', async ({ site }) => {
  const first = await site.start();
  const hung = site.servers().find(({ command }) => command.includes('start-dev'));
  process.kill(hung?.pid ?? 0, 'SIGSTOP');
  const second = await site.start();
  expect(site.lines).toContain(`temporal: process ${hung?.pid} does not answer and is replaced`);
  expect(second.owned).toEqual({ postgres: false, temporal: true });
  expect(second.temporalAddress).toBe(first.temporalAddress);
  await second.stop();
  await first.stop();
});

test('servers that crashed are started again on their data', async ({ site }) => {
  const first = await site.start();
  await query(first, 'create table kept as select 42 as answer');
  await startWorkflow(first, 'kept-workflow');
  for (const { pid } of site.servers()) process.kill(pid, 'SIGKILL');
  const second = await site.start();
  expect(second.owned).toEqual({ postgres: true, temporal: true });
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(await workflowStatus(second, 'kept-workflow')).toBe('RUNNING');
  await first.stop();
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await second.stop();
});

test('a record with the process id of a stranger harms nobody', async ({ site }) => {
  const stranger = spawn('sleep', ['60']);
  site.owners.push(stranger);
  const record = { pid: stranger.pid, marker: '', ownerPid: process.pid, isKept: true, port: 1, uiPort: 2 };
  for (const name of ['postgres', 'temporal'])
    await writeFile(join(site.dataDir, `${name}.json`), JSON.stringify(record));
  const servers = await site.start();
  expect(servers.owned).toEqual({ postgres: true, temporal: true });
  await servers.stop();
  expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
});

test('an unreadable record and the lock of a process that is gone do not stand in the way', async ({ site }) => {
  const gone = spawn('true');
  await once(gone, 'exit');
  await writeFile(join(site.dataDir, 'postgres.json'), '{"pid":');
  await writeFile(join(site.dataDir, 'postgres.lock'), String(gone.pid));
  await writeFile(join(site.dataDir, 'temporal.lock'), String(gone.pid));
  const servers = await site.start();
  expect(servers.owned).toEqual({ postgres: true, temporal: true });
  await servers.stop();
});

test('servers that are kept outlive their owner until they are stopped by name', async ({ site }) => {
  const owner = await site.startOwner('keep');
  expect(await owner.ended).toEqual([0, null]);
  const next = await site.start();
  expect(next.owned).toEqual({ postgres: false, temporal: false });
  await next.stop();
  expect(site.servers()).toHaveLength(2);
  expect((await stopDevServers({ dataDir: site.dataDir, env })).sort()).toEqual(['postgres', 'temporal']);
  expect(site.servers()).toEqual([]);
  expect(await stopDevServers({ dataDir: site.dataDir, env })).toEqual([]);
});

test('servers named by the environment are used, and nothing is started', async ({ site }) => {
  const given = { ...env, DATABASE_URL: postgresServer().adminUrl, TEMPORAL_ADDRESS: temporalAddress() };
  const servers = await startDevServers({ dataDir: site.dataDir, env: given });
  expect(servers).toMatchObject({
    databaseUrl: given.DATABASE_URL,
    temporalAddress: given.TEMPORAL_ADDRESS,
    namespace: 'default',
    owned: { postgres: false, temporal: false },
  });
  expect(servers.webUiUrl).toBeUndefined();
  await servers.stop();
  expect(site.servers()).toEqual([]);
  expect(await query(servers, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a Temporal server that does not answer is named, and the Postgres started beside it is stopped', async ({
  site,
}) => {
  const given = { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  await expect(startDevServers({ dataDir: site.dataDir, env: given })).rejects.toThrow(
    /server at 127\.0\.0\.1:1 .*does not answer/,
  );
  expect(site.servers()).toEqual([]);
});

test('TEMPORAL_NAMESPACE alone gives the development server that namespace, and a running one is not replaced', async ({
  site,
}) => {
  const first = await site.start();
  const named = { ...env, TEMPORAL_NAMESPACE: 'shop' };
  await expect(startDevServers({ dataDir: site.dataDir, env: named })).rejects.toThrow(
    /started without the namespace "shop"/,
  );
  expect(await query(first, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await attributesOf(first)).toHaveLength(5);
  await first.stop();
  const second = await startDevServers({ dataDir: site.dataDir, env: named });
  expect(second.namespace).toBe('shop');
  expect(await attributesOf(second)).toHaveLength(5);
  await second.stop();
});

test('a data folder of another Postgres version fails with the end of the log, and leaves no process', async ({
  site,
}) => {
  const first = await site.start();
  await first.stop();
  await writeFile(join(site.dataDir, 'postgres', 'PG_VERSION'), '12\n');
  await expect(site.start()).rejects.toThrow(
    /postgres did not start: it exited with code 1\. The end of .*postgres\.log:\n[^]*version 12/,
  );
  await site.noProcessLeft();
});

if (process.getuid?.() === 0) {
  test('root is told when the folder is closed to the user who runs Postgres', async ({ site }) => {
    await chmod(site.dataDir, 0o700);
    const inner = join(site.dataDir, 'inner');
    await mkdir(inner);
    await expect(startDevServers({ dataDir: inner, env })).rejects.toThrow(
      new RegExp(`the user "\\w+" who would run it can't pass ${site.dataDir}`),
    );
  });
}

test('what is kept is readable for nobody else', async ({ site }) => {
  await site.start();
  const open: string[] = [];
  for (const name of await readdir(site.dataDir)) {
    const { mode } = await stat(join(site.dataDir, name));
    if ((mode & 0o077) !== 0) open.push(name);
  }
  expect(open).toEqual([]);
});

class Site {
  readonly lines: string[] = [];
  readonly owners: ChildProcess[] = [];
  readonly #seen = new Set<number>();
  readonly dataDir: string;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  async start(): Promise<DevServers> {
    const started = await startDevServers({ dataDir: this.dataDir, env, log: (line) => this.lines.push(line) });
    this.servers();
    return started;
  }

  /** A process of its own in a group of its own, as a terminal starts one. */
  spawnOwner(atEnd: 'die' | 'drain' | 'keep') {
    const child = spawn(process.execPath, [built('test/setup/servers/dev-servers-owner.ts'), this.dataDir, atEnd], {
      detached: true,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.owners.push(child);
    return child;
  }

  /** The same, when it has its servers. */
  async startOwner(atEnd: 'die' | 'drain' | 'keep') {
    const child = this.spawnOwner(atEnd);
    const ended = once(child, 'exit');
    const output = createInterface(child.stdout)[Symbol.asyncIterator]();
    const nextLine = async () => JSON.parse((await output.next()).value as string) as unknown;
    const servers = (await nextLine()) as Servers;
    this.servers();
    return { pid: child.pid as number, servers, nextLine, ended };
  }

  /** The two servers on this folder, without their own children. */
  servers(): Process[] {
    const found = processes().filter(
      ({ command }) => command.includes(`${this.dataDir}/`) && /postgres -D|start-dev/.test(command),
    );
    for (const { pid } of found) this.#seen.add(pid);
    return found;
  }

  /** Neither server nor guard is left of all that ran here. Temporal takes up to 1.5 seconds to go. */
  async noProcessLeft(): Promise<void> {
    const left = () => [...this.servers(), ...guardsOf([...this.#seen])];
    await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 15_000, interval: 50 });
  }

  async clear(): Promise<void> {
    for (const owner of this.owners) owner.kill('SIGKILL');
    await stopDevServers({ dataDir: this.dataDir, env });
    await this.noProcessLeft();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

function addresses({
  databaseUrl,
  temporalAddress,
  webUiUrl,
}: Pick<DevServers, 'databaseUrl' | 'temporalAddress' | 'webUiUrl'>) {
  return { databaseUrl, temporalAddress, webUiUrl };
}

type Servers = Pick<DevServers, 'databaseUrl' | 'temporalAddress'>;

async function query(servers: Servers, sql: string): Promise<unknown[]> {
  const client = new Postgres({ connectionString: servers.databaseUrl });
  client.on('error', () => {
    // some tests end the server under the connection
  });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function withTemporal<T>(
  servers: Servers & { namespace?: string },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address: servers.temporalAddress });
  try {
    return await work(new Client({ connection, namespace: servers.namespace ?? 'default' }));
  } finally {
    await connection.close();
  }
}

function attributesOf(servers: DevServers): Promise<string[]> {
  return withTemporal(servers, async ({ connection, options }) => {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: options.namespace,
    });
    return Object.keys(customAttributes).sort();
  });
}

function startWorkflow(servers: Servers, workflowId: string): Promise<unknown> {
  return withTemporal(servers, ({ workflow }) => workflow.start('nobodyRunsIt', { taskQueue: 'nobody', workflowId }));
}

function workflowStatus(servers: Servers, workflowId: string): Promise<string> {
  return withTemporal(servers, async ({ workflow }) => (await workflow.getHandle(workflowId).describe()).status.name);
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

function processes(): Process[] {
  const table = execFileSync('ps', ['-axww', '-o', 'pid=,stat=,command='], { encoding: 'utf8' });
  return table.split('\n').flatMap((line) => {
    const [, pid, state, command] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid && command && !state?.startsWith('Z') ? [{ pid: Number(pid), command }] : [];
  });
}

function guardsOf(pids: readonly number[]): Process[] {
  return processes().filter(({ command }) => pids.some((pid) => command.endsWith(`sluice-guard ${pid}`)));
}
