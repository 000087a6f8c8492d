/**
 * What must hold for a list at every moment, whoever has met there in whatever order; each thing that does not as a line. Used by
 * `every-order.ts` and `random-orders.ts`.
 */
import { keyOf, PAGES, ROWS_OF_A_PAGE } from './actors.ts';
import type { Rows } from './one-list.ts';

/** What the test has seen, beside what the database says. */
export interface Ghost {
  /** Calls that were begun, and those of them that were told. */
  readonly begun: number;
  readonly told: number;
}

const ENDED_RUN: ReadonlySet<string> = new Set(['done', 'incomplete', 'failed', 'cancelled']);

export const isOver = ({ run }: Rows): boolean => ENDED_RUN.has(run.state);

export function brokenRules({ node, unit, records }: Rows, ghost: Ghost): string[] {
  const keys = Array.from({ length: unit.pages }, (_, page) =>
    Array.from({ length: ROWS_OF_A_PAGE }, (__, row) => keyOf(page, row)),
  ).flat();
  const counts = (state: string): number => (unit.state === state ? 1 : 0);
  return [
    expect('rows', records.map(({ key }) => key).join(), keys.join()),
    expect('rows that the list counts', unit.rows, keys.length),
    expect('items that the list counts', unit.items, keys.length),
    expect('rows that the node counts', node.rows, keys.length),
    expect('pages that the node counts', node.pages, unit.pages),
    expect('calls that the node counts', node.calls, ghost.told),
    expect('position', unit.position?.cursor ?? '0', String(unit.pages)),
    ...(['waiting', 'running', 'done', 'failed'] as const).map((state) =>
      expect(`lists that are ${state}`, node[state], counts(state)),
    ),
    expect('flawed lists', node.flawed, unit.end_kind === null || unit.end_kind === 'complete' ? 0 : 1),
    expect('a list that is complete has all pages', unit.end_kind === 'complete' && unit.pages !== PAGES, false),
    expect('a list has no more than all pages', unit.pages <= PAGES, true),
  ].filter((line) => line !== undefined);
}

/** What one step may not do. */
export function brokenByStep(before: Rows, after: Rows, hasStored: boolean, isLate: boolean): string[] {
  const list = ({ unit, isDelayed }: Rows): string =>
    JSON.stringify([{ ...unit, id: 0, run_id: 0, retry_at: 0, changes: 0 }, isDelayed]);
  return [
    expect('one who comes late changes nothing of the list', isLate && list(before) !== list(after), false),
    expect('an ended run stays as it ended', isOver(before) && after.run.state !== before.run.state, false),
    expect('an ended list stays as it ended', before.unit.end_kind ?? after.unit.end_kind, after.unit.end_kind),
    expect('an ended run stores no page', isOver(before) && after.unit.pages > before.unit.pages, false),
    expect('pages go forward', after.unit.pages >= before.unit.pages, true),
    expect('a stored page counts', hasStored, after.unit.pages > before.unit.pages),
    expect('a stored page ends delays', hasStored && (after.isDelayed || after.unit.attempts > 0), false),
  ].filter((line) => line !== undefined);
}

/** When nobody has anything left to do. */
export function brokenAtEnd(rows: Rows, ghost: Ghost): string[] {
  return [
    expect('the run has ended', isOver(rows), true),
    expect(
      'a list is left open only by a cancellation',
      rows.unit.end_kind === null && rows.run.state !== 'cancelled',
      false,
    ),
    expect(
      'a complete list is a run that is done',
      rows.run.state === 'done',
      rows.unit.end_kind === 'complete' && rows.run.state !== 'cancelled',
    ),
    expect('every call that was begun is counted', rows.node.calls, ghost.begun),
  ].filter((line) => line !== undefined);
}

function expect(what: string, found: unknown, wanted: unknown): string | undefined {
  return found === wanted ? undefined : `${what}: found ${String(found)}, wanted ${String(wanted)}`;
}
