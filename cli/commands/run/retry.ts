/**
 * `sluice retry <run>`: reads what failed in an ended run again. Next: `client/sync/retry-failed.ts`.
 */
import { Option, type Command } from 'commander';
import type { Flaw } from '../../../client/index.ts';
import { OTHER_FLAWS } from '../../../contracts/run.ts';
import { acting, type ActingOptions } from '../../acting.ts';
import { withNamesOf } from '../../known-names.ts';
import { waitOption } from '../../options.ts';
import { showRun } from '../../text/show-run.ts';
import { withClient } from '../../with-client.ts';

interface RetryOptions extends ActingOptions {
  /** Ends that are read again besides `failed`. */
  readonly also: readonly Exclude<Flaw['kind'], 'failed'>[];
  readonly wait: boolean;
}

export function registerRetry(program: Command): void {
  acting(program.command('retry <run>'))
    .description('read again what failed or was never finished in a run that has ended, by workflow id')
    .addOption(new Option('--also <ends...>', 'other ends to read again').choices(OTHER_FLAWS).default([]))
    .addOption(waitOption('complete'))
    .addHelpText('after', '\nExample:\n  npx sluice retry sync/network/acct_42 --also truncated --wait')
    .action((run: string, { also, wait, ...options }: RetryOptions) =>
      withClient(async (sluice) => {
        const started = await withNamesOf(sluice, run, () => sluice.run({ workflowId: run }).retryFailed({ also }));
        await showRun(started, { ...options, wait });
      }, options),
    );
}
