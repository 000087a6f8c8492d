/** One act of an operator: who, what, why, and how its subject stood before and after. */
import type { AuditEntry } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { Link } from '../../link.ts';
import { facts } from '../../parts/facts.ts';
import { stateBadge } from '../../parts/state.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView } from '../../view.ts';

export const auditEntryView: RenderView = async ({ sluice, link, now }, { entry = '' }) => {
  if (!/^\d{1,15}$/.test(entry)) return undefined;
  const id = Number(entry);
  const [found] = await sluice.audit.list({ after: id + 1, limit: 1 });
  if (found?.id !== id) return undefined;
  const { act, by, via, why, subject, at, outcome, error, before, after } = found;
  return {
    title: `${act} of ${subject.id}`,
    regions: [
      {
        id: 'entry',
        content: html`${facts([
            ['Act', html`<a href="${link(['audit'], { act })}">${act}</a>`],
            ['Of', placeOf(link, subject)],
            ['By', html`<a href="${link(['audit'], { by })}">${by}</a>, ${via}`],
            ['When', html`${when(at, now)}, ${exact(at)}`],
            ['Why', why],
            ['Came to', html`${stateBadge(outcome)} ${error}`],
          ])}
          ${jsonOf('Before', before)} ${jsonOf('After', after)}
          <p><a href="${link(['audit'], { subject: subject.id })}">All that was done to ${subject.id}</a></p>`,
      },
    ],
  };
};

function placeOf(link: Link, { kind, id, account }: AuditEntry['subject']): Html {
  switch (kind) {
    case 'limit':
      return html`limit <a href="${link(['limits', id])}">${id}</a>`;
    case 'action':
    case 'saga':
      return html`${kind} <a href="${link(['actions', id])}">${id}</a>`;
    case 'run':
      return html`run <a href="${link(['search'], { q: id })}">${id}</a>`;
    case 'schedule':
      return html`schedule <a href="${link(['schedules', id])}">${id}</a>`;
    default:
      return account === undefined
        ? html`${kind} ${id}`
        : html`${kind} ${id} of <a href="${link(['accounts', account])}">${account}</a>`;
  }
}

function jsonOf(name: string, value: unknown): Html {
  if (value === null || value === undefined) return html``;
  return html`<h2>${name}</h2>
    <pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;
}
