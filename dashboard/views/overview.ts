/** What is going on, at a glance: each number leads to the list that it counts. Next: `runs.ts`. */
import type { Pace } from '../../client/index.ts';
import { html } from '../html.ts';
import { capped, rate } from '../parts/count.ts';
import { filters } from '../parts/filters.ts';
import { limitTable } from '../parts/tables/limit-table.ts';
import { freshTable } from '../parts/tables/fresh-table.ts';
import { reportTable } from '../parts/tables/report-table.ts';
import { runTable } from '../parts/tables/run-table.ts';
import { sparkline } from '../parts/sparkline.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import { tiles } from '../parts/tiles.ts';
import type { RenderView } from '../view.ts';

const SHOWN = 10;
const SPANS = ['hour', 'day', 'quarter'] as const;
const SLOTS = { hour: 'minute, last hour', day: 'quarter of an hour, last day', quarter: 'day, last 90 days' } as const;

export const overviewView: RenderView = async (context) => {
  const { sluice, link, query, now } = context;
  const span = SPANS.find((each) => each === query.get('span')) ?? 'hour';
  const [runs, accounts, running, failures, blocked, paused, waiting, pace, alerts, queues, fresh] = await Promise.all([
    sluice.runs.count(),
    sluice.accounts.count(),
    sluice.runs.list({ state: ['running', 'paused'], limit: SHOWN }),
    sluice.reports.list({ status: 'failed', order: 'newest', limit: SHOWN }),
    sluice.limits.list({ state: 'blocked', limit: SHOWN }),
    sluice.limits.list({ state: 'paused', limit: SHOWN }),
    sluice.limits.list({ state: 'waiting', limit: SHOWN }),
    sluice.pace(span),
    sluice.alerts.list({ limit: 1_000 }),
    sluice.alerts.queues(),
    sluice.alerts.freshness(),
  ]);
  const held = [...new Map([...paused, ...blocked, ...waiting].map((limit) => [limit.key, limit])).values()];
  const graph = (of: (slot: Pace['slots'][number]) => number, words: string) => sparkline(pace.slots.map(of), words);
  return {
    title: 'Overview',
    regions: [
      {
        id: 'pace',
        content: html`<h2>Now</h2>
          ${tiles([
            {
              words: 'calls a second',
              value: rate(pace.callsPerSecond),
              more: graph(({ calls }) => calls, `calls of each ${SLOTS[span]}`),
            },
            {
              words: 'rows a second',
              value: rate(pace.rowsPerSecond),
              more: graph(({ rows }) => rows, `rows of each ${SLOTS[span]}`),
            },
            {
              words: 'refusals a second',
              value: rate(pace.refusalsPerSecond),
              more: graph(({ refused }) => refused, `refusals of each ${SLOTS[span]}`),
            },
            {
              words: 'alerts open',
              value: capped(alerts.length),
              href: link(['alerts']),
              isBad: alerts.length > 0,
            },
            { words: 'runs running', value: capped(runs.running), href: link(['runs'], { state: 'running' }) },
            { words: 'runs paused', value: capped(runs.paused), href: link(['runs'], { state: 'paused' }) },
            {
              words: 'accounts connected',
              value: capped(accounts.connected),
              href: link(['accounts'], { status: 'connected' }),
            },
            {
              words: 'accounts to connect again',
              value: capped(accounts.needs_reconnect),
              href: link(['accounts'], { status: 'needs_reconnect' }),
              isBad: accounts.needs_reconnect > 0,
            },
            {
              words: 'runs failed or incomplete',
              value: capped(runs.failed + runs.incomplete),
              href: link(['runs'], { state: runs.failed > 0 ? 'failed' : 'incomplete' }),
              isBad: runs.failed > 0,
            },
          ])}
          ${filters(link, [], { span: query.get('span') ?? undefined }, [
            {
              name: 'span',
              words: 'Graphs',
              choices: [
                { value: undefined, words: 'last hour' },
                { value: 'day', words: 'last day' },
                { value: 'quarter', words: 'last 90 days' },
              ],
            },
          ])}`,
      },
      {
        id: 'runs',
        content: html`<h2>Runs now</h2>
          ${runTable('Runs that have not ended, newest first', running, context, 'Nothing runs.')}`,
      },
      {
        id: 'limits',
        content: html`<h2>Limits that hold calls back</h2>
          ${limitTable('Paused, blocked and waited for', held.slice(0, 2 * SHOWN), context, 'No limit holds calls back.')}`,
      },
      {
        id: 'freshness',
        content: html`<h2>Freshness</h2>
          ${freshTable(fresh, context)}`,
      },
      {
        id: 'queues',
        content: html`<h2><a href="${link(['workers'])}">Workers</a></h2>
          ${table(
            'Task queues, and when a worker last took something from each',
            queues,
            [
              { name: 'Task queue', cell: ({ taskQueue }) => taskQueue },
              {
                name: 'Served',
                cell: ({ taskQueue }) =>
                  alerts.some(({ kind, subject }) => kind === 'unserved' && subject === taskQueue)
                    ? stateBadge('failing', 'nobody serves it')
                    : stateBadge('ok', 'served'),
              },
              { name: 'Last taken', cell: ({ passedAt }) => when(passedAt, now) },
            ],
            'No worker has begun so far.',
          )}`,
      },
      {
        id: 'failures',
        content: html`<h2>Last failures</h2>
          ${reportTable('Reports that failed, newest first', failures, context, 'Nothing has failed.')}`,
      },
    ],
  };
};
