/** What the Temporal Web UI shows of a workflow: its current details. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { startFakeApi, type FakeApi } from '../../../testing/index.ts';
import { forest } from '../../fixtures/forest.ts';
import { createWorld, type World } from '../../setup/world.ts';
import { temporalAddress } from '../../setup/servers/servers.ts';

describe('the current details of a workflow', () => {
  let api: FakeApi;
  let world: World;
  let connection: Connection;
  beforeAll(async () => {
    api = await startFakeApi();
    process.env['FOREST_URL'] = api.url;
    api.list('/users/:id/friends', { count: 3, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
    api.list('/users/:id/posts', { count: 4, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
    world = await createWorld([forest]);
    connection = await Connection.connect({ address: temporalAddress() });
  });
  afterAll(async () => {
    await connection?.close();
    await world?.end();
    await api?.stop();
  });
  const detailsOf = async (workflowId: string): Promise<string> => {
    const handle = new Client({ connection }).workflow.getHandle(workflowId);
    return (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
  };

  it.each(['done', 'cancelled'] as const)('say what its lists wait for, and no more when it is %s', async (end) => {
    api.script('/users/:id/posts', [
      { status: 429, headers: { 'retry-after': end === 'done' ? '3' : '60' }, body: {} },
    ]);
    const run = await world.sluice.start(forest, { account: end, input: { id: 'u' } });
    await expect.poll(() => detailsOf(run.workflowId)).toMatch(/^- \*\*posts\*\*: waiting: /);
    // Its threads are lean (workers/workflow-threads.ts), with the version of the SDK that is installed.
    const stack = new Client({ connection }).workflow.getHandle(run.workflowId).query('__stack_trace');
    await expect(stack).rejects.toThrow('Workflow stack traces are not enabled on this worker');
    if (end === 'cancelled') await run.cancel();
    await run.result().catch(() => {});
    await expect.poll(() => detailsOf(run.workflowId)).toMatch(new RegExp(`^${end}: `));
  });
});
