/**
 * `sluice pause`, `resume` and `cancel`: by workflow id. Next: `client/sync/sync-handle.ts`, `client/action/action-handle.ts`.
 */
import type { Command } from 'commander';
import type { Sluice } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { withNamesOf } from '../../known-names.ts';
import { tell } from '../../tell.ts';
import { withClient } from '../../with-client.ts';

/** How it ended; undefined while it goes on, or when it is not known. */
async function endOf(sluice: Sluice, workflowId: string): Promise<string | undefined> {
  if (/^(?:action|saga)\//.test(workflowId)) {
    const [report] = await sluice.reports.list({ workflowId, order: 'newest', limit: 1 });
    return report && report.status !== 'pending' ? report.status : undefined;
  }
  const progress = await sluice.run({ workflowId }).progress();
  return 'endedAt' in progress && progress.endedAt !== null ? progress.state : undefined;
}

export function registerControl(program: Command): void {
  for (const [control, done, does] of [
    ['pause', 'paused', 'make no more calls of a run, by workflow id, until it is resumed; what is stored stays'],
    ['resume', 'resumed', 'let a paused run go on where it was, by workflow id'],
  ] as const) {
    acting(program.command(`${control} <run>`))
      .description(does)
      .addHelpText('after', `\nExample:\n  npx sluice ${control} sync/network/acct_42`)
      .action((run: string, options: ActingOptions) =>
        withClient(async (sluice) => {
          await withNamesOf(sluice, run, () => sluice.run({ workflowId: run })[control]());
          tell(options, { workflowId: run, done: control }, `${run}: ${done}`);
        }, options),
      );
  }
  acting(program.command('cancel <id>'))
    .description('cancel a run, an action that was not sent, or a saga, by workflow id')
    .addHelpText('after', '\nExample:\n  npx sluice cancel sync/network/acct_42 --why "asked for by its user"')
    .action((id: string, options: ActingOptions) =>
      withClient(async (sluice) => {
        const isOperation = /^(?:action|saga)\//.test(id);
        const ended = await endOf(sluice, id);
        if (ended !== undefined) throw new Error(`${id} has ended as ${ended}: there is nothing to cancel.`);
        const open = isOperation ? sluice.action({ workflowId: id }) : sluice.run({ workflowId: id });
        await withNamesOf(sluice, id, () => open.cancel());
        tell(options, { workflowId: id, done: 'cancel' }, `${id}: is being cancelled`);
      }, options),
    );
}
