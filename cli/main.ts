#!/usr/bin/env node
/**
 * `sluice`: the command line. One file a command, loaded when it is asked for: a worker's libraries take a second.
 * Next stop: `dev.ts`.
 */
import { Command, Option } from 'commander';
import { addAccountsCommand } from './accounts.ts';
import type { DevOptions } from './dev.ts';
import { addLimitsCommand } from './limits.ts';
import { addMigrateCommand } from './migrate.ts';
import { addQuarantineCommand } from './quarantine.ts';
import { addReportsCommand } from './reports.ts';
import type { RetryCommandOptions, StartCommandOptions } from './start.ts';
import type { WorkerCommandOptions } from './worker.ts';

const program = new Command('sluice')
  .description('Durable syncs and actions against third-party APIs')
  .showHelpAfterError();

program
  .command('dev')
  .description('Postgres, Temporal with Web UI, and a worker that reloads')
  .option('-m, --module <file>', 'module that exports your syncs (default: sluice.ts, src/sluice.ts, …)')
  .option(
    '-d, --data-dir <folder>',
    'where the servers keep their data (default: SLUICE_DEV_DIR, else the user cache folder)',
  )
  .option('--no-worker', 'servers only')
  .action(async (options: DevOptions) => (await import('./dev.ts')).runDev(options));

program
  .command('worker')
  .description('serve a task queue; settings come from SLUICE_*, DATABASE_URL and TEMPORAL_*')
  .option('-m, --module <file>', 'module that exports your syncs (default: sluice.ts, src/sluice.ts, …)')
  .action(async (options: WorkerCommandOptions) => (await import('./worker.ts')).runWorker(options));

program
  .command('start <sync>')
  .description('start a run, or attach to the running one')
  .requiredOption('-a, --account <name>', 'whose connection')
  .option('-i, --input <json>', 'input of the sync', '{}')
  .option('-m, --module <file>', 'module that exports your syncs (default: sluice.ts, src/sluice.ts, …)')
  .option('-t, --tenant <name>', 'who owns the account')
  .addOption(new Option('-p, --priority <priority>').choices(['interactive', 'bulk', 'trickle']).default('bulk'))
  .option('-w, --wait', 'wait for the end; exit code 1 when it is not complete', false)
  .option('--full', 'read every list from its beginning, and mark what is gone', false)
  .action(async (sync: string, options: StartCommandOptions) =>
    (await import('./start.ts')).startCommand(sync, options),
  );

program
  .command('retry <run>')
  .description('read what failed or was never finished in an ended run again, by workflow id')
  .addOption(
    new Option('--also <ends...>', 'other ends to read again')
      .choices(['flawed', 'skipped', 'truncated', 'capped', 'looped'])
      .default([]),
  )
  .option('-w, --wait', 'wait for the end; exit code 1 when it is not complete', false)
  .action(async (run: string, options: RetryCommandOptions) => (await import('./start.ts')).retryCommand(run, options));

program
  .command('status <run>')
  .description('the state of a run, by workflow id or run id')
  .option('--json', 'as JSON')
  .action(async (run: string, options: { readonly json?: boolean }) =>
    (await import('./status.ts')).statusCommand(run, options),
  );

for (const action of ['pause', 'resume', 'cancel'] as const) {
  program
    .command(`${action} <run>`)
    .description(`${action} a run, by workflow id`)
    .action(async (run: string) => (await import('./status.ts')).controlCommand(run, action));
}

addAccountsCommand(program);
addLimitsCommand(program);
addMigrateCommand(program);
addQuarantineCommand(program);
addReportsCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  // The message says what to do; the stack is for those who ask for it.
  console.error(
    process.env['SLUICE_LOG_LEVEL'] === 'debug' ? error : error instanceof Error ? error.message : String(error),
  );
  process.exitCode = 1;
}
