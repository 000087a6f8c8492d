/** What is going on, at a glance: each number leads to the list that it counts. Next: `runs.ts`. */
import type { Alert, Pace, PaceSpan, SeenQueue } from '../../client/index.ts';
import { html, type Html } from '../html.ts';
import type { Link } from '../link.ts';
import { capped, rate } from '../parts/count.ts';
import { spanFilter } from '../parts/filters.ts';
import { limitTable } from '../parts/tables/limit-table.ts';
import { freshTable } from '../parts/tables/fresh-table.ts';
import { reportTable } from '../parts/tables/report-table.ts';
import { runTable } from '../parts/tables/run-table.ts';
import { sparkline } from '../parts/sparkline.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import { tiles, type Tile } from '../parts/tiles.ts';
import type { RenderView, ViewContext } from '../view.ts';

const SHOWN = 10;
const SPANS = ['hour', 'day', 'quarter'] as const;
const SLOTS = { hour: 'minute, last hour', day: 'quarter of an hour, last day', quarter: 'day, last 90 days' } as const;

export const overviewView: RenderView = async (context) => {
  const { sluice, link, query, now } = context;
  const span = SPANS.find((each) => each === query.get('span')) ?? 'hour';
  const [counts, running, failures, held, pace, alerts, queues, fresh] = await Promise.all([
    Promise.all([sluice.runs.count(), sluice.accounts.count()]),
    sluice.runs.list({ state: ['running', 'paused'], limit: SHOWN }),
    sluice.reports.list({ status: 'failed', order: 'newest', limit: SHOWN }),
    heldLimits(context),
    sluice.pace(span),
    sluice.alerts.list({ limit: 1_000 }),
    sluice.alerts.queues(),
    sluice.alerts.freshness(),
  ]);
  return {
    title: 'Overview',
    regions: [
      {
        id: 'pace',
        content: html`<h2>Now</h2>
          ${tiles([...paceTiles(pace, span), alertTile(alerts, link), ...stateTiles(counts, link)])}
          ${spanFilter(link, [], query.get('span') ?? undefined)}`,
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
          ${queueTable(queues, alerts, now)}`,
      },
      {
        id: 'failures',
        content: html`<h2>Last failures</h2>
          ${reportTable('Reports that failed, newest first', failures, context, 'Nothing has failed.')}`,
      },
    ],
  };
};

/** One that is of several kinds stands where it is most urgent. */
async function heldLimits({ sluice }: ViewContext) {
  const [blocked, paused, waiting] = await Promise.all(
    (['blocked', 'paused', 'waiting'] as const).map((state) => sluice.limits.list({ state, limit: SHOWN })),
  );
  const held = [...(paused ?? []), ...(blocked ?? []), ...(waiting ?? [])];
  return [...new Map(held.map((limit) => [limit.key, limit])).values()];
}

function paceTiles(pace: Pace, span: PaceSpan): Tile[] {
  const graph = (of: (slot: Pace['slots'][number]) => number, what: string): Html =>
    sparkline(pace.slots.map(of), `${what} of each ${SLOTS[span]}`);
  return [
    { words: 'calls a second', value: rate(pace.callsPerSecond), more: graph(({ calls }) => calls, 'calls') },
    { words: 'rows a second', value: rate(pace.rowsPerSecond), more: graph(({ rows }) => rows, 'rows') },
    {
      words: 'refusals a second',
      value: rate(pace.refusalsPerSecond),
      more: graph(({ refused }) => refused, 'refusals'),
    },
  ];
}

function alertTile(alerts: readonly Alert[], link: Link): Tile {
  return { words: 'alerts open', value: capped(alerts.length), href: link(['alerts']), isBad: alerts.length > 0 };
}

type Counts = readonly [
  Awaited<ReturnType<ViewContext['sluice']['runs']['count']>>,
  Awaited<ReturnType<ViewContext['sluice']['accounts']['count']>>,
];

function stateTiles([runs, accounts]: Counts, link: Link): Tile[] {
  return [
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
  ];
}

function queueTable(queues: readonly SeenQueue[], alerts: readonly Alert[], now: Date): Html {
  const isUnserved = (taskQueue: string): boolean =>
    alerts.some(({ kind, subject }) => kind === 'unserved' && subject === taskQueue);
  return table(
    'Task queues, and when a worker last took something from each',
    queues,
    [
      { name: 'Task queue', cell: ({ taskQueue }) => taskQueue },
      {
        name: 'Served',
        cell: ({ taskQueue }) =>
          isUnserved(taskQueue) ? stateBadge('failing', 'nobody serves it') : stateBadge('ok', 'served'),
      },
      { name: 'Last taken', cell: ({ passedAt }) => when(passedAt, now) },
    ],
    'No worker has begun so far.',
  );
}
