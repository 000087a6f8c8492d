/** Who serves the task queues, and how much each worker process does at once. Asked once when it is loaded. Next: `dashboard/acts/worker-acts.ts`. */
import type { ServingWorker } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';
import { html, type Html } from '../html.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import type { RenderView, ViewContext } from '../view.ts';

export const workersView: RenderView = async (context) => {
  const { sluice, now } = context;
  const { workers, queues } = await sluice.workers.list();
  return {
    title: 'Workers',
    regions: [
      {
        id: 'workers',
        isLive: false,
        content: html`${table(
            'Worker processes that ask for tasks',
            workers,
            [
              { name: 'Worker', cell: ({ identity }) => identity },
              { name: 'Version', cell: ({ version }) => version ?? 'another program' },
              { name: 'Task queues', cell: ({ taskQueues }) => taskQueues.join(', '), isWide: true },
              { name: 'Asked last', cell: ({ askedAt }) => when(askedAt, now) },
              { name: 'Calls at once of each role', cell: callsAtOnce },
              { name: 'Act', cell: (worker) => acts(context, worker) },
            ],
            'No worker asks for tasks.',
          )}
          <p class="dim">Load the page again to look again.</p>`,
      },
      {
        id: 'queues',
        isLive: false,
        content: html`<h2>Task queues</h2>
          ${table('Task queues that runs go to, or are on', queues, [
            { name: 'Task queue', cell: ({ taskQueue }) => taskQueue },
            {
              name: 'Served',
              cell: ({ workers: count }) =>
                count === 0 ? stateBadge('failing', 'nobody serves it') : stateBadge('ok', 'served'),
            },
            { name: 'Workers', cell: ({ workers: count }) => count, isNumber: true },
            {
              name: 'Oldest task waits',
              cell: ({ backlogMs }) => (backlogMs > 0 ? duration(backlogMs) : 'none waits'),
            },
          ])}`,
      },
    ],
  };
};

function callsAtOnce({ control }: ServingWorker): string {
  if (control === null) return '';
  const { concurrency, startedWith, isDraining } = control;
  const set = concurrency === null ? `${startedWith}` : `${concurrency} of ${startedWith}, set by an operator`;
  return isDraining ? `${set}; it drains` : set;
}

function acts({ link, visitor }: ViewContext, { identity, control }: ServingWorker): Html | string {
  if (visitor.role !== 'operate' || control === null) return '';
  return html`<a class="button" href="${link(['do', 'set-concurrency'], { worker: identity })}">Calls at once …</a>
    <a class="button danger" href="${link(['do', 'drain-worker'], { worker: identity })}">Drain …</a>`;
}
