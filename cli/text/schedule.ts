/** Schedules, and what applying them does, as a person at a terminal reads it. Used by `cli/commands/operate/schedules.ts`. */
import type { PlannedChange, SchedulePlan, ScheduleStanding } from '../../client/index.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { duration } from '../../contracts/values/duration.ts';

const SIGNS = { added: '+', changed: '~', removed: '-', unchanged: ' ', foreign: '!' } as const;

export function planText({ taskQueue, changes, removesMany }: SchedulePlan): string {
  if (changes.length === 0) return `task queue "${taskQueue}": nothing is declared, nothing is in force`;
  const lines = changes.map((each) => `${SIGNS[each.change]} ${each.kind} ${each.id}: ${changeText(each)}`);
  const same = changes.every(({ change }) => change === 'unchanged') ? ['Nothing differs.'] : [];
  const hint = removesMany ? ['This removes more than a third of what is in force: `apply` wants --yes.'] : [];
  return [`task queue "${taskQueue}"`, ...lines, ...same, ...hint].join('\n');
}

function changeText({ change, before, after, accounts }: PlannedChange): string {
  const whose = accounts > 0 ? ` (${counted(accounts, 'account')})` : '';
  switch (change) {
    case 'added':
    case 'unchanged':
      return `${after ?? ''}${whose}`;
    case 'changed':
      return `${before ?? ''} → ${after ?? ''}${whose}`;
    case 'removed':
      return `${before ?? ''}, removed${whose}`;
    case 'foreign':
      return `another task queue has it (${before ?? ''}): remove it there, or give the sync another name; it is left as it is`;
  }
}

export function scheduleLine(found: ScheduleStanding): string {
  const { id, when, accounts, disconnected, pausedAt, pausedReason, nextAt, due, lateMs, failed, lastError } = found;
  const lines = [
    [
      `${id}  ${when}`,
      counted(accounts, 'account'),
      ...(disconnected > 0 ? [`${disconnected} must be connected again`] : []),
      pausedAt === null ? `next ${nextAt ?? 'none'}` : `paused since ${pausedAt}: ${pausedReason ?? ''}`,
    ].join('; '),
    ...(due > 0 ? [`  ${counted(due, 'account')} due, the first for ${duration(lateMs)}`] : []),
    ...(failed > 0 ? [`  ${counted(failed, 'account')} could not be started: ${lastError ?? ''}`] : []),
  ];
  return lines.join('\n');
}
