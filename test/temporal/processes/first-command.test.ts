/**
 * The README's own lines in an empty project, with the package as it is published: on Node 20, 22 and 24, with the newest tsx and
 * without.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { run } from '../../setup/programs/package.ts';
import {
  createProjects,
  KINDS,
  readmeLine,
  readmeLines,
  repository,
  VERSIONS,
  type Projects,
  type Version,
} from '../../setup/programs/published-project.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

describe('the first command', { timeout: 300_000 }, () => {
  let db: TestDatabase;
  let api: FakeApi;
  let projects: Projects;

  /** Serves until `work` is done. */
  const whileServing = async (line: string, version: Version, cwd: string, work: () => Promise<void>) => {
    const serving = projects.start(line, version, cwd);
    try {
      await expect.poll(serving.said, { timeout: 60_000 }).toContain('worker is serving');
      await work();
    } finally {
      await serving.stop();
    }
  };

  beforeAll(async () => {
    db = await createTestDatabase();
    api = await startFakeApi();
    const user = (id: string) => ({ id, name: `User ${id}` });
    api.object('/users/:id', ({ id }) => user(id));
    api.list('/users/:id/friends', { count: 4, itemAt: ({ id }, i) => user(`${id}-f${i}`) });
    api.list('/users/:id/posts', {
      count: 3,
      itemAt: ({ id }, i) => ({ id: `${id}-p${i}`, text: 'hi', updatedAt: '2026-01-01T00:00:00Z' }),
    });
    projects = await createProjects({
      DATABASE_URL: db.url,
      TEMPORAL_ADDRESS: temporalAddress(),
      SOCIAL_URL: api.url,
    });
  }, 300_000);
  afterAll(async () => {
    await projects?.remove();
    await api?.stop();
    await db?.drop();
  });

  const cases = VERSIONS.flatMap((version) => KINDS.map((project) => [version, project] as const)); // prettier-ignore

  it.each(cases)('serves and syncs on Node %d %s', async (version, project) => {
    const cwd = projects.folderOf(project);
    const start = await readmeLine('npx sluice start');
    if (version === 20 && project === 'without tsx') {
      expect(await projects.failure(start, version, cwd)).toMatch(
        /src\/sluice\.ts is TypeScript, which Node v20\S+ does not read by itself\. Run `npm install --save-dev tsx`, use Node 22\.18/,
      );
      return;
    }
    await whileServing(await readmeLine('npx sluice dev'), version, cwd, async () => {
      const ended = await projects.shell(start, version, cwd);
      expect(ended).toMatch(/sync\/network\/acct_42 {2}done/);
      expect(ended).toMatch(/posts +done +0 +0 +4 +0 +0 +4 +12 +4/);
      for (const line of await readmeLines('npx sluice status')) await projects.shell(line, version, cwd);
    });
  });

  it('understands every other line of the README', async () => {
    const cwd = projects.folderOf('without tsx');
    for (const kind of ['limits', 'reports', 'accounts'])
      for (const line of await readmeLines(`npx sluice ${kind}`)) await projects.shell(line, 24, cwd);
    const retry = await readmeLine('npx sluice retry');
    await whileServing(await readmeLine('npx sluice dev'), 24, cwd, async () => {
      // The run before it has read all.
      expect(await projects.failure(`${retry} --wait`, 24, cwd)).toContain('there is nothing to retry');
    });
  });

  const builds = new Map<string, Promise<string>>();
  /** The example as JavaScript, built once for all versions of Node. @returns its folder. */
  const build = async (type: string): Promise<string> => {
    const cwd = await projects.copyOf('without tsx', `built-${type}`, type);
    const options = { target: 'es2023', module: 'nodenext', types: [], skipLibCheck: true, strict: true, outDir: 'dist', rootDir: 'src' }; // prettier-ignore
    await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }));
    await writeFile(join(cwd, 'src/globals.d.ts'), 'declare const process: { env: Record<string, string> };');
    await run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', cwd], { cwd });
    expect(/^export |^import /m.test(await readFile(join(cwd, 'dist/sluice.js'), 'utf8'))).toBe(type === 'module');
    return cwd;
  };

  it.each(VERSIONS)('serves JavaScript that was built for CommonJS and for ES modules, on Node %d', async (version) => {
    const worker = await readmeLine('npx sluice worker');
    for (const type of ['commonjs', 'module']) {
      if (!builds.has(type)) builds.set(type, build(type));
      await whileServing(worker, version, (await builds.get(type)) as string, () => Promise.resolve());
    }
  });

  it.each(cases.filter(([version, project]) => version > 20 || project === 'with tsx'))(
    'reads a module whatever `type` its package.json says, and the TypeScript that `./other.js` means, on Node %d %s',
    async (version, project) => {
      for (const type of ['commonjs', 'module', undefined]) {
        const cwd = await projects.copyOf(
          project,
          `typed-${type ?? 'none'}-${version}-${project.replace(' ', '-')}`,
          type,
        );
        await cp(join(cwd, 'src/sluice.ts'), join(cwd, 'src/network.ts'));
        await writeFile(join(cwd, 'src/sluice.ts'), "import { network } from './network.js';\nexport const all = { list: [network] };\n"); // prettier-ignore
        const start = await readmeLine('npx sluice start');
        const line = start.replace('"u1"', '1').replace('npx sluice', 'node node_modules/.bin/sluice');
        expect(await projects.failure(line, version, cwd)).toContain(
          '--input of "network" does not fit: userId: Invalid input: expected string, received number',
        );
      }
    },
  );

  it('limits calls with the example of docs/guides/limiter-alone.md on an empty database', async () => {
    const docs = await readFile(join(repository, 'docs/guides/limiter-alone.md'), 'utf8');
    const [, install = ''] = /^```sh\n(npm install .*)\n```/m.exec(docs) ?? [];
    const [, code = ''] = /^```js\n([\s\S]*?)^```/m.exec(docs) ?? [];
    const cwd = await projects.ownCopyOf('without tsx', 'limits-alone');
    await projects.shell(install, 24, cwd);
    await writeFile(join(cwd, 'limiter.mjs'), code);
    api.object('/search', () => ({ items: [] }));
    const limit = api.limit({ name: 'search', by: 'app', kind: 'sliding', max: 10, perMs: 1_000 });
    const empty = await createEmptyDatabase();
    try {
      const started = performance.now();
      const ran = projects.start('node limiter.mjs', 24, cwd, { DATABASE_URL: empty.url, SHOP_URL: api.url });
      await ran.ended;
      expect(ran.said()).toContain('12 answers');
      // Five a second for each of two accounts: the last two have waited for the next second.
      expect(performance.now() - started).toBeGreaterThan(1_000);
      expect(limit.violations()).toBe(0);
    } finally {
      await empty.drop();
    }
  });

  it('limits calls with the example of the limiter’s own package, which needs `pg` alone', async () => {
    const docs = await readFile(join(repository, 'limiter/README.md'), 'utf8');
    const [, install = ''] = /^```sh\n(npm install .*)\n```/m.exec(docs) ?? [];
    const [, code = ''] = /^```js\n([\s\S]*?)^```/m.exec(docs) ?? [];
    const cwd = await projects.emptyFolder('limiter');
    await run(process.execPath, ['scripts/build-limiter.mjs', '--out', join(cwd, 'built')], { cwd: repository });
    await run('npm', ['pack', './built', '--pack-destination', cwd], { cwd });
    await projects.shell('npm init -y', 24, cwd);
    await projects.shell(install.replace('sluice-limiter', './sluice-limiter-0.1.0.tgz'), 24, cwd);
    const { dependencies } = JSON.parse(await readFile(join(cwd, 'built/package.json'), 'utf8')) as {
      dependencies: object;
    };
    expect(Object.keys(dependencies)).toEqual(['pg']);
    await writeFile(join(cwd, 'limited.mjs'), code);
    api.object('/shop', () => ({ items: [] }));
    const empty = await createEmptyDatabase();
    try {
      for (const version of VERSIONS) {
        const ran = projects.start('node limited.mjs', version, cwd, {
          DATABASE_URL: empty.url,
          SHOP_URL: `${api.url}/shop`,
        });
        await ran.ended;
        expect(ran.said().trim()).toBe('200');
      }
    } finally {
      await empty.drop();
    }
  });

  it('says why tsx could not be loaded, and what Node alone does not understand', async () => {
    const start = 'node node_modules/.bin/sluice start network --account a';
    const broken = await projects.copyOf('without tsx', 'broken-tsx', 'module');
    await rm(join(broken, 'node_modules'));
    await mkdir(join(broken, 'node_modules/tsx'), { recursive: true });
    await writeFile(join(broken, 'node_modules/tsx/package.json'), '{"name":"tsx","exports":{"./package.json":"./package.json","./esm/api":{"import":{"default":"./api.mjs"}}}}'); // prettier-ignore
    await writeFile(join(broken, 'node_modules/tsx/api.mjs'), "throw new Error('esbuild is for another platform');");
    const sluice = join(projects.folderOf('without tsx'), 'node_modules/.bin/sluice');
    expect(await projects.failure(`node ${sluice} start network --account a`, 24, broken)).toMatch(
      /`tsx` is installed, but could not be loaded from node_modules\/tsx\/api\.mjs by Node v24\S+: esbuild is for another platform/,
    );
    const more = await projects.copyOf('without tsx', 'more-than-types', 'module');
    await writeFile(join(more, 'src/sluice.ts'), 'export enum Kind { one }\n');
    expect(await projects.failure(start, 24, more)).toMatch(
      /src\/sluice\.ts could not be loaded: .*enum[\s\S]*npm install --save-dev tsx/,
    );
    await writeFile(join(more, 'src/sluice.ts'), "const x: number = 1;\nthrow new Error('no settings ' + x);\n");
    expect(await projects.failure(start, 24, more)).toContain(
      'src/sluice.ts could not be loaded: no settings 1 (src/sluice.ts:2:7)',
    );
  });
});
