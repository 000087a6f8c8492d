/** How everything stands, in lines. Used by: `cli/commands/operate/overview.ts`, `cli/commands/run/watch.ts`. */
import type { Overview } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';
import { counted, rateText } from '../../contracts/limits/limit-words.ts';

export function overviewText({ accounts, runs, ages, limits, alerts, untold }: Overview): string {
  const lines = [
    `accounts  ${accounts.connected} connected, ${accounts.needs_reconnect} must be connected again`,
    `runs  ${runs.running} running, ${runs.paused} paused, ${runs.needs_reconnect} wait for their account`,
  ];
  for (const [kind, count] of Object.entries(alerts)) if (count > 0) lines.push(`alerts  ${count} ${kind}`);
  for (const sync of new Set(ages.map((age) => age.sync))) {
    // One for each step of the histogram, the freshest first.
    const each = ages
      .filter((age) => age.sync === sync)
      .toSorted((a, b) => a.averageMs - b.averageMs)
      .map(({ accounts: count, averageMs }) => `${counted(count, 'account')} on average ${duration(averageMs)} ago`);
    lines.push(`last good run, or first start without one  ${sync}: ${each.join(', ')}`);
  }
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
