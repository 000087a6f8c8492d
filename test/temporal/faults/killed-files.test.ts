/** A worker that is killed in the middle of a file: nothing half-written counts as kept. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { attachments } from '../../fixtures/attachments.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { startWorkerProcess, type WorkerProcess } from '../../setup/programs/worker-process.ts';

const SIZE = 5_000_000;
let api: FakeApi;
let world: World;
let folder: string;
let worker: WorkerProcess;
const startWorker = () =>
  startWorkerProcess({
    module: 'attachments.ts',
    databaseUrl: world.db.url,
    taskQueue: world.taskQueue,
    env: { ATTACHMENTS_URL: api.url, ATTACHMENTS_FOLDER: folder },
  });
beforeAll(async () => {
  api = await startFakeApi();
  folder = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
  world = await createWorld([], { workers: 0 });
});
afterAll(async () => {
  await worker?.kill();
  await world?.end();
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

it('fetches the files anew whose worker was killed, and no half of one is a row or has the name of a whole one', async () => {
  const ids = ['a', 'b', 'c'];
  api.route('GET', '/messages', () => ({ body: { items: ids.map((id) => ({ id })) } }));
  let goOn!: () => void;
  const halted = new Promise<void>((resolve) => (goOn = resolve));
  let begun = 0;
  // The first time no file comes to its end.
  api.route('GET', '/messages/:id/attachment', (_, { id }) => {
    const isHalted = ++begun <= ids.length;
    const stream = (async function* () {
      yield Buffer.alloc(SIZE / 2, id);
      if (isHalted) await halted;
      yield Buffer.alloc(SIZE / 2, id);
    })();
    return { headers: { 'content-type': 'image/png' }, stream };
  });
  worker = await startWorker();
  const run = await world.sluice.start(attachments, { account: 'acct', input: {} });
  const parts = async (): Promise<string[]> => readdir(join(folder, '.parts')).catch(() => []);
  await expect.poll(async () => (await parts()).length, { timeout: 60_000, interval: 50 }).toBe(3);
  await worker.kill();
  expect(await readdir(folder)).toEqual(['.parts']);
  goOn();
  worker = await startWorker();
  expect(await run.result()).toMatchObject({ state: 'done', complete: true, rows: 6 });
  for await (const { key, data } of world.sluice.records(attachments.files, { account: 'acct' })) {
    const whole = Buffer.alloc(SIZE, key);
    expect(data).toMatchObject({ bytes: SIZE, sha256: createHash('sha256').update(whole).digest('hex') });
    expect((await readFile(join(folder, data?.ref ?? ''))).equals(whole)).toBe(true);
  }
});
