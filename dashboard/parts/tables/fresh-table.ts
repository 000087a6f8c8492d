/** How old the rows of each sync are. Used by: `dashboard/views/overview.ts`, `dashboard/views/schedules.ts`. */
import type { Alerts } from '../../../client/index.ts';
import { duration } from '../../../contracts/values/duration.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { capped } from '../count.ts';
import { table } from '../table.ts';
import { when } from '../when.ts';

export function freshTable(seen: Awaited<ReturnType<Alerts['freshness']>>, { link, now }: ViewContext): Html {
  if (seen === undefined) return html`<p class="dim">No worker has looked so far.</p>`;
  return html`${table(
    'Syncs that say how old their rows may be',
    seen.syncs,
    [
      { name: 'Sync', cell: ({ sync }) => html`<a href="${link(['runs'], { sync })}">${sync}</a>` },
      { name: 'May be', cell: ({ freshForMs }) => duration(freshForMs) },
      { name: 'Accounts', cell: ({ accounts }) => capped(accounts), isNumber: true },
      {
        name: 'Stale',
        cell: ({ stale }) =>
          stale === 0 ? '0' : html`<a href="${link(['alerts'], { kind: 'stale' })}">${capped(stale)}</a>`,
        isNumber: true,
      },
      {
        name: 'Oldest',
        cell: ({ oldestMs }) => (oldestMs === null ? '' : duration(Math.floor(oldestMs / 60_000) * 60_000)),
      },
    ],
    'No sync has `freshFor`.',
  )}
  ${seen.syncs.length > 0 && html`<p class="dim">Seen by a worker ${when(seen.at, now)}.</p>`}`;
}
