/**
 * `sluice overview`: how everything stands, in numbers. Next: `db/stores/operate/overview-store.ts`, which the metrics of a worker
 * read too.
 */
import type { Command } from 'commander';
import type { Overview } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';
import { counted, rateText } from '../../contracts/limits/limit-words.ts';
import { jsonOption } from '../options.ts';
import { withClient } from '../with-client.ts';

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

function overviewText({ accounts, runs, ages, limits, alerts, untold }: Overview): string {
  const lines = [
    `accounts  ${accounts.connected} connected, ${accounts.needs_reconnect} must be connected again`,
    `runs  ${runs.running} running, ${runs.paused} paused, ${runs.needs_reconnect} wait for their account`,
  ];
  for (const [kind, count] of Object.entries(alerts)) if (count > 0) lines.push(`alerts  ${count} ${kind}`);
  for (const { sync, accounts: count, averageMs } of ages)
    lines.push(`last good run  ${sync}: ${counted(count, 'account')}, on average ${duration(averageMs)} ago`);
  for (const { keyClass, keys, waiting, blocked, paused, ratePerSecond } of limits)
    lines.push(
      [
        `limit  ${keyClass}: ${counted(keys, 'key')}`,
        ...(ratePerSecond === null ? [] : [`${rateText(ratePerSecond)} each`]),
        `${counted(waiting, 'call')} ${waiting === 1 ? 'waits' : 'wait'}`,
        ...(blocked > 0 ? [`${blocked} blocked`] : []),
        ...(paused > 0 ? [`${paused} paused`] : []),
      ].join(', '),
    );
  if (untold > 0) lines.push(`reports  ${untold} failures that the app could not be told of yet`);
  return lines.join('\n');
}
