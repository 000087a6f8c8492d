import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { connect } from '../../../client/index.ts';
import { defineProvider, noAuth, post, seconds, window } from '../../../providers/index.ts';
import { startFakeApi } from '../../../testing/index.ts';
import { createWorker } from '../../../workers/index.ts';
import { createEmptyDatabase } from '../../setup/servers/database.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

it('a burst of actions is accepted by a database that nobody has migrated, and each is done once', async () => {
  const api = await startFakeApi();
  const writes = api.action('POST', '/notes', {});
  const provider = defineProvider({
    id: 'burst',
    baseUrl: api.url,
    auth: noAuth(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: seconds(1) })],
  });
  const note = provider.action('note', {
    input: z.object({ text: z.string() }),
    output: z.object({ id: z.string() }),
    request: ({ text }, { idempotencyKey }) => post('/notes', { text }, { 'idempotency-key': idempotencyKey }),
    idempotent: true,
    conflicts: { entity: ({ text }) => `note/${text}` },
  });
  const db = await createEmptyDatabase();
  const taskQueue = `burst-${randomBytes(4).toString('hex')}`;
  const servers = { databaseUrl: db.url, temporal: { address: temporalAddress() } };
  const sluice = await connect({ ...servers, taskQueue });
  const settings = {
    taskQueue,
    concurrency: 50,
    dbConnections: 10,
    egress: 'default',
    drainSeconds: 1,
    logLevel: 'error',
  };
  try {
    const accepted = await Promise.all(
      Array.from({ length: 60 }, (_, i) => sluice.act(note, { account: 'a', input: { text: `n${i % 30}` } })),
    );
    const worker = await createWorker({ ...servers, settings, actions: [note] });
    const serving = worker.run();
    const ids = await Promise.all(accepted.map((handle) => handle.result()));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(60);
    expect(writes.objects()).toHaveLength(60);
    worker.shutdown();
    await serving;
  } finally {
    await sluice.close();
    await api.stop();
    await db.drop();
  }
});
