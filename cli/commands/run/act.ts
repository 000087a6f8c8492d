/**
 * `sluice act <action>`: starts an action or a saga, once for each key. Next: `client/action/act.ts`.
 */
import { Option, type Command } from 'commander';
import type { ActionHandle, Priority, Sluice } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { accountOption, inputOption, moduleOption, priorityOption, tenantOption, waitOption } from '../../options.ts';
import { tellUnconnected } from '../../known-names.ts';
import { checkInput } from '../../sentence.ts';
import { tell } from '../../tell.ts';
import { withClient } from '../../with-client.ts';
import { showAction, showSaga } from './status.ts';

interface ActCommandOptions extends ActingOptions {
  readonly module?: string;
  readonly account: string;
  readonly input: unknown;
  readonly tenant?: string;
  readonly priority: Priority;
  readonly key?: string;
  readonly wait: boolean;
}

export function registerAct(program: Command): void {
  acting(program.command('act <action>'))
    .description('start an action (provider/action) or a saga (its name), which writes to a third party')
    .addOption(accountOption().makeOptionMandatory())
    .addOption(inputOption())
    .addOption(moduleOption())
    .addOption(tenantOption())
    .addOption(priorityOption('interactive'))
    .addOption(
      new Option('--key <key>', 'the same key and account is the same action, started once; default: a new one'),
    )
    .addOption(waitOption('done'))
    .addHelpText(
      'after',
      '\nExample:\n  npx sluice act social/create-post --account acct_42 --input \'{"text":"Hello"}\' --key form-7 --wait',
    )
    .action(start);
}

async function start(name: string, options: ActCommandOptions): Promise<void> {
  const { loadModule, operationNamed } = await import('../../module/load-module.ts');
  const loaded = await loadModule(options.module);
  const { action, saga } = operationNamed(loaded, name);
  const actions = action ? [action.definition] : saga.definition.steps.map((step) => step.action);
  const { account, input, tenant, priority, key, wait } = options;
  checkInput((action ?? saga).definition, input, name);
  await withClient(async (sluice) => {
    await tellUnconnected(sluice, account, actions.map(({ provider }) => provider), loaded); // prettier-ignore
    const given = {
      account,
      input: input as never,
      priority,
      ...(tenant === undefined ? {} : { tenant }),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    };
    const handle = action ? await sluice.act(action, given) : await sluice.saga(saga, given);
    const { workflowId } = handle;
    if (!wait) return tell(options, { workflowId }, workflowId);
    // While it is waited for, somebody may want to look at it.
    if (!options.json) console.log(workflowId);
    await showEnd(sluice, handle, options);
  }, options);
}

async function showEnd(
  sluice: Sluice,
  handle: Pick<ActionHandle<unknown>, 'workflowId' | 'result'>,
  { json }: Pick<ActCommandOptions, 'json'>,
): Promise<void> {
  const { ActionFailed } = await import('../../../client/index.ts');
  const { workflowId } = handle;
  try {
    const output = await handle.result();
    tell({ json }, { workflowId, output }, `done: ${JSON.stringify(output)}`);
  } catch (error) {
    if (!(error instanceof ActionFailed)) throw error;
    // Why, and what a person can do.
    await (workflowId.startsWith('saga/') ? showSaga : showAction)(sluice, workflowId, json === undefined ? {} : { json }); // prettier-ignore
    process.exitCode = 1;
  }
}
