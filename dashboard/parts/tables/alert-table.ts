/** Alerts as rows. Used by: `dashboard/views/alerts.ts`, `dashboard/views/details/account.ts`. */
import type { Alert } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { stateBadge } from '../state.ts';
import { table } from '../table.ts';
import { when } from '../when.ts';

export function alertTable(caption: string, alerts: readonly Alert[], { link, now }: ViewContext, none?: string): Html {
  return table(
    caption,
    alerts,
    [
      {
        name: 'About',
        cell: ({ id, subject }) => html`<a id="alert-${id}" href="${link(['alerts', id])}">${subject}</a>`,
      },
      { name: 'Kind', cell: ({ kind }) => kind },
      { name: 'State', cell: ({ clearedAt }) => stateBadge(clearedAt === null ? 'open' : 'cleared') },
      { name: 'Since', cell: ({ firedAt }) => when(firedAt, now) },
      { name: 'What was found, and what to do', cell: ({ text }) => text, isWide: true },
    ],
    none,
  );
}
