/** Reports as rows. */
import type { Report } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { count } from '../count.ts';
import { stateBadge } from '../state.ts';
import { table } from '../table.ts';
import { when } from '../when.ts';

export function reportTable(caption: string, reports: readonly Report[], context: ViewContext, none?: string): Html {
  const { link, now } = context;
  return table(
    caption,
    reports,
    [
      {
        name: 'What',
        cell: ({ sequence, what }) =>
          html`<a id="report-${sequence}" href="${link(['reports', sequence])}">${what}</a>`,
        isWide: true,
      },
      { name: 'Account', cell: ({ account }) => html`<a href="${link(['accounts', account])}">${account}</a>` },
      { name: 'Status', cell: ({ status }) => stateBadge(status) },
      { name: 'By', cell: ({ startedBy }) => startedBy },
      { name: 'When', cell: ({ startedAt, endedAt }) => when(endedAt ?? startedAt, now) },
      { name: 'Calls', cell: ({ attempts }) => count(attempts), isNumber: true },
      { name: 'Error', cell: ({ error }) => error ?? '', isWide: true },
    ],
    none,
  );
}
