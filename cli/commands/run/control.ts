/**
 * `sluice pause`, `resume` and `cancel`: by workflow id. Next: `client/sync/sync-handle.ts`, `client/action/action-handle.ts`.
 */
import type { Command } from 'commander';
import type { Sluice } from '../../../client/index.ts';
import { acting, type ActingOptions } from '../../acting.ts';
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
  for (const [control, done] of [
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ] as const) {
    acting(program.command(`${control} <run>`))
      .description(`${control} a run, by workflow id`)
      .addHelpText('after', `\nExample:\n  npx sluice ${control} sync/network/acct_42`)
      .action((run: string, options: ActingOptions) =>
        withClient(async (sluice) => {
          await sluice.run({ workflowId: run })[control]();
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
        await (isOperation ? sluice.action({ workflowId: id }) : sluice.run({ workflowId: id })).cancel();
        tell(options, { workflowId: id, done: 'cancel' }, `${id}: is being cancelled`);
      }, options),
    );
}
