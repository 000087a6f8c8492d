/** What somebody must know: open alerts, and those that are cleared. */
import { ALERT_KINDS } from '../../contracts/alerts/alert.ts';
import { html } from '../html.ts';
import { chosen, filters } from '../parts/filters.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import type { RenderView } from '../view.ts';

const SHOWN = 200;

export const alertsView: RenderView = async ({ sluice, link, query, now }) => {
  const chose = chosen(query, ['kind', 'all']);
  const kind = ALERT_KINDS.find((each) => each === chose['kind']);
  const found = await sluice.alerts.list({
    ...(kind === undefined ? {} : { kind }),
    ...(chose['all'] === undefined ? {} : { all: true }),
    limit: SHOWN,
  });
  return {
    title: 'Alerts',
    regions: [
      {
        id: 'filters',
        content: filters(link, ['alerts'], chose, [
          {
            name: 'kind',
            words: 'Kind',
            choices: [{ value: undefined, words: 'all' }, ...ALERT_KINDS.map((value) => ({ value, words: value }))],
          },
          {
            name: 'all',
            words: 'Which',
            choices: [
              { value: undefined, words: 'open' },
              { value: 'yes', words: 'cleared, too' },
            ],
          },
        ]),
      },
      {
        id: 'alerts',
        content: table(
          'Alerts, newest first',
          found,
          [
            { name: 'About', cell: ({ subject }) => subject },
            { name: 'Kind', cell: (alert) => alert.kind },
            { name: 'State', cell: ({ clearedAt }) => stateBadge(clearedAt === null ? 'open' : 'cleared') },
            { name: 'Since', cell: ({ firedAt }) => when(firedAt, now) },
            { name: 'What was found, and what to do', cell: ({ text }) => html`${text}`, isWide: true },
          ],
          'Nothing that anybody must know.',
        ),
      },
    ],
  };
};
