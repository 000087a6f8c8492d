/**
 * `sluice explain <run>`: why a run waits, for what, until when, who else does, and when it ends. Next:
 * `client/explain/explain-run.ts`.
 */
import type { Command } from 'commander';
import { tellUnknownId } from '../../known-names.ts';
import { jsonOption } from '../../options.ts';
import { withClient } from '../../with-client.ts';

export function registerExplain(program: Command): void {
  program
    .command('explain <run>')
    .description('why a run waits, who else does, calls made and left, when it ends; exit code 1 when there is none')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice explain sync/network/acct_42')
    .action((run: string, { json }: { readonly json?: boolean }) =>
      withClient(async (sluice) => {
        const explained = await sluice.run({ workflowId: run }).explain();
        if (json) console.log(JSON.stringify(explained ?? null));
        else
          console.log(
            explained
              ? [run, ...explained.text.map((line) => `  ${line}`)].join('\n')
              : `${run}  unknown: no such run; \`npx sluice runs\` names those that there are`,
          );
        if (!explained) await tellUnknownId(sluice, run);
      }),
    );
}
