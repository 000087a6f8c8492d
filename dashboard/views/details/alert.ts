/** One alert: what was found, since when, and where to look. */
import type { Alert } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { Link } from '../../link.ts';
import { facts } from '../../parts/facts.ts';
import { stateBadge } from '../../parts/state.ts';
import { exact, when } from '../../parts/when.ts';
import type { RenderView } from '../../view.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const alertView: RenderView = async ({ sluice, link, now }, { alert: id = '' }) => {
  if (!UUID.test(id)) return undefined;
  const [found] = await sluice.alerts.list({ id });
  if (found === undefined) return undefined;
  const { kind, subject, tenant, text, details, firedAt, clearedAt } = found;
  return {
    title: `Alert: ${subject}`,
    regions: [
      {
        id: 'alert',
        content: html`${facts([
          ['State', stateBadge(clearedAt === null ? 'open' : 'cleared')],
          ['What was found, and what to do', text],
          ['About', placeOf(link, found)],
          ['Kind', kind],
          ['Tenant', tenant],
          ['Fired', html`${when(firedAt, now)}, ${exact(firedAt)}`],
          ['Cleared', clearedAt !== null && html`${when(clearedAt, now)}, ${exact(clearedAt)}`],
          ...Object.entries(details).map(
            ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
          ),
        ])}`,
      },
    ],
  };
};

/** The view that is about the same. */
function placeOf(link: Link, { kind, subject }: Alert): Html {
  const slash = subject.indexOf('/');
  switch (kind) {
    case 'blocked':
      return html`<a href="${link(['limits', subject])}">${subject}</a>`;
    case 'stale':
    case 'flaws':
    case 'needs-reconnect':
      return slash < 0
        ? html`<a href="${link(['runs'], { sync: subject })}">${subject}</a>`
        : html`${subject.slice(0, slash)} of
            <a href="${link(['accounts', subject.slice(slash + 1)])}">${subject.slice(slash + 1)}</a>`;
    default:
      return html`${subject}`;
  }
}
