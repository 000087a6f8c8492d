/**
 * `sluice schedules …`: when runs start by themselves, brought into force from the code. Next: `client/schedules/schedules.ts`.
 */
import type { Command } from 'commander';
import type { Sluice } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { jsonOption, moduleOption } from '../../options.ts';
import { planText, scheduleLine } from '../../text/schedule.ts';
import { tell } from '../../tell.ts';
import { withClient } from '../../with-client.ts';

interface ModuleOptions extends ActingOptions {
  readonly module?: string;
  readonly json?: boolean;
}

export function registerSchedules(program: Command): void {
  const schedules = program
    .command('schedules')
    .description('when runs start by themselves, as the code of the syncs says');
  schedules
    .command('plan')
    .description('what apply would add, change and remove; nothing is changed; exit code 1 when something differs')
    .addOption(moduleOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice schedules plan --module dist/sluice.js')
    .action(plan);
  acting(schedules.command('apply'))
    .description('bring schedules and freshFor of the module into force, for the task queue of SLUICE_TASK_QUEUE')
    .addOption(moduleOption())
    .option(
      '--yes',
      'also when more than a third of what is in force, or the times of more than 1,000 accounts, would be removed',
      false,
    )
    .addHelpText('after', '\nExample, once for each deployment:\n  npx sluice schedules apply --module dist/sluice.js')
    .action(apply);
  schedules
    .command('list')
    .description('every schedule: accounts, the next start, what is late or has failed; exit code 1 when one is or has')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice schedules list --json')
    .action(list);
  acting(schedules.command('pause <schedule>'))
    .description('start no runs by it until it is resumed; open runs go on')
    .addHelpText('after', '\nExample:\n  npx sluice schedules pause network --why "a sale"')
    .action((id: string, options: ActingOptions) =>
      withClient(async (sluice) => {
        await sluice.schedules.pause(id, options.why);
        tell(options, { schedule: id, done: 'pause' }, `${id}: paused`);
      }, options),
    );
  acting(schedules.command('resume <schedule>'))
    .description('start runs by it again; accounts that were due meanwhile start once')
    .addHelpText('after', '\nExample:\n  npx sluice schedules resume network')
    .action((id: string, options: ActingOptions) =>
      withClient(async (sluice) => {
        await sluice.schedules.resume(id);
        tell(options, { schedule: id, done: 'resume' }, `${id}: resumed`);
      }, options),
    );
}

const plan = ({ module, json }: ModuleOptions) =>
  withModule({ module }, async (sluice, syncs) => {
    const planned = await sluice.schedules.plan(syncs);
    console.log(json ? JSON.stringify(planned) : planText(planned));
    if (planned.changes.some(({ change }) => change !== 'unchanged')) process.exitCode = 1;
  });

const apply = ({ json, yes, ...options }: ModuleOptions & { readonly yes: boolean }) =>
  withModule(options, async (sluice, syncs) => {
    const done = await sluice.schedules.apply(syncs, { removesMany: yes });
    console.log(json ? JSON.stringify(done) : planText(done));
    if (done.changes.some(({ change }) => change === 'foreign')) process.exitCode = 1;
  });

const list = ({ json }: { readonly json?: boolean }) =>
  withClient(async (sluice) => {
    const found = await sluice.schedules.list();
    if (json) console.log(JSON.stringify(found));
    else console.log(found.length === 0 ? 'No schedules.' : found.map(scheduleLine).join('\n'));
    if (found.some(({ failed, lateMs, pausedAt }) => failed > 0 || (pausedAt === null && lateMs > LATE_MS)))
      process.exitCode = 1;
  });

/** What is due is started within some seconds. */
const LATE_MS = 60_000;

async function withModule(
  { module, ...options }: { readonly module?: string | undefined } & ActingOptions,
  work: (sluice: Sluice, syncs: Parameters<Sluice['schedules']['plan']>[0]) => Promise<void>,
): Promise<void> {
  const { loadModule } = await import('../../module/load-module.ts');
  const { syncs } = await loadModule(module);
  await withClient((sluice) => work(sluice, syncs), options);
}
