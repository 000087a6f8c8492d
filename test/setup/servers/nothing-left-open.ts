/**
 * Ends the workflows that a test file has left open, after all that the file itself cleans up. The next file of the process has the same
 * server, and to whoever looks at all of it they would be task queues that nobody serves. vitest calls this before each test file
 * (`setupFiles`).
 */
import { Client, Connection } from '@temporalio/client';
import { afterAll } from 'vitest';
import { temporalAddress } from './servers.ts';

afterAll(async () => {
  const connection = await Connection.connect({ address: temporalAddress() });
  const { workflow } = new Client({ connection });
  for await (const { workflowId } of workflow.list({ query: `ExecutionStatus = 'Running'` }))
    await workflow
      .getHandle(workflowId)
      .terminate('its test is over')
      .catch(() => {});
  await connection.close();
});
