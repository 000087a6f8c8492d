/** One list that was not read to its end, as a line of `sluice status --flaws`. */
import type { FlawedList } from '../../client/index.ts';

export function flawedListLine({ node, key, part, lane, kind, reason, pages, rows }: FlawedList): string {
  const which = [part === undefined ? '' : ` part ${part}`, lane === undefined ? '' : ` lane ${lane}`].join('');
  return `${node}  ${key === '' ? '(the list itself)' : JSON.stringify(key)}${which}  ${kind} after ${pages} pages, ${rows} rows: ${reason}`;
}
