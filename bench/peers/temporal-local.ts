/**
 * Temporal written by hand with local activities: the fastest way that Temporal itself offers.
 */
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pageCaller, peerSettings, whenTold } from './page.ts';
import type { readAccount } from './temporal-workflow.ts';

const settings = peerSettings();
const address = process.env['TEMPORAL_ADDRESS'] ?? '';
const callPage = pageCaller(settings);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'peer',
  workflowsPath: fileURLToPath(new URL('./temporal-workflow.ts', import.meta.url)),
  activities: { page: (user: string, cursor: number) => callPage(user, cursor) },
  maxConcurrentLocalActivityExecutions: 200,
  maxConcurrentWorkflowTaskExecutions: 200,
  workflowTaskPollerBehavior: { type: 'autoscaling' },
});
const client = new Client({ connection: await Connection.connect({ address }) });
void worker.run();
whenTold(() =>
  Promise.all(
    settings.accounts.map((user) =>
      client.workflow.start<typeof readAccount>('readAccount', {
        taskQueue: 'peer',
        workflowId: `peer-${user}`,
        args: [user],
      }),
    ),
  ),
);
