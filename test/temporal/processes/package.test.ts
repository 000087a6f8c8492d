import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createTestDatabase, type TestDatabase } from '../../setup/servers/database.ts';
import { packTarball, run } from '../../setup/programs/package.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

// What a user of the package writes, in their own project, with types checked and the built JavaScript run.
const userCode = `
import { connect } from 'sluice';
import { createWorker } from 'sluice/worker';
import { defineProvider, defineSync, get, noAuth, seconds, window } from 'sluice/provider';
import { createLimiter } from 'sluice/limiter';
import { github, githubSync, issues } from 'sluice/providers/github';
import { simulateSync, startFakeApi } from 'sluice/testing';
import { z } from 'zod';

const provider = defineProvider({ id: 'shop', baseUrl: process.env['SHOP_URL'] ?? 'http://127.0.0.1:1', auth: noAuth(), limits: [window('app', { by: ['app'], max: 50, perMs: seconds(1) })] });
const orders = provider.endpoint('orders', {
  input: z.object({ shop: z.string() }),
  response: z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() }),
  request: ({ shop }, page) => get(\`/shops/\${shop}/orders\`, { cursor: page.cursor, limit: page.size }),
  paginate: { kind: 'cursor', items: (answer) => answer.items, next: (answer) => answer.next, pageSize: { start: 10 } },
});
export const shop = defineSync('shop', { provider, input: z.object({ shop: z.string() }) }, (s) => ({
  orders: s.one(orders, { input: (input) => input, key: (order) => order.id }),
}));

// A provider that comes along, with a list more.
const pulls = github.endpoint('pulls', {
  input: z.object({ owner: z.string(), repo: z.string() }),
  response: z.array(z.object({ id: z.number(), title: z.string() })),
  request: ({ owner, repo }) => get(\`/repos/\${owner}/\${repo}/pulls\`),
  paginate: { kind: 'link', items: (answer) => answer },
});
export const mine = defineSync('mine', { provider: github, input: z.object({ owner: z.string(), repo: z.string() }) }, (s) => ({
  pulls: s.one(pulls, { input: (input) => input, key: (pull) => pull.id }),
  issues: s.one(issues, { input: (input) => input, key: (issue) => issue.id, map: ({ title }) => ({ title }) }),
}));

const databaseUrl = process.env['DATABASE_URL'] as string;
const temporal = { address: process.env['TEMPORAL_ADDRESS'] as string };
const worker = await createWorker({ syncs: [shop], databaseUrl, temporal });
const serving = worker.run();
const sluice = await connect({ databaseUrl, temporal });
const started = await sluice.start(shop, { account: 'a1', input: { shop: 's1' } });
const result = await started.result();
const ids: string[] = [];
for await (const order of sluice.records(shop.orders, { account: 'a1' })) ids.push(order.data.id);
await sluice.close();
worker.shutdown();
await serving;
const api = await startFakeApi();
api.list('/shops/:id/orders', { count: 23 });
const simulated = await simulateSync(shop, { api, input: { shop: 's1' } });
await api.stop();
console.log(JSON.stringify({ state: result.state, rows: ids.length, limiter: typeof createLimiter, simulated: simulated.rows(shop.orders).length, github: githubSync.definition.name }));
`;

describe('the package', () => {
  let folder: string;
  let db: TestDatabase;
  let api: FakeApi;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-package-'));
    db = await createTestDatabase();
    api = await startFakeApi();
    api.list('/shops/:id/orders', { count: 35 });
  });
  afterAll(async () => {
    await api?.stop();
    await db?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'is installed from its tarball into a scratch project, type-checked there, and syncs',
    { timeout: 600_000 },
    async () => {
      const tarball = await packTarball();
      const project = join(folder, 'project');
      await mkdir(project);
      await writeFile(
        join(project, 'package.json'),
        JSON.stringify({ name: 'scratch', private: true, type: 'module' }),
      );
      await writeFile(join(project, 'main.ts'), userCode);
      const compilerOptions = {
        target: 'es2023',
        lib: ['es2023'],
        module: 'nodenext',
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
        outDir: 'out',
        rootDir: '.',
      };
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
      await run(
        'npm',
        [
          'install',
          '--no-audit',
          '--no-fund',
          '--prefer-offline',
          tarball,
          'zod@4.6.7',
          '@types/node@20',
          'typescript@7.0.2',
        ],
        { cwd: project },
      );
      await run(process.execPath, [join(project, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project });
      const stdout = await run(process.execPath, [join(project, 'out/main.js')], {
        cwd: project,
        env: {
          ...process.env,
          SHOP_URL: api.url,
          DATABASE_URL: db.url,
          TEMPORAL_ADDRESS: temporalAddress(),
          SLUICE_TASK_QUEUE: 'package-test',
          SLUICE_LOG_LEVEL: 'error',
        },
      });
      const last = stdout.trim().split('\n').at(-1) as string;
      expect(JSON.parse(last)).toEqual({
        state: 'done',
        rows: 35,
        limiter: 'function',
        simulated: 23,
        github: 'github',
      });
      const installed = join(project, 'node_modules/sluice');
      const bill = JSON.parse(await readFile(join(installed, 'sbom.json'), 'utf8')) as { components: object[] };
      expect(bill.components).toContainEqual(
        expect.objectContaining({ name: '@temporalio/worker', hashes: expect.any(Array) as unknown }),
      );
      for (const file of ['LICENSE', 'SECURITY.md']) expect(await readFile(join(installed, file), 'utf8')).not.toBe('');
      const help = await run(process.execPath, [join(project, 'node_modules/.bin/sluice'), '--help'], { cwd: project });
      expect(help).toContain('start a run');
    },
  );
});
