/** What can be done to an action in the state that it is in. Next: `dashboard/acts/action-acts.ts`. */
import type { ActionStatus, Report } from '../../../client/index.ts';
import { html, type Html } from '../../html.ts';
import { actButtons } from '../../parts/act-buttons.ts';
import type { ViewContext } from '../../view.ts';

export function actionOffers(
  context: ViewContext,
  id: string,
  status: ActionStatus | undefined,
  report: Report | undefined,
): Html {
  if (context.visitor.role !== 'operate') return html``;
  const isOpen = report?.status === 'pending';
  const isUndecided = status?.resolvedBy === null && !isOpen;
  const isUnknown = isUndecided && status.errorType === 'unknown-write';
  const isLost = isUndecided && status.errorType === 'output-lost';
  // Steps of sagas have no report of their own.
  const hasEnded = report?.kind === 'action' && (status?.state === 'failed' || status?.state === 'cancelled');
  const name = report?.name ?? id.split('/').slice(1, 3).join('/');
  const isKnown = report?.kind === 'saga' || context.definitions.action(name) !== undefined || id.startsWith('saga/');
  const wanted = isUnknown || isLost || (hasEnded && !isOpen);
  if (wanted && !isKnown)
    return html`<p class="dim">
      To decide on it or to send it again the page needs its code: start it with
      <code>npx sluice dashboard --module &lt;file&gt;</code>, or give <code>definitions</code>.
    </p>`;
  return actButtons(
    context,
    [
      isOpen && { act: 'cancel-action', words: 'Cancel …', isDanger: true },
      (isUnknown || isLost) && { act: 'say-happened', words: 'It happened …' },
      isUnknown && {
        act: 'say-not-happened',
        words: id.startsWith('saga/') ? 'It did not happen: close it …' : 'It did not happen: send it …',
        isDanger: true,
      },
      hasEnded && !isOpen && !isUnknown && !isLost && { act: 'send-again', words: 'Send again, changed or not …' },
    ],
    { id },
  );
}
