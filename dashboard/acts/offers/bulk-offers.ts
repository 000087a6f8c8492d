/** What can be done to all runs that a filter matches: the buttons. They lead to a page that says how many. Next: `dashboard/acts/bulk-acts.ts`. */
import type { RunSelection } from '../../../contracts/operate/run-list.ts';
import { html, type Html } from '../../html.ts';
import type { Query } from '../../link.ts';
import { actButtons } from '../../parts/act-buttons.ts';
import type { ViewContext } from '../../view.ts';

const OFFERS = [
  { act: 'retry-all', words: 'Retry what failed in all that match …', states: ['failed', 'incomplete'] },
  { act: 'pause-all', words: 'Pause all that match …', states: ['running'] },
  { act: 'resume-all', words: 'Resume all that match …', states: ['paused'] },
  { act: 'cancel-all', words: 'Cancel all that match …', states: ['running', 'paused'] },
] as const;

export function bulkOffers(context: ViewContext, query: Query, { state }: RunSelection): Html {
  const fitting = OFFERS.filter(({ states }) => (states as readonly unknown[]).includes(state));
  if (fitting.length === 0)
    return html`<p class="dim">Choose one state to retry, pause, resume or cancel all runs that match.</p>`;
  const offers = fitting.map(({ act, words }) => ({ act, words, isDanger: act === 'cancel-all' }));
  return actButtons(context, offers, { ...query, after: undefined }, 'All that match');
}
