/**
 * `sluice overview`: how everything stands, in numbers. Next: `db/stores/operate/overview-store.ts`, which the metrics of a worker
 * read too.
 */
import type { Command } from 'commander';
import { jsonOption } from '../../options.ts';
import { overviewText } from '../../text/overview.ts';
import { withClient } from '../../with-client.ts';

export function registerOverview(program: Command): void {
  program
    .command('overview')
    .description('accounts and runs by state, ages of the last good runs, limits: all in numbers')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  npx sluice overview --json')
    .action(({ json }: { readonly json?: boolean }) =>
      withClient(async (sluice) => {
        const overview = await sluice.overview();
        console.log(json ? JSON.stringify(overview) : overviewText(overview));
      }),
    );
}
