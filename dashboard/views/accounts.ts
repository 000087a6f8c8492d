/** Accounts, the latest change of state first: which ones must be connected again. Next: `dashboard/views/details/account.ts`. */
import type { AccountStatus } from '../../client/index.ts';
import { oneOf } from '../../contracts/values/one-of.ts';
import { html } from '../html.ts';
import { capped } from '../parts/count.ts';
import { chosen, filters, paging } from '../parts/filters.ts';
import { stateBadge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { when } from '../parts/when.ts';
import type { RenderView } from '../view.ts';

const PAGE = 50;
const STATES = ['needs_reconnect', 'connected'] as const satisfies AccountStatus[];

export const accountsView: RenderView = async ({ sluice, link, query, now }) => {
  const chose = chosen(query, ['status', 'provider', 'after']);
  const status = oneOf('status', chose['status'], STATES);
  const { provider, after } = chose;
  const byProvider = provider === undefined ? {} : { provider };
  const [accounts, counts, { providers }] = await Promise.all([
    sluice.accounts.list({
      ...byProvider,
      ...(status === undefined ? {} : { status }),
      ...(after === undefined ? {} : { after }),
      limit: PAGE + 1,
    }),
    sluice.accounts.count(byProvider),
    sluice.runs.names(),
  ]);
  const shown = accounts.slice(0, PAGE);
  const total = counts.connected + counts.needs_reconnect;
  return {
    title: 'Accounts',
    regions: [
      {
        id: 'filters',
        content: filters(link, ['accounts'], chose, [
          {
            name: 'status',
            words: 'State',
            choices: [
              { value: undefined, words: `all (${capped(total)})` },
              ...STATES.map((state) => ({
                value: state,
                words: `${state === 'connected' ? 'connected' : 'must be connected again'} (${capped(counts[state])})`,
              })),
            ],
          },
          {
            name: 'provider',
            words: 'Provider',
            choices: [{ value: undefined, words: 'all' }, ...providers.map((value) => ({ value, words: value }))],
          },
        ]),
      },
      {
        id: 'accounts',
        content: html`${table(
          'Accounts, the latest change of state first',
          shown,
          [
            { name: 'Account', cell: ({ account }) => html`<a href="${link(['accounts', account])}">${account}</a>` },
            { name: 'Provider', cell: ({ provider: of }) => of },
            { name: 'Tenant', cell: ({ tenant }) => tenant ?? '' },
            { name: 'State', cell: ({ status: state }) => stateBadge(state) },
            { name: 'Since', cell: ({ since }) => when(since, now) },
            { name: 'Token ends', cell: ({ expiresAt }) => when(expiresAt, now, 'not known') },
            { name: 'Why', cell: ({ reason }) => reason ?? '', isWide: true },
          ],
          'No account matches.',
        )}
        ${paging(link, ['accounts'], chose, accounts.length > PAGE ? shown.at(-1)?.place : undefined)}`,
      },
    ],
  };
};
