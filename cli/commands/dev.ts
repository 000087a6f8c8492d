/**
 * `sluice dev`: Postgres, Temporal with its Web UI, and a worker that is started again whenever its code changes.
 * Next: `cli/dev/run-dev.ts`.
 */
import { Option, type Command } from 'commander';
import type { DevOptions } from '../dev/run-dev.ts';
import { moduleOption } from '../options.ts';

export function registerDev(program: Command): void {
  program
    .command('dev')
    .description('Postgres, Temporal with Web UI, the dashboard, and a worker that reloads')
    .addOption(moduleOption())
    .addOption(
      new Option(
        '--data-dir <folder>',
        'where the servers keep their data (default: SLUICE_DEV_DIR, else the user cache folder)',
      ),
    )
    .option('--no-worker', 'servers only')
    .option('--no-dashboard', 'without the page')
    .addHelpText('after', '\nExample:\n  npx sluice dev --module src/sluice.ts')
    .action(async (options: DevOptions) => (await import('../dev/run-dev.ts')).runDev(options));
}
