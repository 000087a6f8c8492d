/**
 * Records the histories of every workflow type into test/fixtures/histories/<version>, against servers started for it.
 * Old folders stay: what was recorded with them must replay with the code of today. `npm run record-histories`.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../client/index.ts';
import { startFakeApi } from '../testing/index.ts';
import { forest } from '../test/fixtures/forest.ts';
import { findTemporalBinary } from '../workers/dev-servers/index.ts';
import { createWorker, startDevServers } from '../workers/index.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
const folder = join(root, 'test/fixtures/histories', version);
await mkdir(folder, { recursive: true });

const dataDir = await mkdtemp(join(tmpdir(), 'sluice-histories-'));
const servers = await startDevServers({ dataDir, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] } });
const api = await startFakeApi({ latencyMs: 3 });
process.env['FOREST_URL'] = api.url;
api.list('/users/:id/friends', { count: 12, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
api.list('/users/:id/posts', {
  count: ({ id }) => (id.endsWith('f5') ? undefined : 25),
  itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }),
});
const temporal = { address: servers.temporalAddress };
const worker = await createWorker({ syncs: [forest], databaseUrl: servers.databaseUrl, temporal });
const serving = worker.run();
const sluice = await connect({ databaseUrl: servers.databaseUrl, temporal });
const program = await findTemporalBinary({});

/** As the Temporal CLI writes it: the form that replays read. */
async function record(name: string, workflowId: string): Promise<void> {
  const args = [
    'workflow',
    'show',
    '--address',
    servers.temporalAddress,
    '--workflow-id',
    workflowId,
    '--output',
    'json',
  ];
  const json = execFileSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const history = JSON.parse(json) as { events: unknown[] };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ workflowId, ...history })}\n`);
  console.log(`${name}: ${history.events.length} events`);
}

const plain = await sluice.start(forest, { account: 'plain', input: { id: 'u' } });
await plain.result();
await record('sync', plain.workflowId);
await record('resource-root', `${plain.workflowId}/friends`);
await record('resource-children', `${plain.workflowId}/posts`);

// A closed key: calls that wait durably among calls that are made at once.
api.script('/users/:id/posts', [{ status: 429, headers: { 'retry-after': '2' }, body: {} }]);
const limited = await sluice.start(forest, { account: 'limited', input: { id: 'u' } });
await limited.result();
await record('resource-limited', `${limited.workflowId}/posts`);

const cut = await sluice.start(forest, { account: 'cut', input: { id: 'u' }, maxHistoryEvents: 50 });
await cut.result();
await record('resource-continued', `${cut.workflowId}/posts`);

api.list('/users/:id/posts', { count: 500, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
const paused = await sluice.start(forest, { account: 'paused', input: { id: 'u' } });
while (api.report().byRoute['GET /users/:id/posts'] === undefined || api.report().calls < 200)
  await new Promise((resolve) => setTimeout(resolve, 20));
await paused.pause();
await new Promise((resolve) => setTimeout(resolve, 1_500));
await paused.resume();
await paused.result();
await record('sync-paused', paused.workflowId);
await record('resource-paused', `${paused.workflowId}/posts`);

await sluice.close();
worker.shutdown();
await serving;
await api.stop();
await servers.stop();
await rm(dataDir, { recursive: true, force: true });
