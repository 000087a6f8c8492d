/**
 * `sluice actions resolve <action>`: a person's decision on a write whose fate is unknown. Next: `client/action/resolve-action.ts`.
 */
import { Option, type Command } from 'commander';
import { acting, actorOf, type ActingOptions } from '../../acting.ts';
import { moduleOption } from '../../options.ts';
import { sentenceOf } from '../../sentence.ts';
import { tell } from '../../tell.ts';
import { unknownText } from '../../text/operation.ts';
import { jsonValue } from '../../values.ts';
import { withClient } from '../../with-client.ts';

interface ResolveOptions extends ActingOptions {
  /** The output. */
  readonly happened?: unknown;
  readonly notHappened?: boolean;
  readonly module?: string;
}

export function registerResolve(actions: Command): void {
  acting(actions.command('resolve <action>'))
    .description('decide on an action that was left as `unknown-write`, by workflow id')
    .addOption(
      new Option('--happened <output>', 'the write is there, and this is its output, as JSON').argParser(
        jsonValue('{"id":"42"}'),
      ),
    )
    .addOption(
      new Option('--not-happened', 'it is not there: send it again, or close the step of a saga').conflicts('happened'),
    )
    .addOption(moduleOption())
    .addHelpText(
      'after',
      '\nExamples:\n  npx sluice actions resolve action/social/create-post/acct_42/form-7 --not-happened\n  npx sluice actions resolve action/social/create-post/acct_42/form-7 --happened \'{"id":"42"}\'',
    )
    .action(resolve);
}

async function resolve(workflowId: string, options: ResolveOptions): Promise<void> {
  const { happened, notHappened } = options;
  const { by } = actorOf(options);
  if (happened === undefined && !notHappened)
    throw new Error('Say what is true at the third party: --happened <output as JSON>, or --not-happened.');
  if (!/^(?:action|saga)(?:\/[^/]+){3,}$/s.test(workflowId))
    throw new Error(
      `${JSON.stringify(workflowId)} is no workflow id of an action (action/<provider>/<action>/<account>/<key>) or of a step of a saga. \`npx sluice reports --status failed\` has them.`,
    );
  const { actionNamed, loadModule } = await import('../../module/load-module.ts');
  const [, provider, name] = workflowId.split('/');
  const loaded = await loadModule(options.module);
  await withClient(async (sluice) => {
    // A step of a saga has its saga's workflow id in front; its row says what it is.
    const step = workflowId.startsWith('saga/') ? await stepOf(sluice, workflowId) : `${provider}/${name}`;
    const action = sluice.action({ workflowId, action: actionNamed(loaded, step) as never });
    if (happened === undefined) await action.resolve({ happened: false });
    else {
      await action.resolve({ happened: true, output: happened as never }).catch((error: unknown) => {
        throw new Error(sentenceOf(error, `The output of "${step}"`), { cause: error });
      });
    }
    const absent = workflowId.startsWith('saga/') ? 'closed' : 'sent again';
    const decided = happened === undefined ? absent : 'done';
    tell(options, { workflowId, decided, by }, `${workflowId}: ${decided}, as ${by} has decided`);
  }, options);
}

async function stepOf(sluice: Parameters<Parameters<typeof withClient>[0]>[0], workflowId: string): Promise<string> {
  const saga = workflowId.replace(/\/undo$/, '').replace(/\/[^/]*$/, '');
  const step = (await sluice.sagaOf({ workflowId: saga }).steps()).find((each) => each.workflowId === workflowId);
  if (step) return step.action;
  const steps = await sluice.sagaOf({ workflowId }).steps();
  if (steps.length === 0) throw new Error(unknownText(workflowId));
  const open = steps.filter(({ errorType }) => errorType === 'unknown-write' || errorType === 'output-lost');
  throw new Error(
    open.length === 0
      ? `"${workflowId}" is a saga, and the fate of each of its steps is known: there is nothing to resolve.`
      : `"${workflowId}" is a saga; say what is true of its step: ${open.map((each) => each.workflowId).join(', ')}`,
  );
}
