/** When runs start by themselves, and how old rows are: by sync. Next: `dashboard/views/details/schedule.ts`. */
import { duration } from '../../contracts/values/duration.ts';
import { oneOf } from '../../contracts/values/one-of.ts';
import { html } from '../html.ts';
import type { ScheduleStanding } from '../../client/index.ts';
import { capped } from '../parts/count.ts';
import { chosen, filters } from '../parts/filters.ts';
import { freshTable } from '../parts/tables/fresh-table.ts';
import { runBars } from '../parts/run-bars.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import type { RenderView } from '../view.ts';

const STATES: readonly { readonly value: string; readonly is: (of: ScheduleStanding) => boolean }[] = [
  { value: 'running', is: ({ pausedAt }) => pausedAt === null },
  { value: 'paused', is: ({ pausedAt }) => pausedAt !== null },
  { value: 'late', is: ({ due }) => due > 0 },
  { value: 'failing', is: ({ failed }) => failed > 0 },
];

export const schedulesView: RenderView = async (context) => {
  const { sluice, link, query, now, visitor } = context;
  const chose = chosen(query, ['state']);
  const [all, fresh] = await Promise.all([sluice.schedules.list(), sluice.alerts.freshness()]);
  const named = oneOf(
    'state',
    chose['state'],
    STATES.map(({ value }) => value),
  );
  const state = STATES.find(({ value }) => value === named);
  const schedules = all.filter((each) => state === undefined || state.is(each));
  const ended = await sluice.runs.lastEnded(schedules.map(({ sync }) => sync));
  const runsOf = new Map(ended.map(({ sync, runs }) => [sync, runs]));
  return {
    title: 'Schedules',
    regions: [
      {
        id: 'filters',
        content: filters(link, ['schedules'], chose, [
          {
            name: 'state',
            words: 'State',
            choices: [
              { value: undefined, words: `all (${all.length})` },
              ...STATES.map(({ value, is }) => ({ value, words: `${value} (${all.filter(is).length})` })),
            ],
          },
        ]),
      },
      {
        id: 'schedules',
        content: table(
          'Schedules, as they were applied',
          schedules,
          [
            { name: 'Schedule', cell: ({ id }) => html`<a href="${link(['schedules', id])}">${id}</a>` },
            { name: 'When', cell: (schedule) => schedule.when },
            { name: 'State', cell: ({ pausedAt }) => stateBadge(pausedAt === null ? 'running' : 'paused') },
            { name: 'Last runs', cell: ({ sync }) => runBars(runsOf.get(sync) ?? []) },
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
          all.length > 0
            ? 'No schedule is in this state.'
            : 'No sync has a schedule in force: `npx sluice schedules apply` brings them.',
        ),
      },
      {
        id: 'freshness',
        content: html`<h2>Freshness</h2>
          ${freshTable(fresh, context)}`,
      },
    ],
  };
};
