/** Runs as rows: on the overview, in their list and on an account. */
import type { ListedRun, PausedBy } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { count } from '../count.ts';
import { stateBadge } from '../state.ts';
import { table } from '../table.ts';
import { took, when } from '../when.ts';

export function runTable(caption: string, runs: readonly ListedRun[], { link, now }: ViewContext, none?: string): Html {
  return table(
    caption,
    runs,
    [
      {
        name: 'Run',
        cell: ({ sync, runId }) => html`<a id="run-${runId}" href="${link(['runs', runId])}">${sync}</a>`,
      },
      { name: 'Account', cell: ({ account }) => html`<a href="${link(['accounts', account])}">${account}</a>` },
      { name: 'State', cell: runState },
      { name: 'Started', cell: ({ startedAt }) => when(startedAt, now) },
      { name: 'Took', cell: ({ startedAt, endedAt }) => took(startedAt, endedAt) },
      { name: 'Rows', cell: ({ rows }) => count(rows), isNumber: true },
      { name: 'Calls', cell: ({ calls }) => count(calls), isNumber: true },
      { name: 'Flaws', cell: ({ flawed }) => count(flawed), isNumber: true },
      { name: 'Error', cell: ({ error }) => error ?? '' },
    ],
    none,
  );
}

const PAUSED: { readonly [who in PausedBy]?: string } = {
  auth: 'paused: connect again',
  cancel: 'paused: being cancelled',
};

export function runState({ state, pausedBy }: Pick<ListedRun, 'state' | 'pausedBy'>): Html {
  return stateBadge(state, (state === 'paused' && pausedBy !== null && PAUSED[pausedBy]) || state);
}
