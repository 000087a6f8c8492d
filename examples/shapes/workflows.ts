/**
 * Shapes that are no tree, as plain Temporal workflows of the app's own, in a worker of its own. They run Sluice's syncs as
 * children. `docs/learn/coming-from-celery.md` shows these lines, and `test/temporal/lists/shapes.test.ts` runs them.
 */
import { executeChild, proxyActivities } from '@temporalio/workflow';
import type { RunResult } from '../../client/index.ts';
import type { ShapeActivities } from './activities.ts';

const { tell } = proxyActivities<ShapeActivities>({ startToCloseTimeout: '1 minute' });

/** Under the id that `sluice.start` gives it: it never runs twice at once, and `sluice.run({ sync, account })` finds it. */
export function runSync(taskQueue: string, sync: string, account: string, input: unknown): Promise<RunResult> {
  return executeChild<(of: object) => Promise<RunResult>>('sync', {
    taskQueue, // of Sluice's workers: `sluice` unless SLUICE_TASK_QUEUE says otherwise
    workflowId: `sync/${sync}/${account}`,
    args: [{ sync, account, input }],
    workflowTaskTimeout: '5 seconds',
    priority: { priorityKey: 3, fairnessKey: account },
  });
}

/** A group of syncs, and one callback when all of them have ended. */
export async function chord(taskQueue: string, shops: readonly string[]): Promise<number> {
  const results = await Promise.all(shops.map((shopId) => runSync(taskQueue, 'map', shopId, { shopId })));
  const rows = results.reduce((sum, result) => sum + result.rows, 0);
  await tell(`${shops.length} shops, ${rows} rows`);
  return rows;
}

/** A chain of syncs: each begins when the one before it has ended. */
export async function innerChain(taskQueue: string, shopId: string): Promise<number> {
  const first = await runSync(taskQueue, 'map', shopId, { shopId });
  const second = await runSync(taskQueue, 'nested', shopId, { shopId });
  await tell(`inner chain of ${shopId} has ended`);
  return first.rows + second.rows;
}

/** Chains inside a chain: the outer one goes on when the last inner one has ended, and it does so once. */
export async function outerChain(taskQueue: string, shops: readonly string[]): Promise<number> {
  const rows = await Promise.all(
    shops.map((shopId) => executeChild(innerChain, { args: [taskQueue, shopId], workflowId: `inner/${shopId}` })),
  );
  await tell('outer chain has ended');
  return rows.reduce((sum, each) => sum + each, 0);
}
