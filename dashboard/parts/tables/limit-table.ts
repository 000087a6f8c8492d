/** Limits as rows. */
import type { LimitView } from '../../../limiter/index.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { count } from '../count.ts';
import { stateBadge } from '../state.ts';
import { table } from '../table.ts';

export function limitTable(caption: string, limits: readonly LimitView[], { link }: ViewContext, none?: string): Html {
  return table(
    caption,
    limits,
    [
      { name: 'Key', cell: ({ key }) => html`<a href="${link(['limits', key])}">${key}</a>`, isWide: true },
      { name: 'State', cell: ({ state }) => stateBadge(state) },
      { name: 'Waiting', cell: ({ waiting }) => count(waiting), isNumber: true },
      { name: 'Accounts', cell: ({ accountsWaiting }) => count(accountsWaiting), isNumber: true },
      { name: 'How it stands', cell: ({ text }) => text, isWide: true },
    ],
    none,
  );
}
