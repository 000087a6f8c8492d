/** What operators did, newest first: who, what, to what, and why. */
import { html } from '../html.ts';
import { auditTable } from '../parts/tables/audit-table.ts';
import { chosen, filters, paging, type FilterRow } from '../parts/filters.ts';
import type { RenderView } from '../view.ts';

const PAGE = 50;
const GROUPS = ['accounts', 'run', 'limits', 'action', 'schedules', 'quarantine', 'state'];

export const auditView: RenderView = async (context) => {
  const { sluice, link, query } = context;
  const chose = chosen(query, ['act', 'by', 'subject', 'after']);
  const { act, by, subject, after } = chose;
  const found = await sluice.audit.list({
    ...(act === undefined ? {} : { act }),
    ...(by === undefined ? {} : { by }),
    ...(subject === undefined ? {} : { subject }),
    ...(after !== undefined && /^\d{1,15}$/.test(after) ? { after: Number(after) } : {}),
    limit: PAGE + 1,
  });
  const shown = found.slice(0, PAGE);
  const row = (name: string, words: string, values: readonly string[]): FilterRow => ({
    name,
    words,
    choices: [{ value: undefined, words: 'all' }, ...values.map((value) => ({ value, words: value }))],
  });
  return {
    title: 'Audit',
    regions: [
      {
        id: 'filters',
        content: filters(link, ['audit'], chose, [
          row('act', 'Act', [...new Set([...GROUPS, ...(act === undefined ? [] : [act])])]),
          ...(by === undefined ? [] : [row('by', 'By', [by])]),
          ...(subject === undefined ? [] : [row('subject', 'Of', [subject])]),
        ]),
      },
      {
        id: 'audit',
        content: html`${auditTable('Acts, newest first', shown, context, 'Nobody has done anything that matches.')}
        ${paging(link, ['audit'], chose, found.length > PAGE ? String(shown.at(-1)?.id) : undefined)}`,
      },
    ],
  };
};
