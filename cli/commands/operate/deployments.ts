/**
 * `sluice deployments …`: builds of the workers side by side, where they are versioned. Next: `client/deployments/deployments.ts`.
 */
import { InvalidArgumentError, type Command } from 'commander';
import type { BuildStanding, Sluice } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { jsonOption } from '../../options.ts';
import { counted } from '../../../contracts/limits/limit-words.ts';
import { withClient } from '../../with-client.ts';

interface Options extends ActingOptions {
  readonly deployment?: string;
  readonly percent?: number;
}

export function registerDeployments(program: Command): void {
  const deployments = program
    .command('deployments')
    .description('builds of the workers (SLUICE_BUILD_ID): which one gets new runs, and which has runs left');
  named(deployments.command('list'))
    .description(
      'every build: its state, open runs that are pinned to it, its workers; exit code 1 when runs, or the current build, have none',
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice deployments list')
    .action((options: Options) => say(options, (sluice) => sluice.deployments.list(options.deployment)));
  named(acting(deployments.command('promote <build>')))
    .description('new runs go to this build, and what is going on moves to it at its next page')
    .option('--percent <share>', 'only so many per cent of new runs, above 0 and below 100', toPercent)
    .addHelpText(
      'after',
      '\nExample, when all workers of the build serve:\n  npx sluice deployments promote 2026-11-28-1',
    )
    .action((buildId: string, { deployment, percent, ...options }: Options) =>
      say(options, (sluice) => sluice.deployments.promote({ buildId, ...of(deployment), ...shareOf(percent) })),
    );
  named(acting(deployments.command('release <build>')))
    .description('take runs off a build whose workers are gone for good; workers of the current build go on with them')
    .addHelpText('after', '\nExample:\n  npx sluice deployments release 2026-11-27-3')
    .action((buildId: string, { deployment, ...options }: Options) =>
      say(options, (sluice) => sluice.deployments.release({ buildId, ...of(deployment) })),
    );
}

function named(command: Command): Command {
  return command.option(
    '--deployment <name>',
    'default: SLUICE_DEPLOYMENT, else the name of the task queue',
    nameFromEnvironment(),
  );
}

const nameFromEnvironment = (): string | undefined => process.env['SLUICE_DEPLOYMENT'] || undefined;
const of = (deployment: string | undefined) => (deployment === undefined ? {} : { deployment });
const shareOf = (percent: number | undefined) => (percent === undefined ? {} : { percent });

function toPercent(text: string): number {
  const percent = Number(text);
  if (percent > 0 && percent < 100) return percent;
  throw new InvalidArgumentError('It must be above 0 and below 100.');
}

const say = (
  { json, ...options }: Pick<Options, 'json' | 'by' | 'why'>,
  ask: (sluice: Sluice) => Promise<readonly BuildStanding[]>,
): Promise<void> =>
  withClient(async (sluice) => {
    const builds = await ask(sluice);
    console.log(json ? JSON.stringify(builds) : buildsText(builds));
    if (builds.some(isUnserved)) process.exitCode = 1;
  }, options);

function buildsText(builds: readonly BuildStanding[]): string {
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

/** Something waits for its workers, and it has none. */
function isUnserved({ state, runs, workers }: Standing): boolean {
  return workers === 0 && (state === 'current' || runs > 0);
}

type Standing = Pick<BuildStanding, 'state' | 'runs' | 'workers'>;

function hintOf({ buildId, ...standing }: Standing & Pick<BuildStanding, 'buildId'>): string {
  const { state, workers } = standing;
  if (isUnserved(standing))
    return state === 'current'
      ? '\n  nobody serves it, and what is started waits: start a worker of this build, or promote another one'
      : `\n  nobody serves them: start a worker of this build again, or \`npx sluice deployments release ${buildId}\``;
  return state === 'drained' && workers > 0 ? '\n  its workers may be ended' : '';
}
