/**
 * `sluice actions …`: writes to third parties. It shows how each stands, what it waits for, and what works on an
 * entity. It takes a person's decision on one whose fate is unknown. Next: `status.ts`, `pending.ts`, `resolve.ts`.
 */
import type { Command } from 'commander';
import { tellUnknownId } from '../../known-names.ts';
import { jsonOption } from '../../options.ts';
import { tell } from '../../tell.ts';
import { undecidedText, unknownText } from '../../text/operation.ts';
import { withClient } from '../../with-client.ts';
import { registerPending } from './pending.ts';
import { registerResolve } from './resolve.ts';
import { showAction, showSaga } from './status.ts';

export function registerActions(program: Command): void {
  const actions = program.command('actions').description('writes to third parties, one by one or as a saga');
  actions
    .command('status <id>')
    .description('how an action or a saga stands, by workflow id; exit code 1 when it is unknown')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice actions status action/social/create-post/acct_42/form-7')
    .action((id: string, options: { readonly json?: boolean }) =>
      withClient((sluice) =>
        id.startsWith('saga/') ? showSaga(sluice, id, options) : showAction(sluice, id, options),
      ),
    );
  actions
    .command('waits <id>')
    .description('what an action or a saga waits for, and until when; exit code 1 when it is unknown')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice actions waits saga/onboard/acct_42/1')
    .action((id: string, options: { readonly json?: boolean }) =>
      withClient(async (sluice) => {
        const of = { workflowId: id };
        // A step of a saga is asked by its own id.
        const [action, saga, steps] = await Promise.all([
          sluice.action(of).status(),
          sluice.sagaOf(of).status(),
          sluice.sagaOf(of).steps(),
        ]);
        const waits = await (action ? sluice.action(of) : sluice.sagaOf(of)).waits();
        const isUnknown = waits.length === 0 && !action && !saga;
        const undecided = [{ workflowId: id, errorType: action?.errorType }, ...steps];
        const lines = [
          ...waits.map(({ text }) => text),
          ...undecided.flatMap((each) => undecidedText(each.workflowId, each.errorType)),
        ];
        tell(options, waits, isUnknown ? unknownText(id) : lines.join('\n') || 'It waits for nothing.');
        if (isUnknown) await tellUnknownId(sluice, id);
      }),
    );
  registerPending(actions);
  registerResolve(actions);
}
