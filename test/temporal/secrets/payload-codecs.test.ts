/** An app's own codec: what Temporal keeps of a sync and of a failed action, decoded by nobody else. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ActionFailed, connect, SyncBusy, type Sluice } from '../../../client/index.ts';
import { defineProvider, defineSync, get, noAuth, post, window } from '../../../providers/index.ts';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { createWorker, type SluiceWorker } from '../../../workers/index.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';
import { createWorld, type World } from '../../setup/world.ts';

const KEY = randomBytes(32);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** As an app would have one: the whole payload as the data of another. */
const codec: PayloadCodec = {
  encode: (payloads) =>
    Promise.resolve(
      payloads.map(({ metadata, data }) => {
        const nonce = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', KEY, nonce);
        const plain = JSON.stringify({ encoding: text(metadata?.['encoding'] ?? new Uint8Array()), data: text(data ?? new Uint8Array()) }); // prettier-ignore
        const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
        return { metadata: { encoding: Buffer.from('binary/sealed') }, data: sealed };
      }),
    ),
  decode: (payloads) =>
    Promise.resolve(
      payloads.map((payload): Payload => {
        if (text(payload.metadata?.['encoding'] ?? new Uint8Array()) !== 'binary/sealed') return payload;
        const bytes = Buffer.from(payload.data ?? new Uint8Array());
        const opening = createDecipheriv('aes-256-gcm', KEY, bytes.subarray(0, 12));
        opening.setAuthTag(bytes.subarray(-16));
        const plain = Buffer.concat([opening.update(bytes.subarray(12, -16)), opening.final()]).toString('utf8');
        const { encoding, data } = JSON.parse(plain) as { encoding: string; data: string };
        return { metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data) };
      }),
    ),
};

/** Every text and every byte, wherever it is. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [text(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

describe('payload codecs', () => {
  let api: FakeApi;
  let world: World;
  let worker: SluiceWorker;
  let serving: Promise<void>;
  let sluice: Sluice;
  const provider = defineProvider({
    id: 'clinic',
    baseUrl: () => api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
  });
  const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
  const patients = provider.endpoint('patients', {
    input: z.object({ name: z.string() }),
    response: Page,
    request: ({ name }, page) => get('/patients', { name, cursor: page.cursor, limit: page.size }),
    paginate: { kind: 'cursor', items: (page) => page.items, next: (page) => page.next },
  });
  const sync = defineSync('patients', { provider, input: z.object({ name: z.string() }) }, (s) => ({
    list: s.one(patients, { input: (input) => input, key: ({ id }) => id }),
  }));
  const admit = provider.action('admit', {
    input: z.object({ name: z.string() }),
    output: z.object({ id: z.string() }),
    request: (input) => post('/patients', input),
  });

  beforeAll(async () => {
    api = await startFakeApi();
    api.list('/patients', { count: 3, itemAt: (_, i) => ({ id: `p${i}` }) });
    api.route('POST', '/patients', () => ({
      status: 422,
      body: { message: 'patient frieda.kahlo@example.org is known' },
    }));
    world = await createWorld([], { workers: 0 });
    const servers = { databaseUrl: world.db.url, temporal: { address: temporalAddress() }, payloadCodecs: [codec] };
    const settings = { taskQueue: world.taskQueue, concurrency: 20, dbConnections: 5, egress: 'default', drainSeconds: 1, logLevel: 'error' }; // prettier-ignore
    worker = await createWorker({ ...servers, syncs: [sync], actions: [admit], settings });
    serving = worker.run();
    sluice = await connect({ ...servers, taskQueue: world.taskQueue });
  });
  afterAll(async () => {
    await sluice?.close();
    worker?.shutdown();
    await serving;
    await world?.end();
    await api?.stop();
  });
  /** All bytes of a history that somebody without the key can read. */
  const readable = async (workflowId: string): Promise<string> => {
    const { events = [] } = await world.temporal.workflow.getHandle(workflowId).fetchHistory();
    return textsIn(events).join('\n');
  };

  it('keep the input of a sync out of its history, and the sync comes to its end', async () => {
    const run = await sluice.start(sync, { account: 'ward-7', input: { name: 'Frieda Kahlo' } });
    expect(await run.result()).toMatchObject({ state: 'done', rows: 3 });
    const history = await readable(run.workflowId);
    expect(history).toContain('binary/sealed');
    expect(history).not.toContain('Frieda');
    // Without the codec it is there to be read.
    const open = await world.sluice.start(sync, { account: 'ward-8', input: { name: 'Frieda Kahlo' } });
    expect(await readable(open.workflowId)).toContain('Frieda');
    await open.cancel();
    // What is no payload stays, as the documentation says.
    expect(history).toContain('ward-7');
  });

  it('do not hide from a second start what the running one was asked for', async () => {
    const script = api.script('/patients', ['silent'], { repeats: true });
    const account = 'ward-9';
    const first = await sluice.start(sync, { account, input: { name: 'Frieda Kahlo' } });
    const second = await sluice.start(sync, { account, input: { name: 'Frieda Kahlo' } });
    expect(second.attached).toMatchObject({ workflowId: first.workflowId, input: { name: 'Frieda Kahlo' } });
    await expect(sluice.start(sync, { account, input: { name: 'Diego Rivera' } })).rejects.toBeInstanceOf(SyncBusy);
    script.stop();
    await first.cancel();
    await first.result().catch(() => {});
  });

  it('keep what a third party says of a person out of the failure of an action; the app reads it', async () => {
    const action = await sluice.act(admit, { account: 'ward-7', input: { name: 'Frieda Kahlo' } });
    const failure = await action.result().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ActionFailed);
    expect((failure as Error).message).toContain('frieda.kahlo@example.org is known');
    const history = await readable(action.workflowId);
    expect(history).toContain('Encoded failure');
    expect(history).not.toMatch(/frieda/i);
  });
});
