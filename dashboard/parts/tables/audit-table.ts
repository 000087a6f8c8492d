/** Acts of operators as rows. Used by: `dashboard/views/audit.ts`, `dashboard/views/details/limit.ts`. */
import type { AuditEntry } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { ViewContext } from '../../view.ts';
import { stateBadge } from '../state.ts';
import { table } from '../table.ts';
import { when } from '../when.ts';

/** Characters of what stood before and after. */
const MOST = 300;

export function auditTable(caption: string, entries: readonly AuditEntry[], context: ViewContext, none?: string): Html {
  const { link, now } = context;
  return table(
    caption,
    entries,
    [
      {
        name: 'Act',
        cell: ({ id, act }) => html`<a id="audit-${id}" href="${link(['audit', String(id)])}">${act}</a>`,
      },
      {
        name: 'Of',
        cell: ({ subject }) => html`<a href="${link(['audit'], { subject: subject.id })}">${subject.id}</a>`,
      },
      { name: 'By', cell: ({ by, via }) => html`<a href="${link(['audit'], { by })}">${by}</a>, ${via}` },
      { name: 'When', cell: ({ at }) => when(at, now) },
      { name: 'Why', cell: ({ why }) => why ?? '' },
      { name: 'Came to', cell: ({ outcome, error }) => html`${stateBadge(outcome)} ${error ?? ''}` },
      { name: 'Before', cell: ({ before }) => brief(before), isWide: true },
      { name: 'After', cell: ({ after }) => brief(after), isWide: true },
    ],
    none,
  );
}

function brief(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
