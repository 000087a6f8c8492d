/** `sluice workers`: who serves which task queue. Next: `client/workers/list-workers.ts`. */
import type { Command } from 'commander';
import type { WorkerList } from '../../../client/index.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { duration } from '../../../contracts/values/duration.ts';
import { jsonOption } from '../../options.ts';
import { tell } from '../../tell.ts';
import { withClient } from '../../with-client.ts';

export function registerWorkers(program: Command): void {
  program
    .command('workers')
    .description('worker processes, and the task queues that they serve; exit code 1 when nobody serves one')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice workers --json')
    .action((options: { readonly json?: boolean }) =>
      withClient(async (sluice) => {
        const found = await sluice.workers();
        tell(options, found, workersText(found));
        if (found.queues.some(({ workers }) => workers === 0)) process.exitCode = 1;
      }),
    );
}

function workersText({ workers, queues }: WorkerList): string {
  const of = workers.map(
    ({ identity, version, taskQueues, askedAt }) =>
      `${identity}  ${version ?? 'another program'}  ${taskQueues.join(', ')}  asked at ${askedAt}`,
  );
  const served = queues.map(({ taskQueue, workers: count, backlogMs }) => {
    const waits = backlogMs > 0 ? `, the oldest task waits for ${duration(backlogMs)}` : '';
    return `${taskQueue}: ${count === 0 ? 'nobody serves it' : counted(count, 'worker')}${waits}`;
  });
  return [...of, ...served].join('\n');
}
