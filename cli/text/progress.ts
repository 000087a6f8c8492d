/**
 * A run's progress and flaws as a few aligned lines. Used by `sluice status`, `start --wait`, `retry` and the demo.
 */
import type { Flaw, RunProgress } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';
import { shellWord } from '../../contracts/values/shell-word.ts';

const NOT_BEGUN = {
  unknown: 'unknown: no such run; `npx sluice runs` names those that there are',
  starting: 'starting: no worker has taken it up yet',
  queued: 'queued: the run before it has not ended',
} as const;

export function progressText(progress: RunProgress | { readonly state: keyof typeof NOT_BEGUN }): string {
  if (!('nodes' in progress)) return NOT_BEGUN[progress.state];
  const tookMs = (progress.endedAt ? Date.parse(progress.endedAt) : Date.now()) - Date.parse(progress.startedAt);
  const lines = [`${progress.workflowId}  ${progress.state}  ${duration(tookMs)}`];
  const table = [['node', 'state', 'waiting', 'running', 'done', 'skipped', 'failed', 'pages', 'rows', 'calls']];
  for (const { name, state, units, pages, rows, calls } of progress.nodes) {
    table.push([
      name,
      state,
      ...[units.waiting, units.running, units.done, units.skipped, units.failed, pages, rows, calls].map(String),
    ]);
  }
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  for (const row of table)
    lines.push(
      `  ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`,
    );
  if (progress.pausedBy === 'auth') lines.push(...toConnectLines(progress));
  if (progress.error) lines.push(`  ${progress.error}`);
  return lines.join('\n');
}

/** Of a run that goes on as soon as its account is connected, for the first time or again. */
function toConnectLines({ provider, account, pausedReason }: RunProgress): string[] {
  const because = pausedReason === undefined ? '' : `: ${pausedReason}`;
  return [
    `  The account must be connected${because}. The run goes on by itself then.`,
    `    by its user's login, or: npx sluice accounts connect ${shellWord(provider)} ${shellWord(account)} < credentials.json`,
  ];
}

/** Why a run is not complete, a line for each way. */
export function flawLines(flaws: readonly Flaw[]): string[] {
  return flaws.map(
    ({ node, count, kind, example, reason }) =>
      `  ${node}: ${count} × ${kind}${example ? `, e.g. "${example}"` : ''}: ${reason}`,
  );
}
