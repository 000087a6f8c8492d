/** `sluice dev` as a user has it: started by `npx`, its worker reloading whatever way an editor saves, and gone when it is ended. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../../dev-servers/server-process.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { createProjects, KINDS, type Projects, type Started } from '../../setup/programs/published-project.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

/** Its name is that of no other project, so that processes are found by it, whatever else runs on the machine. */
const MODULE = `src/watched-${process.pid}.ts`;
const dev = `npx sluice dev --module ${MODULE}`;
const worker = `worker --module ${MODULE} --schedules`;

describe('sluice dev', { timeout: 240_000 }, () => {
  let db: TestDatabase;
  let projects: Projects;
  beforeAll(async () => {
    db = await createTestDatabase();
    projects = await createProjects({ DATABASE_URL: db.url, TEMPORAL_ADDRESS: temporalAddress() });
    for (const kind of KINDS)
      await rename(join(projects.folderOf(kind), 'src/sluice.ts'), join(projects.folderOf(kind), MODULE));
  }, 300_000);
  afterAll(async () => {
    await projects?.remove();
    await db?.drop();
  });

  const servingCount = ({ said }: Started): number => said().split('worker is serving').length - 1;

  it.each([
    [20, 'with tsx'],
    [24, 'without tsx'],
  ] as const)('starts its worker again after every save, however it is made, on Node %d %s', async (version, kind) => {
    const cwd = await projects.copyOf(kind, `reload-${version}`, 'commonjs');
    const network = join(cwd, 'src/network.ts');
    const module = join(cwd, MODULE);
    const text = await readFile(module, 'utf8');
    await writeFile(network, text);
    await writeFile(module, "export * from './network.js';\n");
    const running = projects.start(dev, version, cwd);
    try {
      let served = 1;
      const serves = async () => {
        await expect.poll(() => servingCount(running), { timeout: 60_000, message: running.said() }).toBe(served);
        served += 1;
      };
      await serves();
      // As `sed -i`, vim and JetBrains save: a new file takes the place of the old one. Three times, and of both files.
      for (const file of [network, network, module]) {
        await writeFile(`${file}.new`, `${await readFile(file, 'utf8')}// saved by renaming\n`);
        await rename(`${file}.new`, file);
        await serves();
      }
      await writeFile(network, text);
      await serves();
      await writeFile(module, "export * from './network.js';\nexport * from './later.js';\n");
      await expect.poll(running.said).toContain('it starts again when a file changes');
      expect(running.said()).toContain(`${MODULE} has changed: the worker starts again`);
      // What it lacked comes by itself.
      await writeFile(join(cwd, 'src/later.ts'), 'export const later: number = 1;\n');
      await serves();
      // One worker is there, not one for each save.
      expect(childrenNamed(worker)).toHaveLength(1);
    } finally {
      await running.stop();
    }
    expect(childrenNamed(worker)).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'ends its servers and its worker when the npx that started it gets %s',
    async (signal) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'sluice-npx-dev-'));
      const none = { DATABASE_URL: '', TEMPORAL_ADDRESS: '' };
      const cwd = projects.folderOf('without tsx');
      const running = projects.start(`exec ${dev} --data-dir ${dataDir}`, 24, cwd, none);
      try {
        await expect.poll(running.said, { timeout: 120_000 }).toContain('worker is serving');
        const pids = await pidsOf(dataDir);
        expect(pids).toHaveLength(2);
        const workers = childrenNamed(worker);
        expect(workers).toHaveLength(1);
        // Npx alone, and not its group: what it has started must find out.
        process.kill(running.child.pid as number, signal);
        await expect.poll(() => [...pids, ...workers].filter((pid) => isRunning(pid)), { timeout: 30_000 }).toEqual([]);
      } finally {
        await running.stop();
        await rm(dataDir, { recursive: true, force: true });
      }
    },
  );

  it('ends its servers and its worker when it is killed itself', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-npx-dev-'));
    const cwd = projects.folderOf('without tsx');
    const line = `exec node node_modules/.bin/sluice dev --module ${MODULE} --data-dir ${dataDir}`;
    const running = projects.start(line, 24, cwd, { DATABASE_URL: '', TEMPORAL_ADDRESS: '' });
    try {
      await expect.poll(running.said, { timeout: 120_000 }).toContain('worker is serving');
      const pids = [...(await pidsOf(dataDir)), ...childrenNamed(worker)];
      expect(pids).toHaveLength(3);
      process.kill(running.child.pid as number, 'SIGKILL');
      await expect.poll(() => pids.filter((pid) => isRunning(pid)), { timeout: 30_000 }).toEqual([]);
    } finally {
      await running.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

/** Of the servers that keep their data there. */
async function pidsOf(dataDir: string): Promise<number[]> {
  const records = (await readdir(dataDir)).filter((file) => /^(?:postgres|temporal)\.json$/.test(file));
  const texts = await Promise.all(records.map((file) => readFile(join(dataDir, file), 'utf8')));
  return texts.map((text) => (JSON.parse(text) as { pid: number }).pid);
}

/** Processes of node, of any user, whose command line ends so. */
function childrenNamed(ending: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.trim().endsWith(ending) && /\bnode\b/.test(line))
    .map((line) => Number.parseInt(line, 10));
}
