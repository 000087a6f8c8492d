/** Runs, newest first, narrowed by links; what is done to "all that match" begins here. Next: `dashboard/views/details/run.ts`, `dashboard/acts/offers/bulk-offers.ts`. */
import { RUN_STATES, type RunSelection } from '../../contracts/operate/run-list.ts';
import type { RunState } from '../../client/index.ts';
import { bulkOffers } from '../acts/offers/bulk-offers.ts';
import { oneOf } from '../../contracts/values/one-of.ts';
import { html } from '../html.ts';
import { capped } from '../parts/count.ts';
import { chosen, filters, paging, type FilterRow } from '../parts/filters.ts';
import { runTable } from '../parts/tables/run-table.ts';
import type { RenderView } from '../view.ts';

const PAGE = 50;
const RUN_FILTERS = ['state', 'sync', 'provider', 'account'] as const;

export const runsView: RenderView = async (context) => {
  const { sluice, link, query, visitor } = context;
  const chose = chosen(query, [...RUN_FILTERS, 'after']);
  const selection = selectionOf(query);
  const { state: _, ...anyState } = selection;
  const [runs, counts, names] = await Promise.all([
    sluice.runs.list({ ...selection, ...afterOf(query), limit: PAGE + 1 }),
    sluice.runs.count(anyState),
    sluice.runs.names(),
  ]);
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const rows: FilterRow[] = [
    {
      name: 'state',
      words: 'State',
      choices: [
        { value: undefined, words: `all (${capped(total)})` },
        ...RUN_STATES.map((state) => ({ value: state, words: `${state} (${capped(counts[state])})` })),
      ],
    },
    choicesOf('sync', 'Sync', names.syncs),
    choicesOf('provider', 'Provider', names.providers),
    ...(chose['account'] === undefined ? [] : [choicesOf('account', 'Account', [chose['account']])]),
  ];
  const shown = runs.slice(0, PAGE);
  const matching = selection.state === undefined ? total : counts[selection.state as RunState];
  return {
    title: 'Runs',
    regions: [
      { id: 'filters', content: filters(link, ['runs'], chose, rows) },
      {
        id: 'runs',
        content: html`${runTable(`Runs, newest first: ${capped(matching)} match`, shown, context, 'No run matches.')}
        ${paging(link, ['runs'], chose, runs.length > PAGE ? shown.at(-1)?.place : undefined)}`,
      },
      {
        id: 'all',
        content: html`${visitor.role === 'operate' && matching > 0 && bulkOffers(context, chose, selection)}`,
      },
    ],
  };
};

function choicesOf(name: string, words: string, values: readonly string[]): FilterRow {
  return {
    name,
    words,
    choices: [{ value: undefined, words: 'all' }, ...values.map((value) => ({ value, words: value }))],
  };
}

/**
 * What a query selects.
 * @throws TypeError for a state that is none. It must not select all: what is done to "all that match" begins with what is shown.
 */
export function selectionOf(query: URLSearchParams): RunSelection {
  const { state, ...rest } = chosen(query, RUN_FILTERS);
  const known = oneOf('state', state, RUN_STATES);
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { ...given, ...(known === undefined ? {} : { state: known }) };
}

function afterOf(query: URLSearchParams): { after?: string } {
  const after = query.get('after');
  return after ? { after } : {};
}
