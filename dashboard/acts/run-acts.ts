/** What can be done to a run in the state that it is in. Next: `acts.ts`. */
import type { RunProgress } from '../../client/index.ts';
import { html, type Html } from '../html.ts';
import type { ViewContext } from '../view.ts';

export function runActs({ link, visitor }: ViewContext, { state, runId, provider, nodes }: RunProgress): Html {
  if (visitor.role !== 'operate') return html``;
  const flawed = nodes.reduce((sum, node) => sum + node.flawed, 0);
  const isOpen = state === 'running' || state === 'paused';
  const offers = [
    state === 'running' && (['pause-run', 'Pause …'] as const),
    state === 'paused' && (['resume-run', 'Resume …'] as const),
    isOpen && (['cancel-run', 'Cancel …'] as const),
    !isOpen && state !== 'done' && (['retry-run', 'Retry what failed …'] as const),
    !isOpen && flawed > 0 && (['retry-flaws', 'Read all flaws again …'] as const),
    !isOpen && provider !== '' && (['start-again', 'Start again …'] as const),
  ].filter((offer) => offer !== false);
  return html`<div class="acts" role="group" aria-label="What can be done">
    ${offers.map(
      ([act, words]) =>
        html`<a
          id="${act}"
          class="button${act === 'cancel-run' ? ' danger' : ''}"
          href="${link(['do', act], { run: runId })}"
          >${words}</a
        >`,
    )}
  </div>`;
}
