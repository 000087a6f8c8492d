/** Reports, newest first: one for each run, action and saga. Next: `dashboard/views/details/report.ts`; `actions.ts` is the same list without runs. */
import type { ReportFilter, ReportKind, ReportStatus } from '../../client/index.ts';
import { oneOf } from '../../contracts/values/one-of.ts';
import { html } from '../html.ts';
import { chosen, filters, paging, type FilterRow } from '../parts/filters.ts';
import { reportTable } from '../parts/tables/report-table.ts';
import type { RenderView, View, ViewContext } from '../view.ts';

const PAGE = 50;
const STATUSES = ['failed', 'pending', 'cancelled', 'ok'] as const satisfies ReportStatus[];

export const reportsView: RenderView = (context) => listOf(context, 'reports', 'Reports', ['sync', 'action', 'saga']);

/** @param kinds that are shown; the first address part is `at`. */
export async function listOf(
  context: ViewContext,
  at: string,
  title: string,
  kinds: readonly ReportKind[],
): Promise<View> {
  const { sluice, link, query } = context;
  const chose = chosen(query, ['status', 'kind', 'account', 'after']);
  const status = oneOf('status', chose['status'], STATUSES);
  const kind = oneOf('kind', chose['kind'], kinds);
  const { account, after } = chose;
  const filter: ReportFilter = {
    ...(status === undefined ? {} : { status }),
    kind: kind ?? kinds,
    ...(account === undefined ? {} : { account }),
    ...(after === undefined ? {} : { after }),
    order: 'newest',
    limit: PAGE + 1,
  };
  const reports = await sluice.reports.list(filter);
  const shown = reports.slice(0, PAGE);
  const row = (name: string, words: string, values: readonly string[]): FilterRow => ({
    name,
    words,
    choices: [{ value: undefined, words: 'all' }, ...values.map((value) => ({ value, words: value }))],
  });
  return {
    title,
    regions: [
      {
        id: 'filters',
        content: filters(link, [at], chose, [
          row('status', 'Status', STATUSES),
          row('kind', 'Kind', kinds),
          ...(account === undefined ? [] : [row('account', 'Account', [account])]),
        ]),
      },
      {
        id: 'reports',
        content: html`${reportTable(`${title}, newest first`, shown, context, 'Nothing matches.')}
        ${paging(link, [at], chose, reports.length > PAGE ? shown.at(-1)?.sequence : undefined)}`,
      },
    ],
  };
}
