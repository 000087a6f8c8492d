/** What somebody must know: open alerts, and those that are cleared. Next: `dashboard/views/details/alert.ts`. */
import { ALERT_KINDS } from '../../contracts/alerts/alert.ts';
import { oneOf } from '../../contracts/values/one-of.ts';
import { alertTable } from '../parts/tables/alert-table.ts';
import { chosen, filters } from '../parts/filters.ts';
import type { RenderView } from '../view.ts';

const SHOWN = 200;

export const alertsView: RenderView = async (context) => {
  const { sluice, link, query } = context;
  const chose = chosen(query, ['kind', 'all']);
  const kind = oneOf('kind', chose['kind'], ALERT_KINDS);
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
        content: alertTable('Alerts, newest first', found, context, 'Nothing that anybody must know.'),
      },
    ],
  };
};
