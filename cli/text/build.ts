/** Builds of the workers, one a line, and what to do. Used by: `cli/commands/operate/deployments.ts`. */
import type { BuildStanding } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';

export function buildsText(builds: readonly BuildStanding[]): string {
  if (builds.length === 0) return 'No versioned worker has served here. SLUICE_BUILD_ID makes a worker one.';
  const isServed = builds.some(({ state }) => state === 'current');
  const lines = builds.map(buildLine);
  if (!isServed)
    lines.push('No build is current: what is started waits. `npx sluice deployments promote <build>` makes one it.');
  return lines.join('\n');
}

function buildLine({ deployment, buildId, state, percent, runs, taskQueues, workers }: BuildStanding): string {
  const share = percent === undefined ? '' : `, ${percent} % of new runs`;
  const served = `${counted(workers, 'worker')} for ${taskQueues.join(', ') || 'no task queue'}`;
  return `${deployment}:${buildId}  ${state}${share}  ${counted(runs, 'run')} pinned to it, ${served}${hintOf({ buildId, state, runs, workers })}`;
}

function hintOf({
  buildId,
  state,
  runs,
  workers,
}: Pick<BuildStanding, 'buildId' | 'state' | 'runs' | 'workers'>): string {
  if (runs > 0 && workers === 0)
    return `\n  nobody serves them: start a worker of this build again, or \`npx sluice deployments release ${buildId}\``;
  return state === 'drained' && workers > 0 ? '\n  its workers may be ended' : '';
}
