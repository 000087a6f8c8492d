/** Alerts and ages as a person at a terminal reads them. Used by `cli/commands/operate/alerts.ts` and `cli/commands/operate/freshness.ts`. */
import type { Alert, Freshness } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { duration } from '../../contracts/values/duration.ts';

export function alertsText(alerts: readonly Alert[]): string {
  if (alerts.length === 0) return 'No alerts.';
  return alerts
    .map(({ kind, subject, firedAt, clearedAt, text }) => {
      const until = clearedAt === null ? `since ${firedAt}` : `${firedAt} to ${clearedAt}`;
      return `${kind}  ${subject}  ${until}\n  ${text}`;
    })
    .join('\n');
}

/** @param sync that was asked for alone. */
export function freshnessText(found: readonly Freshness[], sync?: string): string {
  if (found.length === 0)
    return `${sync === undefined ? 'No sync' : `No sync "${sync}"`} has \`freshFor\`, or it was not applied: npx sluice schedules plan`;
  return found
    .map(({ sync: name, freshForMs, accounts, stale, oldestMs, stalest }) =>
      [
        `${name}  fresh for ${duration(freshForMs)}: ${accounts - stale} of ${counted(accounts, 'account')}${oldestMs === null ? '' : `; the oldest ${duration(oldestMs)}`}`,
        ...stalest.map(
          ({ account, ageMs, lastGoodAt, state }) =>
            `  ${account}  ${duration(ageMs)} old; last good run ${lastGoodAt ?? 'none'}; newest run ${state ?? 'none'}`,
        ),
        ...(stale > stalest.length ? [`  and ${stale - stalest.length} more`] : []),
      ].join('\n'),
    )
    .join('\n');
}
