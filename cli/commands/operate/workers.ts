/** `sluice workers …`: who serves which task queue, and how much each does at once. Next: `client/workers/workers.ts`. */
import { InvalidArgumentError, type Command } from 'commander';
import type { WorkerControl, WorkerList } from '../../../client/index.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { duration } from '../../../contracts/values/duration.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { jsonOption } from '../../options.ts';
import { tell } from '../../tell.ts';
import { withClient } from '../../with-client.ts';

export function registerWorkers(program: Command): void {
  const workers = program
    .command('workers')
    .description('worker processes, and the task queues that they serve; what they do at once');
  workers
    .command('list', { isDefault: true })
    .description('worker processes, and the task queues that they serve; exit code 1 when nobody serves one')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice workers --json')
    .action((options: { readonly json?: boolean }) =>
      withClient(async (sluice) => {
        const found = await sluice.workers.list();
        tell(options, found, workersText(found));
        if (found.queues.some(({ workers: count }) => count === 0)) process.exitCode = 1;
      }),
    );
  acting(workers.command('drain <worker>'))
    .description('end a worker process as SIGTERM does: it takes no new work, and finishes what it has in hand')
    .addHelpText(
      'after',
      '\nExample, with a name as `npx sluice workers` shows it:\n  npx sluice workers drain sluice-0.1.0/4711@worker-3',
    )
    .action((worker: string, options: ActingOptions) =>
      withClient(async (sluice) => {
        const control = await sluice.workers.drain(worker);
        tell(
          options,
          control,
          `${worker} drains: within some seconds it takes no new work, and it ends when its calls have.`,
        );
      }, options),
    );
  acting(workers.command('concurrency <worker>'))
    .argument('<calls>', '0 (none) to what it was started with (SLUICE_CONCURRENCY), or `default` for that', toCalls)
    .description('set how many calls of each role a worker process makes at once, until it ends')
    .addHelpText(
      'after',
      '\nExample:\n  npx sluice workers concurrency sluice-0.1.0/4711@worker-3 20 --why "the database is busy"',
    )
    .action((worker: string, calls: number | null, options: ActingOptions) =>
      withClient(async (sluice) => {
        const control = await sluice.workers.setConcurrency(worker, calls);
        tell(options, control, `${worker}: within some seconds ${atOnce(control)}.`);
      }, options),
    );
}

function toCalls(text: string): number | null {
  if (text === 'default') return null;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, 0 or more, or `default`.');
}

function workersText({ workers, queues }: WorkerList): string {
  const of = workers.map(({ identity, version, taskQueues, askedAt, control }) => {
    const does = control === null ? '' : `  ${atOnce(control)}`;
    return `${identity}  ${version ?? 'another program'}  ${taskQueues.join(', ')}  asked at ${askedAt}${does}`;
  });
  const served = queues.map(({ taskQueue, workers: count, backlogMs }) => {
    const waits = backlogMs > 0 ? `, the oldest task waits for ${duration(backlogMs)}` : '';
    return `${taskQueue}: ${count === 0 ? 'nobody serves it' : counted(count, 'worker')}${waits}`;
  });
  return [...of, ...served].join('\n');
}

function atOnce({ startedWith, concurrency, isDraining }: WorkerControl): string {
  const set = concurrency === null ? '' : ` (set by an operator; it was started with ${startedWith})`;
  return `${counted(concurrency ?? startedWith, 'call')} at once of each role${set}${isDraining ? '; it drains' : ''}`;
}
