/**
 * `sluice start <sync>`: starts a run, or says what is running. Next: `client/sync/start-sync.ts`.
 */
import { Option, type Command } from 'commander';
import type { IfRunning, Priority } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { accountOption, inputOption, moduleOption, priorityOption, tenantOption, waitOption } from '../../options.ts';
import { tellUnconnected } from '../../known-names.ts';
import { checkInput } from '../../sentence.ts';
import { showRun } from '../../text/show-run.ts';
import { withClient } from '../../with-client.ts';

interface StartOptions extends ActingOptions {
  readonly module?: string;
  readonly account: string;
  readonly input: unknown;
  readonly tenant?: string;
  readonly priority: Priority;
  readonly full?: boolean;
  readonly ifRunning?: IfRunning;
  readonly wait: boolean;
}

export function registerStart(program: Command): void {
  acting(program.command('start <sync>'))
    .description('start a run; where one is going on for the same, attach to it')
    .addOption(accountOption().makeOptionMandatory())
    .addOption(inputOption())
    .addOption(moduleOption())
    .addOption(tenantOption())
    .addOption(priorityOption('bulk'))
    .option('--full', 'read every list from its beginning, which also marks what is gone')
    .addOption(
      new Option(
        '--if-running <what>',
        'where one is going on; default: attach when it is for the same, else refuse',
      ).choices(['attach', 'refuse', 'queue']),
    )
    .addOption(waitOption('complete'))
    .addHelpText('after', '\nExample:\n  npx sluice start network --account acct_42 --input \'{"userId":"u1"}\' --wait')
    .action(start);
}

async function start(name: string, options: StartOptions): Promise<void> {
  const { loadModule, syncNamed } = await import('../../module/load-module.ts');
  const loaded = await loadModule(options.module);
  const sync = syncNamed(loaded, name);
  const { input } = options;
  checkInput(sync.definition, input, name);
  await withClient(async (sluice) => {
    await tellUnconnected(sluice, options.account, [sync.definition.provider], loaded);
    const run = await sluice.start(sync, {
      account: options.account,
      input: input as never,
      priority: options.priority,
      ...(options.full ? { mode: 'full' } : {}),
      ...(options.ifRunning === undefined ? {} : { ifRunning: options.ifRunning }),
      ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    });
    await showRun(run, options);
  }, options);
}
