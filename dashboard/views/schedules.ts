/** When runs start by themselves, and how old rows are: by sync. */
import { duration } from '../../contracts/values/duration.ts';
import { html } from '../html.ts';
import { capped } from '../parts/count.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import type { RenderView } from '../view.ts';

const STALEST = 5;

export const schedulesView: RenderView = async (context) => {
  const { sluice, link, now, visitor } = context;
  const [schedules, fresh] = await Promise.all([sluice.schedules.list(), sluice.freshness({ limit: STALEST })]);
  return {
    title: 'Schedules',
    regions: [
      {
        id: 'schedules',
        content: table(
          'Schedules, as they were applied',
          schedules,
          [
            { name: 'Schedule', cell: ({ id }) => id },
            { name: 'When', cell: (schedule) => schedule.when },
            { name: 'State', cell: ({ pausedAt }) => stateBadge(pausedAt === null ? 'running' : 'paused') },
            { name: 'Accounts', cell: ({ accounts }) => capped(accounts), isNumber: true },
            { name: 'Next start', cell: ({ nextAt }) => when(nextAt, now, 'none') },
            { name: 'Late', cell: ({ due, lateMs }) => (due === 0 ? '' : `${capped(due)}, ${duration(lateMs)}`) },
            {
              name: 'Failed starts',
              cell: ({ failed, lastError }) => (failed === 0 ? '' : `${capped(failed)}: ${lastError ?? ''}`),
              isWide: true,
            },
            {
              name: 'Act',
              cell: ({ id, pausedAt, pausedReason }) =>
                html`${pausedReason ?? ''}
                ${
                  visitor.role === 'operate' &&
                  html`<a
                    class="button"
                    href="${link(['do', pausedAt === null ? 'pause-schedule' : 'resume-schedule'], { schedule: id })}"
                    >${pausedAt === null ? 'Pause …' : 'Resume …'}</a
                  >`
                }`,
            },
          ],
          'No sync has a schedule in force: `npx sluice schedules apply` brings them.',
        ),
      },
      {
        id: 'freshness',
        content: html`<h2>Freshness</h2>
          ${table(
            'Syncs that say how old their rows may be',
            fresh,
            [
              { name: 'Sync', cell: ({ sync }) => html`<a href="${link(['runs'], { sync })}">${sync}</a>` },
              { name: 'May be', cell: ({ freshForMs }) => duration(freshForMs) },
              { name: 'Accounts', cell: ({ accounts }) => capped(accounts), isNumber: true },
              { name: 'Stale', cell: ({ stale }) => capped(stale), isNumber: true },
              { name: 'Oldest', cell: ({ oldestMs }) => (oldestMs === null ? '' : duration(oldestMs)) },
              {
                name: 'The stalest',
                cell: ({ stalest }) =>
                  html`${stalest.map(
                    ({ account, ageMs }) =>
                      html`<a href="${link(['accounts', account])}">${account}</a> (${duration(ageMs)}) `,
                  )}`,
                isWide: true,
              },
            ],
            'No sync has `freshFor`.',
          )}`,
      },
    ],
  };
};
