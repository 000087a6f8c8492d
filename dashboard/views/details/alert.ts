/** One alert: what was found, since when, and where to look. */
import type { Alert } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import type { Link, Query } from '../../link.ts';
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

/** The view that is about the same: of one, or of all that have this alert together. */
export function placeOf(link: Link, { kind, subject, details }: Alert): Html {
  const { account, sync, provider, keys } = details;
  if (typeof account === 'string')
    return html`${sync ?? provider} of <a href="${link(['accounts', account])}">${account}</a>`;
  const place = (path: string[], query: Query = {}): Html => html`<a href="${link(path, query)}">${subject}</a>`;
  switch (kind) {
    case 'blocked':
      // What operators pause may end with a star as well, and is a limit of its own.
      return keys === undefined ? place(['limits', subject]) : place(['limits'], { prefix: subject.slice(0, -1) });
    case 'stale':
    case 'flaws':
      return place(['runs'], { sync: String(sync ?? subject) });
    case 'needs-reconnect':
      return place(['accounts'], { status: 'needs_reconnect', provider: String(provider) });
    default:
      return html`${subject}`;
  }
}
