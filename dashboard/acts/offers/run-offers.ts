/** What can be done to a run in the state that it is in. Next: `dashboard/acts/run-acts.ts`. */
import type { RunProgress } from '../../../client/index.ts';
import type { Html } from '../../html.ts';
import { actButtons } from '../../parts/act-buttons.ts';
import type { ViewContext } from '../../view.ts';

export function runOffers(context: ViewContext, { state, runId, provider, nodes }: RunProgress): Html {
  const flawed = nodes.reduce((sum, node) => sum + node.flawed, 0);
  const isOpen = state === 'running' || state === 'paused';
  return actButtons(
    context,
    [
      state === 'running' && { act: 'pause-run', words: 'Pause …' },
      state === 'paused' && { act: 'resume-run', words: 'Resume …' },
      isOpen && { act: 'cancel-run', words: 'Cancel …', isDanger: true },
      !isOpen && state !== 'done' && { act: 'retry-run', words: 'Retry what failed …' },
      !isOpen && flawed > 0 && { act: 'retry-flaws', words: 'Read all flaws again …' },
      !isOpen && provider !== '' && { act: 'start-again', words: 'Start again …' },
    ],
    { run: runId },
  );
}
